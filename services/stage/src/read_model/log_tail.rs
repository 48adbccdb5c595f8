//! The log as the map draws it: its last events, its length, and its length a moment ago. Pure.

use std::collections::VecDeque;

use events::{
    beers::{self, Beer},
    ids::Moment,
    quantities::Sequence,
    stock::StockEvent,
};
use serde::{Deserialize, Serialize};

use crate::read_model::stock::beer_by_id;

/// The last events, which are drawn one by one.
pub const TAIL_MAX: usize = 55;
/// Remembered lengths of the log: a few seconds' worth.
const MARKS_MAX: usize = 64;
/// The distance between two of them, in microseconds.
const MARK_EVERY: i64 = 100_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tile {
    #[serde(with = "beer_by_id")]
    pub beer: &'static Beer,
    pub sequence: Sequence,
}

/// The end of the log, across all beers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Tape {
    tail: VecDeque<Tile>,
    /// The length of the log at these times, oldest first.
    marks: VecDeque<(Moment, u64)>,
}

impl Tape {
    /// Adds an event, with which the log has `total`.
    pub fn happened(&mut self, event: &StockEvent, at: Moment, total: u64) {
        if let Some(beer) = beers::find(&event.beer) {
            self.tail.push_back(Tile { beer, sequence: event.sequence });
        }
        if self.tail.len() > TAIL_MAX {
            self.tail.pop_front();
        }
        match self.marks.back_mut() {
            Some((marked, events)) if at.micros_since(*marked) < MARK_EVERY => *events = total,
            _ => self.marks.push_back((at, total)),
        }
        if self.marks.len() > MARKS_MAX {
            self.marks.pop_front();
        }
    }

    /// Oldest first.
    pub fn tail(&self) -> impl Iterator<Item = Tile> {
        self.tail.iter().copied()
    }

    /// The length of the log at this moment, or the earliest known length.
    pub fn length_at(&self, at: Moment) -> Option<u64> {
        let before = self.marks.iter().rev().find(|(marked, _)| *marked <= at);
        before.or_else(|| self.marks.front()).map(|(_, events)| *events)
    }
}

#[cfg(test)]
mod tests {
    use events::{beers::BEERS, quantities::Bottles, stock::StockChange};

    use super::*;

    fn tape(events: u64) -> Tape {
        let mut tape = Tape::default();
        for n in 1..=events {
            let event = StockEvent {
                change: StockChange::Reserved,
                beer: BEERS[0].beer_id(),
                sequence: Sequence(n),
                bottles: Bottles(1),
                level: Bottles(1),
                order_id: None,
            };
            tape.happened(&event, Moment::from_micros(0).plus_millis(n as i64 * 200), n);
        }
        tape
    }

    #[test]
    fn only_its_end_is_drawn() {
        let tape = tape(100);
        let sequences: Vec<u64> = tape.tail().map(|tile| tile.sequence.0).collect();
        assert_eq!((sequences.len(), sequences[0], sequences[TAIL_MAX - 1]), (TAIL_MAX, 46, 100));
    }

    #[test]
    fn it_is_known_how_long_it_was_a_moment_ago() {
        let tape = tape(100);
        let at = |millis| Moment::from_micros(0).plus_millis(millis);
        assert_eq!(tape.length_at(at(99_999)), Some(100));
        assert_eq!(tape.length_at(at(19_900)), Some(99));
        assert_eq!(tape.length_at(at(0)), Some(37), "longer ago than is remembered");
        assert_eq!(Tape::default().length_at(at(0)), None);
    }
}

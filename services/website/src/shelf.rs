//! The beers as the website knows them: the truth of the log beside what stock-level shows.

use std::collections::{BTreeMap, VecDeque};

use events::{
    beers::{self, BEERS},
    ids::BeerId,
    quantities::{Bottles, Sequence},
    stock::{StockEvent, StockLevel},
};

use crate::views::{BeerOnShelf, StockView, Write};

/// Writes of stock-level that are remembered, to be shown.
const WRITES_MAX: usize = 12;

/// One beer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shelf {
    /// The log's level; `None` until its first event was read.
    pub level: Option<Bottles>,
    /// The log's last sequence.
    pub sequence: Sequence,
    /// The level written last by stock-level.
    pub shown_level: Option<Bottles>,
    /// The highest sequence it handled.
    pub shown_sequence: Sequence,
    /// Its count of writes.
    pub shown_written: u64,
    /// Who wrote it.
    pub worker: Option<String>,
}

impl Shelf {
    /// How many events of this beer stock-level has still to handle.
    pub fn behind(&self) -> u64 {
        self.sequence.0.saturating_sub(self.shown_sequence.0)
    }

    /// Wrong: what is shown differs from the log, and no event is unhandled. While one is, it is only behind.
    pub fn is_wrong(&self) -> bool {
        self.level.is_some() && self.behind() == 0 && self.shown_level != self.level
    }
}

/// All beers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shelves {
    beers: BTreeMap<BeerId, Shelf>,
    writes: VecDeque<Write>,
}

impl Shelves {
    /// Beers as they were stored.
    pub fn of(beers: impl IntoIterator<Item = (BeerId, Shelf)>) -> Self {
        Shelves { beers: beers.into_iter().collect(), writes: VecDeque::new() }
    }

    /// One beer.
    pub fn shelf(&self, beer: &BeerId) -> Shelf {
        self.beers.get(beer).cloned().unwrap_or_default()
    }

    /// Takes an event of the log in; `false` if it is a repeat.
    pub fn happened(&mut self, event: &StockEvent) -> bool {
        let shelf = self.beers.entry(event.beer.clone()).or_default();
        let new = event.sequence > shelf.sequence;
        if new {
            shelf.sequence = event.sequence;
            shelf.level = Some(event.level);
        }
        new
    }

    /// Takes a level of stock-level in; `false` if a later one was written already. Ordered by its count of writes: the
    /// highest sequence would hide a write that came too late.
    pub fn shown(&mut self, level: &StockLevel) -> bool {
        let shelf = self.beers.entry(level.beer.clone()).or_default();
        if level.written <= shelf.shown_written {
            return false;
        }
        shelf.shown_written = level.written;
        shelf.shown_level = Some(level.level);
        shelf.shown_sequence = level.sequence;
        shelf.worker = Some(level.worker.clone());
        if let Some(beer) = beers::find(&level.beer) {
            self.writes.push_front(Write {
                beer,
                sequence: level.sequence,
                level: level.level,
                worker: level.worker.clone(),
                at: level.at,
            });
            self.writes.truncate(WRITES_MAX);
        }
        true
    }

    /// All beers of the catalogue, for a page.
    pub fn beers(&self) -> Vec<BeerOnShelf> {
        let on_shelf = |beer: &'static beers::Beer| {
            let shelf = self.shelf(&beer.beer_id());
            BeerOnShelf {
                beer,
                level: shelf.level,
                sequence: shelf.sequence,
                shown_level: shelf.shown_level,
                shown_sequence: shelf.shown_sequence,
                wrong: shelf.is_wrong(),
                behind: shelf.behind(),
                worker: shelf.worker,
            }
        };
        BEERS.iter().map(on_shelf).collect()
    }

    /// The stock page.
    pub fn view(&self) -> StockView {
        let beers = self.beers();
        StockView {
            wrong: beers.iter().filter(|beer| beer.wrong).count(),
            events: beers.iter().map(|beer| beer.sequence.0).sum(),
            writes: self.writes.iter().cloned().collect(),
            beers,
        }
    }
}

#[cfg(test)]
mod tests {
    use events::{ids::Moment, stock::StockChange};

    use super::*;

    fn event(sequence: u64, level: u32) -> StockEvent {
        StockEvent {
            change: StockChange::Reserved,
            beer: BeerId::new("orval"),
            sequence: Sequence(sequence),
            bottles: Bottles(1),
            level: Bottles(level),
            order_id: None,
        }
    }

    fn level(sequence: u64, level: u32, written: u64) -> StockLevel {
        StockLevel {
            beer: BeerId::new("orval"),
            level: Bottles(level),
            sequence: Sequence(sequence),
            written,
            event: Sequence(sequence),
            ignored: false,
            worker: "worker-1".into(),
            taken_at: Moment::from_micros(0),
            at: Moment::from_micros(0),
        }
    }

    fn orval(shelves: &Shelves) -> Shelf {
        shelves.shelf(&BeerId::new("orval"))
    }

    #[test]
    fn while_an_event_is_unhandled_a_beer_is_behind_and_not_wrong() {
        let mut shelves = Shelves::default();
        assert!(shelves.happened(&event(1, 200)));
        assert!(shelves.happened(&event(2, 199)));
        assert!(!shelves.happened(&event(1, 200)), "a repeat");
        assert!(shelves.shown(&level(1, 200, 1)));
        assert_eq!((orval(&shelves).behind(), orval(&shelves).is_wrong()), (1, false));
        assert!(shelves.shown(&level(2, 199, 2)));
        assert_eq!((orval(&shelves).behind(), orval(&shelves).is_wrong()), (0, false));
    }

    #[test]
    fn a_write_that_came_too_late_is_wrong_and_stays_so() {
        let mut shelves = Shelves::default();
        for n in 1..=3 {
            shelves.happened(&event(n, 201 - n as u32));
        }
        shelves.shown(&level(3, 198, 2));
        shelves.shown(&level(3, 199, 3));
        assert!(orval(&shelves).is_wrong());
        assert!(!shelves.shown(&level(3, 198, 2)), "written before");
        assert_eq!(shelves.view().wrong, 1);
    }
}

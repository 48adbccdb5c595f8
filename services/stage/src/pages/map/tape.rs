//! The log as a tape: the last events one by one, all earlier ones as a band, and a pin for each reader.
//!
//! Pure geometry, in percent of the tape's width.

use crate::read_model::log_tail::{TAIL_MAX, Tile};

/// The number of places on the tape.
const PLACES: f64 = 58.0;
/// Empty places at the right end, where it grows.
const FREE: usize = 3;
/// Places of the band of earlier events, once there are too many to draw.
const BAND: usize = 16;
/// The share of its place that a tile takes.
const TILE: f64 = 0.86;
/// The closest distance of two pins; a closer one is moved aside, so that both are visible.
const ASIDE: f64 = 0.7;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Drawn {
    /// The number of events before those drawn one by one.
    pub earlier: u64,
    pub band: String,
    pub tiles: Vec<(String, Tile)>,
    pub free: Vec<String>,
    pub width: String,
}

/// The position of a reader, and its thread.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pin {
    pub who: &'static str,
    pub at: String,
    /// The thread from the tape down to the reader's card, in a field of 1000 × 100.
    pub thread: String,
}

fn percent(places: f64) -> String {
    format!("{:.2}", places * 100.0 / PLACES)
}

#[expect(clippy::cast_precision_loss, reason = "numbers of places on a wall")]
fn wide(n: usize) -> f64 {
    n as f64
}

#[expect(clippy::cast_precision_loss, reason = "a share of the tape; nobody sees the last digit")]
fn share(part: u64, of: u64) -> f64 {
    if of == 0 { 0.0 } else { part.min(of) as f64 / of as f64 }
}

/// How many of the events are drawn one by one.
fn one_by_one(events: u64, known: usize) -> usize {
    let all_fit = usize::try_from(events).is_ok_and(|events| events <= TAIL_MAX);
    known.min(if all_fit { TAIL_MAX } else { TAIL_MAX - BAND })
}

/// Where the first drawn event begins: the tape always ends at the same place.
fn begins(drawn: usize) -> f64 {
    wide(TAIL_MAX - drawn)
}

pub(super) fn draw(events: u64, tail: &[Tile]) -> Drawn {
    let drawn = one_by_one(events, tail.len());
    let tiles = tail[tail.len() - drawn..].iter().enumerate();
    let begins = begins(drawn);
    Drawn {
        earlier: events.saturating_sub(u64::try_from(drawn).unwrap_or(0)),
        band: percent(begins),
        tiles: tiles.map(|(index, tile)| (percent(begins + wide(index)), *tile)).collect(),
        free: (TAIL_MAX..TAIL_MAX + FREE).map(|place| percent(wide(place))).collect(),
        width: percent(TILE),
    }
}

/// The place after this many events, from the left.
fn place(handled: u64, events: u64, known: usize) -> f64 {
    let drawn = one_by_one(events, known);
    let earlier = events.saturating_sub(u64::try_from(drawn).unwrap_or(0));
    if handled < earlier {
        return begins(drawn) * share(handled, earlier);
    }
    begins(drawn) + wide(usize::try_from(handled - earlier).unwrap_or(0))
}

/// The pins. Each comes with the middle of its card, in thousandths.
pub(super) fn pins(events: u64, known: usize, readers: &[(&'static str, u64, f64)]) -> Vec<Pin> {
    let mut taken: Vec<f64> = Vec::new();
    let mut pins = Vec::new();
    for (who, handled, card) in readers {
        let mut at = place(*handled, events, known);
        while taken.iter().any(|other| (other - at).abs() < ASIDE) {
            at -= ASIDE;
        }
        taken.push(at);
        let x = at * 1000.0 / PLACES;
        let thread = format!("M{x:.1} 0C{x:.1} 75 {card:.1} 25 {card:.1} 100");
        pins.push(Pin { who, at: percent(at), thread });
    }
    pins
}

#[cfg(test)]
mod tests {
    use events::{beers::BEERS, quantities::Sequence};

    use super::*;

    fn tail(n: u64) -> Vec<Tile> {
        (0..n).map(|n| Tile { beer: &BEERS[0], sequence: Sequence(n) }).collect()
    }

    #[test]
    fn a_short_log_is_drawn_whole_and_a_long_one_has_a_band() {
        let short = draw(12, &tail(12));
        assert_eq!((short.earlier, short.tiles.len(), short.free.len()), (0, 12, 3));
        assert_eq!(short.tiles[0].0, percent(43.0), "it ends where a long one does");
        let long = draw(8_127, &tail(55));
        assert_eq!((long.earlier, long.tiles.len()), (8_088, 39));
        assert_eq!(long.tiles[0].0, long.band);
        let after_a_restart = draw(8_127, &[]);
        assert_eq!((after_a_restart.earlier, after_a_restart.tiles.len()), (8_127, 0));
    }

    #[test]
    fn a_pin_stands_behind_the_last_event_its_reader_has() {
        assert!((place(12, 12, 12) - 55.0).abs() < 1e-9);
        assert!((place(9, 12, 12) - 52.0).abs() < 1e-9);
        assert!((place(8_127, 8_127, 55) - 55.0).abs() < 1e-9);
        assert!((place(8_126, 8_127, 55) - 54.0).abs() < 1e-9);
        assert!((place(8_088, 8_127, 55) - 16.0).abs() < 1e-9);
        assert!((place(4_044, 8_127, 55) - 8.0).abs() < 1e-9, "the middle of the band");
        assert!((place(0, 0, 0) - 55.0).abs() < 1e-9);
    }

    #[test]
    fn pins_at_one_place_stand_side_by_side() {
        let pins = pins(12, 12, &[("stock-level", 12, 833.0), ("analysis", 12, 500.0)]);
        assert_ne!(pins[0].at, pins[1].at);
        assert!(pins[0].thread.ends_with("833.0 100"));
    }
}

//! Who wrote which level when: a lane per worker, and the writes that came too late.

use std::collections::{BTreeMap, HashMap};

use events::beers::Beer;

use crate::{
    format,
    texts::Language,
    views::{StockView, Write},
};

/// A worker with its writes, one column for every write of anyone.
pub(super) struct Worker {
    pub name: String,
    pub tiles: Vec<Option<Tile>>,
}

/// One write.
#[derive(Clone)]
pub(super) struct Tile {
    pub beer: &'static Beer,
    pub sequence: u64,
    pub late: bool,
    /// Whether the beer is so dark that words on it must be light.
    pub dark: bool,
}

/// Lanes by name, each with its writes in the order in which all were written, oldest first.
pub(super) fn by_worker(newest_first: &[Write]) -> Vec<Worker> {
    let columns = newest_first.len();
    let overtaken = overtaken(newest_first);
    let mut lanes: BTreeMap<&str, Vec<Option<Tile>>> = BTreeMap::new();
    for (column, write) in newest_first.iter().rev().enumerate() {
        let tile = Tile {
            beer: write.beer,
            sequence: write.event.0,
            late: overtaken.iter().any(|(late, _)| *late == column),
            dark: is_dark(write.beer.colour),
        };
        let lane = lanes.entry(&write.worker).or_insert_with(|| vec![None; columns]);
        if let Some(place) = lane.get_mut(column) {
            *place = Some(tile);
        }
    }
    lanes.into_iter().map(|(name, tiles)| Worker { name: name.to_owned(), tiles }).collect()
}

/// The last write of each wrong beer that was overtaken, as a sentence with both numbers.
pub(super) fn late_in_words(view: &StockView, language: Language) -> Vec<String> {
    let oldest_first: Vec<_> = view.writes.iter().rev().collect();
    let mut last_of: BTreeMap<&str, String> = BTreeMap::new();
    for (column, newer) in overtaken(&view.writes) {
        let Some(write) = oldest_first.get(column) else { continue };
        let shelf = view.beers.iter().find(|shelf| shelf.beer.id == write.beer.id && shelf.wrong);
        let numbers = shelf.and_then(|shelf| shelf.level.zip(shelf.shown_level));
        let number = |n: u64| format::number(language, n);
        let (late, newer) = (number(write.event.0), number(newer));
        let mut values = vec![("beer", write.beer.short_name), ("late", &*late), ("newer", &*newer)];
        let sentence = match numbers {
            Some((level, shown)) => {
                let (level, shown) = (number(level.0.into()), number(shown.0.into()));
                values.extend([("level", &*level), ("shown", &*shown)]);
                language.fill("stock.late_and_wrong", &values)
            }
            None => language.fill("stock.late_and_mended", &values),
        };
        last_of.insert(write.beer.id, sentence);
    }
    last_of.into_values().take(2).collect()
}

/// Columns of writes whose beer had a newer level already, with the sequence of that.
fn overtaken(newest_first: &[Write]) -> Vec<(usize, u64)> {
    let mut highest: HashMap<&str, u64> = HashMap::new();
    let mut late = Vec::new();
    for (column, write) in newest_first.iter().rev().enumerate() {
        let newest = highest.entry(write.beer.id).or_default();
        if write.event.0 < *newest {
            late.push((column, *newest));
        }
        *newest = (*newest).max(write.event.0);
    }
    late
}

/// By its brightness as an eye sees it: green counts most.
fn is_dark(colour: &str) -> bool {
    let part = |from: usize| colour.get(from..from + 2).and_then(|hex| u32::from_str_radix(hex, 16).ok()).unwrap_or(0);
    (part(1) * 299 + part(3) * 587 + part(5) * 114) / 1000 < 110
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::samples;

    #[test]
    fn a_write_that_was_overtaken_is_late() {
        let view = samples::stock();
        let workers = by_worker(&view.writes);
        assert_eq!(workers.len(), 3);
        assert!(workers.iter().all(|worker| worker.tiles.len() == view.writes.len()));
        let tiles = || workers.iter().flat_map(|worker| &worker.tiles).flatten();
        assert_eq!(tiles().count(), view.writes.len());
        let late: Vec<_> = tiles().filter(|tile| tile.late).map(|tile| (tile.beer.id, tile.sequence)).collect();
        assert_eq!(late, [("moinette", 40)]);
        let words = late_in_words(&view, Language::En);
        assert_eq!(words, ["Moinette #40 was written after #43: 61 is shown, 49 are on the shelf."]);
    }

    #[test]
    fn words_on_a_dark_beer_are_light() {
        assert!(is_dark("#5a2a18"));
        assert!(!is_dark("#f0c45c"));
    }
}

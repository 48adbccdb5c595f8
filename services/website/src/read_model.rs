//! What the shop's pages show beside single orders: the levels. Pure.

use std::collections::BTreeMap;

use events::{
    beers::{self, BEERS},
    ids::BeerId,
    quantities::Bottles,
    stock::StockLevel,
    unreadable::ReasonCode,
};

use crate::pure::form::Offer;

/// The level of a beer, as stock-level shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    pub bottles: Bottles,
    /// The number of stock-level's write.
    pub written: u64,
}

/// What is known without looking into the database.
#[derive(Debug, Default)]
pub struct ReadModel {
    levels: BTreeMap<BeerId, Level>,
    /// Messages that wait for their cause.
    pub waiting: u64,
}

impl ReadModel {
    pub fn new(levels: BTreeMap<BeerId, Level>, waiting: u64) -> Self {
        ReadModel { levels, waiting }
    }

    /// Applies a level; `false` if a later one was written already. Levels are ordered by the count of stock-level's writes:
    /// customers see the one that was written last, right or wrong.
    ///
    /// # Errors
    /// If the shop does not sell this beer.
    pub fn shown(&mut self, level: &StockLevel) -> Result<bool, ReasonCode> {
        beers::find(&level.beer).ok_or(ReasonCode::UnknownBeer)?;
        if self.levels.get(&level.beer).is_some_and(|known| level.written <= known.written) {
            return Ok(false);
        }
        self.levels.insert(level.beer.clone(), Level { bottles: level.level, written: level.written });
        Ok(true)
    }

    pub fn level(&self, beer: &BeerId) -> Option<Level> {
        self.levels.get(beer).copied()
    }

    /// All beers, in the order of the catalogue, as customers see them.
    pub fn offers(&self) -> Vec<Offer> {
        let level = |beer: &beers::Beer| self.level(&beer.beer_id()).map(|level| level.bottles);
        BEERS.iter().map(|beer| Offer { beer, level: level(beer) }).collect()
    }
}

#[cfg(test)]
mod tests {
    use events::{ids::Moment, quantities::Sequence};

    use super::*;

    fn level(beer: &str, bottles: u32, written: u64) -> StockLevel {
        StockLevel {
            beer: BeerId::new(beer),
            level: Bottles(bottles),
            sequence: Sequence(written),
            settled: Sequence(written),
            written,
            event: Sequence(written),
            ignored: false,
            worker: "worker-1".into(),
            taken_at: Moment::default(),
            at: Moment::default(),
        }
    }

    fn orval(model: &ReadModel) -> Option<u32> {
        let offer = model.offers().into_iter().find(|offer| offer.beer.id == "orval");
        offer.and_then(|offer| offer.level).map(|bottles| bottles.0)
    }

    #[test]
    fn the_level_that_was_written_last_is_shown() {
        let mut model = ReadModel::default();
        assert_eq!((orval(&model), model.offers().len()), (None, BEERS.len()));
        assert_eq!(model.shown(&level("orval", 199, 2)), Ok(true));
        assert_eq!(model.shown(&level("orval", 200, 1)), Ok(false), "written before");
        assert_eq!(model.shown(&level("orval", 7, 2)), Ok(false), "a repeat");
        assert_eq!(orval(&model), Some(199));
        // Higher than before, written by a worker that was late: customers see it.
        assert_eq!(model.shown(&level("orval", 200, 3)), Ok(true));
        assert_eq!(orval(&model), Some(200));
    }

    #[test]
    fn a_beer_nobody_sells_is_not_believed() {
        let mut model = ReadModel::default();
        assert_eq!(model.shown(&level("water", 200, 1)), Err(ReasonCode::UnknownBeer));
        assert_eq!(model.level(&BeerId::new("water")), None);
    }

    #[test]
    fn levels_of_a_process_before_count_on() {
        let known = Level { bottles: Bottles(12), written: 5 };
        let mut model = ReadModel::new([(BeerId::new("orval"), known)].into(), 0);
        assert_eq!(model.shown(&level("orval", 200, 5)), Ok(false));
        assert_eq!(orval(&model), Some(12));
    }
}

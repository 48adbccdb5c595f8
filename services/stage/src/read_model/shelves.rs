//! The beers as the stage knows them: the log beside what stock-level shows.

use std::collections::{BTreeMap, VecDeque};

use events::{
    beers::{self, BEERS},
    chain::{Arrival, Chains, Verdict},
    ids::{BeerId, Moment},
    settings::Folding,
    stock::{StockEvent, StockLevel},
    unreadable::ReasonCode,
};
use serde::{Deserialize, Serialize};

use crate::{
    pure::crowd,
    read_model::{
        bursts::{Bursts, DESK},
        stock::{BeerOnShelf, Explained, Happened, Shelf, Write},
    },
};

/// Writes of stock-level that are kept for the page: more than a burst has.
const WRITES_MAX: usize = 80;
/// Events and writes of one beer that are kept for its explanation.
const EXPLAINED_MAX: usize = 20;

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Shelves {
    beers: BTreeMap<BeerId, Shelf>,
    /// The log, as far as it is believed.
    chains: Chains,
    /// The writes of all beers, newest first.
    writes: VecDeque<Write>,
    /// The end of the log of each beer, newest first.
    log: BTreeMap<BeerId, VecDeque<Happened>>,
    /// The last writes of each beer, newest first.
    written: BTreeMap<BeerId, VecDeque<Write>>,
    bursts: Bursts,
}

impl Shelves {
    pub fn shelf(&self, beer: &BeerId) -> Shelf {
        self.beers.get(beer).cloned().unwrap_or_default()
    }

    /// Adds an event of the log; `false` if it is a repeat.
    ///
    /// # Errors
    /// Why it is not believed: it does not follow from the log before it.
    pub fn happened(&mut self, event: &StockEvent, at: Moment) -> Result<bool, ReasonCode> {
        match self.chains.judge(event, Arrival::InOrder) {
            Verdict::Believed => {}
            Verdict::Again => return Ok(false),
            Verdict::Gap => return Err(ReasonCode::DoesNotFollow),
            Verdict::Untrue(code) => return Err(code),
        }
        let shelf = self.beers.entry(event.beer.clone()).or_default();
        shelf.sequence = event.sequence;
        shelf.level = Some(event.level);
        let log = self.log.entry(event.beer.clone()).or_default();
        log.push_front(Happened { event: event.clone(), at });
        log.truncate(EXPLAINED_MAX);
        self.bursts.happened(event, at);
        self.look_at_burst();
        Ok(true)
    }

    /// Adds a level of stock-level; `false` if a later write is known. Ordered by the count of writes: ordering by
    /// sequence would hide a late write.
    ///
    /// # Errors
    /// If nobody sells this beer. Whether a level is right is not judged here: it is shown beside the log's.
    pub fn shown(&mut self, level: &StockLevel) -> Result<bool, ReasonCode> {
        let beer = beers::find(&level.beer).ok_or(ReasonCode::UnknownBeer)?;
        let shelf = self.beers.entry(level.beer.clone()).or_default();
        if level.written <= shelf.shown_written {
            return Ok(false);
        }
        shelf.shown_written = level.written;
        shelf.shown_level = Some(level.level);
        shelf.shown_sequence = level.sequence;
        shelf.settled = level.settled;
        shelf.worker = Some(level.worker.clone());
        let write = Write {
            beer,
            event: level.event,
            level: level.level,
            ignored: level.ignored,
            worker: level.worker.clone(),
            taken_at: level.taken_at,
            at: level.at,
        };
        self.writes.push_front(write.clone());
        self.writes.truncate(WRITES_MAX);
        let written = self.written.entry(level.beer.clone()).or_default();
        written.push_front(write);
        written.truncate(EXPLAINED_MAX);
        self.bursts.written(level);
        self.look_at_burst();
        Ok(true)
    }

    /// Begins a burst, with the log as known here and stock-level in this mode.
    pub fn begin_burst(&mut self, folding: Folding) {
        let level = |beer: &beers::Beer| (beer.beer_id(), self.shelf(&beer.beer_id()).level);
        let beers: Vec<_> = crowd::for_everyone().map(level).collect();
        self.bursts.begin(folding, beers);
    }

    fn look_at_burst(&mut self) {
        let shelves = &self.beers;
        let settled = |beer: &BeerId| shelves.get(beer).map(|shelf| shelf.settled).unwrap_or_default();
        self.bursts.look(settled, || shelves.values().filter(|shelf| shelf.is_wrong()).count());
    }

    pub fn bursts(&self) -> &Bursts {
        &self.bursts
    }

    /// How the level of a beer came about, as far as this process saw it.
    pub fn explain(&self, beer: &BeerId) -> Explained {
        fn all<T: Clone>(list: Option<&VecDeque<T>>) -> Vec<T> {
            list.into_iter().flatten().rev().cloned().collect()
        }
        Explained { shelf: self.shelf(beer), log: all(self.log.get(beer)), written: all(self.written.get(beer)) }
    }

    pub fn last_worker(&self) -> Option<&str> {
        self.writes.front().map(|write| write.worker.as_str())
    }

    /// Whether every beer has a level that customers can see.
    pub fn all_shown(&self) -> bool {
        BEERS.iter().all(|beer| self.beers.get(&beer.beer_id()).is_some_and(|shelf| shelf.shown_level.is_some()))
    }

    /// All beers of the catalogue.
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

    /// The writes since the levels were folded afresh, newest first.
    pub fn writes(&self) -> Vec<Write> {
        self.writes.iter().take_while(|write| write.worker != DESK).cloned().collect()
    }

    /// The length of the log: each beer's events are numbered without a gap.
    pub fn events(&self) -> u64 {
        self.beers.values().map(|shelf| shelf.sequence.0).sum()
    }

    pub fn wrong(&self) -> usize {
        self.beers.values().filter(|shelf| shelf.is_wrong()).count()
    }
}

#[cfg(test)]
mod tests {
    use events::{
        quantities::{Bottles, Sequence},
        stock::StockChange,
    };

    use super::*;

    fn event(sequence: u64, level: u32) -> StockEvent {
        StockEvent {
            change: if sequence == 1 { StockChange::Counted } else { StockChange::Reserved },
            beer: BeerId::new("orval"),
            sequence: Sequence(sequence),
            bottles: Bottles(if sequence == 1 { level } else { 1 }),
            level: Bottles(level),
            order_id: None,
        }
    }

    fn level(sequence: u64, level: u32, written: u64) -> StockLevel {
        StockLevel {
            beer: BeerId::new("orval"),
            level: Bottles(level),
            sequence: Sequence(sequence),
            settled: Sequence(sequence),
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
        assert_eq!(shelves.happened(&event(1, 200), Moment::default()), Ok(true));
        assert_eq!(shelves.happened(&event(2, 199), Moment::default()), Ok(true));
        assert_eq!(shelves.happened(&event(1, 200), Moment::default()), Ok(false), "a repeat");
        assert_eq!(shelves.shown(&level(1, 200, 1)), Ok(true));
        assert_eq!((orval(&shelves).behind(), orval(&shelves).is_wrong()), (1, false));
        assert_eq!(shelves.shown(&level(2, 199, 2)), Ok(true));
        assert_eq!((orval(&shelves).behind(), orval(&shelves).is_wrong()), (0, false));
    }

    #[test]
    fn what_does_not_follow_in_the_log_and_what_nobody_sells_changes_nothing() {
        let mut shelves = Shelves::default();
        shelves.happened(&event(1, 200), Moment::default()).unwrap();
        shelves.shown(&level(1, 200, 1)).unwrap();
        let before = shelves.clone();
        let water = |sequence| StockEvent { beer: BeerId::new("water"), ..event(sequence, 200) };
        for (untrue, code) in [
            (event(2, 7), ReasonCode::NotTheSum),
            (event(9, 192), ReasonCode::DoesNotFollow),
            (water(1), ReasonCode::UnknownBeer),
        ] {
            assert_eq!(shelves.happened(&untrue, Moment::default()), Err(code));
        }
        let of_water = StockLevel { beer: BeerId::new("water"), ..level(1, 200, 1) };
        assert_eq!(shelves.shown(&of_water), Err(ReasonCode::UnknownBeer));
        assert_eq!((shelves.beers.len(), orval(&shelves)), (1, orval(&before)));
        let again: Shelves = serde_json::from_str(&serde_json::to_string(&shelves).unwrap()).unwrap();
        assert_eq!(again.clone().happened(&event(2, 7), Moment::default()), Err(ReasonCode::NotTheSum));
        assert_eq!(again.clone().happened(&event(2, 199), Moment::default()), Ok(true), "after a restart");
    }

    #[test]
    fn a_write_that_came_too_late_is_wrong_and_stays_so() {
        let mut shelves = Shelves::default();
        for n in 1..=3 {
            shelves.happened(&event(n, 201 - n as u32), Moment::default()).unwrap();
        }
        shelves.shown(&level(3, 198, 2)).unwrap();
        shelves.shown(&level(3, 199, 3)).unwrap();
        assert!(orval(&shelves).is_wrong());
        assert_eq!(shelves.shown(&level(3, 198, 2)), Ok(false), "written before");
        assert_eq!(shelves.wrong(), 1);
    }

    #[test]
    fn while_an_older_event_is_in_somebodys_hands_a_beer_is_behind_and_not_wrong() {
        let mut shelves = Shelves::default();
        for n in 1..=3 {
            shelves.happened(&event(n, 201 - n as u32), Moment::default()).unwrap();
        }
        shelves.shown(&StockLevel { settled: Sequence(1), ..level(3, 198, 2) }).unwrap();
        assert_eq!((orval(&shelves).behind(), orval(&shelves).is_wrong()), (2, false), "2 is not handled");
        shelves.shown(&StockLevel { settled: Sequence(3), event: Sequence(2), ..level(3, 199, 3) }).unwrap();
        assert_eq!((orval(&shelves).behind(), orval(&shelves).is_wrong()), (0, true));
    }

    #[test]
    fn while_the_log_is_read_later_than_the_levels_nothing_is_called_wrong() {
        let mut shelves = Shelves::default();
        shelves.happened(&event(1, 200), Moment::default()).unwrap();
        shelves.shown(&level(2, 199, 2)).unwrap();
        assert!(!orval(&shelves).is_wrong());
        shelves.happened(&event(2, 199), Moment::default()).unwrap();
        assert!(!orval(&shelves).is_wrong());
    }

    #[test]
    fn a_burst_is_measured_whichever_topic_is_read_first() {
        for levels_first in [false, true] {
            let mut shelves = Shelves::default();
            let named = |beer: &beers::Beer, mut event: StockEvent| {
                event.beer = beer.beer_id();
                event
            };
            for beer in &BEERS {
                shelves.happened(&named(beer, event(1, 100)), Moment::default()).unwrap();
                shelves.shown(&StockLevel { beer: beer.beer_id(), ..level(1, 100, 1) }).unwrap();
            }
            shelves.begin_burst(Folding::default());
            let beers: Vec<_> = crowd::for_everyone().collect();
            let read_log = |shelves: &mut Shelves| {
                for (beer, n) in beers.iter().flat_map(|beer| (2..=6).map(move |n| (beer, n))) {
                    shelves.happened(&named(beer, event(n, 101 - n as u32)), Moment::from_micros(1_000)).unwrap();
                }
            };
            if !levels_first {
                read_log(&mut shelves);
            }
            for beer in &beers {
                let shown = if beer.id == "orval" { 97 } else { 95 };
                let write = StockLevel { beer: beer.beer_id(), at: Moment::from_micros(9_000), ..level(6, shown, 6) };
                shelves.shown(&write).unwrap();
            }
            if levels_first {
                assert!(shelves.bursts().is_running());
                read_log(&mut shelves);
            }
            let burst = shelves.bursts().over().next().unwrap();
            assert_eq!((burst.events, burst.micros, burst.wrong), (55, 8_000, 1));
        }
    }

    #[test]
    fn what_was_written_before_a_fold_afresh_is_another_story() {
        let mut shelves = Shelves::default();
        shelves.shown(&level(1, 200, 1)).unwrap();
        shelves.shown(&StockLevel { worker: DESK.into(), ..level(1, 200, 2) }).unwrap();
        shelves.shown(&level(2, 199, 3)).unwrap();
        let written: Vec<u64> = shelves.writes().iter().map(|write| write.event.0).collect();
        assert_eq!(written, [2]);
    }
}

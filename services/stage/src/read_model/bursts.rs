//! Measures what a burst does to the levels: how long it takes, and how many beers are wrong at the end.
//!
//! Pure: it gets the beginning of a burst, the events of the log and the writes of stock-level, in whatever order the
//! two topics are read.

use std::collections::{BTreeMap, VecDeque};

use events::{
    ids::{BeerId, Moment},
    quantities::{Bottles, Sequence},
    settings::Folding,
    stock::{StockChange, StockEvent, StockLevel},
};
use serde::{Deserialize, Serialize};

use crate::pure::crowd::BURST_IN_A_ROW as IN_A_ROW;

/// The writer of levels that no worker handled: those that were folded afresh.
pub const DESK: &str = "desk";
/// Bursts that are kept: ten of each kind in the table of the stock page.
pub const BURSTS_MAX: usize = 40;

/// A finished burst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Burst {
    pub folding: Folding,
    pub events: u32,
    /// From the first event to the last write.
    pub micros: u64,
    /// How many beers were wrong at the end.
    pub wrong: u32,
}

/// The bursts of the episode, as far as they are kept.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Bursts {
    over: VecDeque<Burst>,
    running: Option<Running>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Running {
    folding: Folding,
    /// What is still expected of each beer.
    beers: BTreeMap<BeerId, Awaited>,
    events: u32,
    first_at: Option<Moment>,
    last_at: Moment,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Awaited {
    /// Orders whose event is not read yet.
    orders: u32,
    /// The last event of the burst so far.
    last: Sequence,
}

impl Bursts {
    /// Begins a burst: a few orders of each of these beers, fewer where bottles are short. Drops a burst that is still
    /// running.
    pub fn begin(&mut self, folding: Folding, beers: impl IntoIterator<Item = (BeerId, Option<Bottles>)>) {
        let awaited = |(beer, level): (BeerId, Option<Bottles>)| {
            (beer, Awaited { orders: level.map_or(IN_A_ROW, |level| level.0.min(IN_A_ROW)), last: Sequence(0) })
        };
        let beers = beers.into_iter().map(awaited).filter(|(_, awaited)| awaited.orders > 0).collect();
        self.running = Some(Running { folding, beers, events: 0, first_at: None, last_at: Moment::default() });
    }

    /// A new event of the log.
    pub fn happened(&mut self, event: &StockEvent, at: Moment) {
        let Some(running) = &mut self.running else { return };
        let Some(awaited) = running.beers.get_mut(&event.beer).filter(|awaited| awaited.orders > 0) else { return };
        // A restock among them is handled alike, and takes as long.
        awaited.orders -= u32::from(event.change == StockChange::Reserved);
        awaited.last = event.sequence;
        running.events += 1;
        running.first_at = Some(running.first_at.map_or(at, |first| first.min(at)));
    }

    pub fn written(&mut self, level: &StockLevel) {
        let Some(running) = &mut self.running else { return };
        let has_begun = running.first_at.is_some_and(|first| level.at > first);
        if has_begun && level.worker == DESK {
            // Folding afresh in the middle repairs every level, so this burst shows nothing.
            self.running = None;
        } else {
            running.last_at = running.last_at.max(level.at);
        }
    }

    /// Ends the burst if all its events are read and, according to `settled`, handled; then `wrong` counts the wrong
    /// beers.
    pub fn look(&mut self, settled: impl Fn(&BeerId) -> Sequence, wrong: impl FnOnce() -> usize) {
        let is_over = |running: &Running| {
            let mut beers = running.beers.iter();
            beers.all(|(beer, awaited)| awaited.orders == 0 && settled(beer) >= awaited.last)
        };
        let Some(running) = self.running.take_if(|running| is_over(running)) else { return };
        let Some(first_at) = running.first_at else { return };
        let micros = running.last_at.micros_since(first_at).unsigned_abs();
        let wrong = u32::try_from(wrong()).unwrap_or(u32::MAX);
        self.over.push_front(Burst { folding: running.folding, events: running.events, micros, wrong });
        self.over.truncate(BURSTS_MAX);
    }

    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Finished bursts, newest first.
    pub fn over(&self) -> impl Iterator<Item = &Burst> {
        self.over.iter()
    }
}

#[cfg(test)]
mod tests {
    use events::{settings::Fold, topics::SubscriptionType};

    use super::*;

    const SHARED: Folding =
        Folding { subscription: SubscriptionType::Shared, workers: 3, fold: Fold::Naive, work_ms: [5, 60] };

    fn event(beer: &str, sequence: u64, change: StockChange) -> StockEvent {
        let (beer, sequence) = (BeerId::new(beer), Sequence(sequence));
        StockEvent { change, beer, sequence, bottles: Bottles(1), level: Bottles(100), order_id: None }
    }

    fn at(millis: i64) -> Moment {
        Moment::from_micros(0).plus_millis(millis)
    }

    fn write(worker: &str, millis: i64) -> StockLevel {
        StockLevel {
            beer: BeerId::new("orval"),
            level: Bottles(1),
            sequence: Sequence(1),
            settled: Sequence(1),
            written: 1,
            event: Sequence(1),
            ignored: false,
            worker: worker.to_owned(),
            taken_at: at(millis - 5),
            at: at(millis),
        }
    }

    /// A burst of two beers; one has only two bottles left.
    fn begun() -> Bursts {
        let mut bursts = Bursts::default();
        let beers = [("orval", 90), ("duvel", 2), ("westmalle-tripel", 0)];
        bursts.begin(SHARED, beers.map(|(beer, level)| (BeerId::new(beer), Some(Bottles(level)))));
        bursts
    }

    fn reserve(bursts: &mut Bursts, beer: &str, sequences: std::ops::RangeInclusive<u64>) {
        for sequence in sequences {
            bursts.happened(&event(beer, sequence, StockChange::Reserved), at(1_000 + sequence as i64));
        }
    }

    #[test]
    fn it_is_over_when_each_event_is_handled_and_not_before() {
        let mut bursts = begun();
        reserve(&mut bursts, "orval", 11..=14);
        bursts.look(|_| Sequence(99), || 0);
        reserve(&mut bursts, "duvel", 21..=22);
        reserve(&mut bursts, "orval", 15..=15);
        bursts.written(&write("worker-1", 1_500));
        bursts.written(&write("worker-2", 1_764));
        let orval_at_14 = |beer: &BeerId| if beer.as_str() == "orval" { Sequence(14) } else { Sequence(22) };
        bursts.look(orval_at_14, || 4);
        assert!(bursts.is_running() && bursts.over().next().is_none());
        bursts.look(|beer| Sequence(if beer.as_str() == "orval" { 15 } else { 22 }), || 4);
        let over: Vec<Burst> = bursts.over().copied().collect();
        assert_eq!(over, [Burst { folding: SHARED, events: 7, micros: 753_000, wrong: 4 }]);
        bursts.look(|_| Sequence(99), || 9);
        assert_eq!((bursts.is_running(), bursts.over().count()), (false, 1), "counted once");
    }

    #[test]
    fn a_restock_among_them_is_one_more_event_and_one_after_them_is_none() {
        let mut bursts = begun();
        reserve(&mut bursts, "duvel", 1..=2);
        reserve(&mut bursts, "orval", 1..=4);
        bursts.happened(&event("orval", 5, StockChange::Received), at(1_100));
        reserve(&mut bursts, "orval", 6..=6);
        bursts.happened(&event("orval", 7, StockChange::Received), at(1_200));
        bursts.look(|_| Sequence(6), || 0);
        assert_eq!(bursts.over().next().unwrap().events, 8);
    }

    #[test]
    fn what_is_folded_afresh_in_its_middle_says_nothing() {
        let mut bursts = begun();
        bursts.written(&write(DESK, 990));
        reserve(&mut bursts, "orval", 1..=5);
        bursts.written(&write(DESK, 995));
        assert!(bursts.is_running(), "written before its first event, read after it");
        bursts.written(&write(DESK, 1_400));
        assert!(!bursts.is_running());
    }

    #[test]
    fn the_newest_are_remembered_and_one_that_is_not_over_is_forgotten() {
        let mut bursts = Bursts::default();
        for wrong in 0..=BURSTS_MAX {
            bursts.begin(SHARED, [(BeerId::new("orval"), None)]);
            bursts.begin(SHARED, [(BeerId::new("duvel"), None)]);
            reserve(&mut bursts, "duvel", 1..=5);
            bursts.look(|_| Sequence(5), || wrong);
        }
        let wrong: Vec<u32> = bursts.over().map(|burst| burst.wrong).collect();
        assert_eq!((wrong.len(), wrong[0], wrong[BURSTS_MAX - 1]), (BURSTS_MAX, BURSTS_MAX as u32, 1));
    }
}

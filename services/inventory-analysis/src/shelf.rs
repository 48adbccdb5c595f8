//! The log of one beer: its sums, and the proof that nothing in it is missing, doubled or miscounted.

use std::collections::{BTreeMap, BTreeSet};

use events::{
    contradictions::{CONTRADICTIONS_MAX, Contradiction, ContradictionKind},
    ids::{Moment, OrderId},
    insights::BottleSums,
    quantities::{Bottles, Sequence},
    stock::{StockChange, StockEvent},
    unreadable::ReasonCode,
};
use serde::{Deserialize, Serialize};

/// How many minutes of reservations are kept, for the forecast.
pub const RECENT_MINUTES: i64 = 10;
/// Most events of one beer that wait for an earlier one. If there are more, the missing one will not come.
pub const PARKED_MAX: usize = 100;
/// Most events of one beer that are remembered as not believed.
pub const DOUBTED_MAX: usize = 100;

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Shelf {
    /// After the last event counted.
    pub level: Bottles,
    /// Of the last event counted.
    pub sequence: Sequence,
    /// Its first count: when its log began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<Moment>,
    /// All bottles so far; `on_shelf` stays 0, since `level` says that.
    pub sums: BottleSums,
    /// Bottles reserved, by minute, in the last [`RECENT_MINUTES`] before the newest reservation.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub recent: BTreeMap<i64, u64>,
    /// Events that came before their predecessor, by sequence.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parked: BTreeMap<u64, Stocked>,
    /// The first contradictions in this log, at most [`CONTRADICTIONS_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contradictions: Vec<Contradiction>,
    /// How many there are in total.
    #[serde(default)]
    pub contradictions_found: u64,
    /// Hashes of events that are not believed, at most [`DOUBTED_MAX`], so that a repeat is not another contradiction.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    doubted: BTreeSet<u64>,
}

/// What an event led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// It is believed, or waits for its predecessor. What can be counted now, in the order of the log: nothing if the
    /// event must wait, several if others waited for it.
    Counted(Vec<Stocked>),
    /// It is a repeat.
    Again,
    /// It is not believed.
    Untrue(ReasonCode),
}

/// An event of the log, and when it happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stocked {
    pub at: Moment,
    pub event: StockEvent,
}

impl Shelf {
    /// Takes an event of this beer.
    ///
    /// Only what follows is believed: an event whose level is not the sum changes nothing, and the true event with its number
    /// is counted when it comes.
    pub fn take(&mut self, event: &StockEvent, at: Moment) -> Taken {
        if event.sequence <= self.sequence || self.parked.contains_key(&event.sequence.0) {
            return Taken::Again;
        }
        self.parked.insert(event.sequence.0, Stocked { at, event: event.clone() });
        let mut counted = Vec::new();
        if !self.count_what_follows(&mut counted) && counted.is_empty() {
            return Taken::Untrue(ReasonCode::NotTheSum);
        }
        if self.parked.len() > PARKED_MAX {
            if !self.is_one_run() {
                self.parked.pop_last();
                return Taken::Untrue(ReasonCode::DoesNotFollow);
            }
            self.give_the_gap_up();
            self.count_what_follows(&mut counted);
        }
        Taken::Counted(counted)
    }

    /// If events wait for a missing one: which one, and since when.
    pub fn gap(&self) -> Option<(Sequence, &Stocked)> {
        let (_, first) = self.parked.first_key_value()?;
        Some((self.sequence.next(), first))
    }

    /// Counts as far as each event follows from the one before it; `false` if one did not.
    fn count_what_follows(&mut self, counted: &mut Vec<Stocked>) -> bool {
        while let Some(next) = self.parked.remove(&self.sequence.0.saturating_add(1)) {
            if !self.is_the_sum(&next.event, next.at) {
                return false;
            }
            self.count(&next.event, next.at);
            counted.push(next);
        }
        true
    }

    fn count(&mut self, event: &StockEvent, at: Moment) {
        self.look_at_its_order(event, at);
        self.opened_at.get_or_insert(at);
        self.level = event.level;
        self.sequence = event.sequence;
        let bottles = u64::from(event.bottles.0);
        match event.change {
            StockChange::Counted => self.sums.counted += bottles,
            StockChange::Received => self.sums.received += bottles,
            StockChange::Released => self.sums.released += bottles,
            StockChange::Reserved => {
                self.sums.reserved += bottles;
                self.remember(at.minute(), bottles);
            }
        }
    }

    /// Whether the level of the next event is the sum; if not, that contradiction is recorded once.
    fn is_the_sum(&mut self, event: &StockEvent, at: Moment) -> bool {
        let (beer, sequence) = (event.beer.clone(), event.sequence);
        let (bottles, level) = (event.bottles, event.level);
        let what = match event.level_after(self.level) {
            Some(sum) if sum == level => return true,
            Some(sum) => ContradictionKind::LevelIsNotTheSum { beer, sequence, level, sum },
            None => ContradictionKind::MoreTakenThanThere { beer, sequence, bottles, level: self.level },
        };
        if self.doubted.len() < DOUBTED_MAX && self.doubted.insert(hash(event)) {
            self.note(event, at, what);
        }
        false
    }

    /// Contradictions within an event that is believed.
    fn look_at_its_order(&mut self, event: &StockEvent, at: Moment) {
        let (beer, sequence) = (event.beer.clone(), event.sequence);
        match (event.change, &event.order_id) {
            (StockChange::Reserved | StockChange::Released, None) => {
                self.note(event, at, ContradictionKind::ForNoOrder { beer, sequence });
            }
            (StockChange::Counted | StockChange::Received, Some(_)) => {
                self.note(event, at, ContradictionKind::ForAnOrder { beer, sequence });
            }
            _ => {}
        }
    }

    /// Whether the waiting events follow from each other: then the log goes on behind what is missing.
    fn is_one_run(&self) -> bool {
        let mut before: Option<&StockEvent> = None;
        self.parked.values().all(|Stocked { event, .. }| {
            let follows = before.is_none_or(|before| {
                before.sequence == event.sequence.previous() && event.level_after(before.level) == Some(event.level)
            });
            before = Some(event);
            follows
        })
    }

    fn remember(&mut self, minute: i64, bottles: u64) {
        *self.recent.entry(minute).or_default() += bottles;
        let newest = self.recent.last_key_value().map_or(minute, |(newest, _)| *newest);
        self.recent.retain(|minute, _| *minute > newest - RECENT_MINUTES);
    }

    /// More events wait than can arrive out of order: what is missing is lost, and the log goes on behind it.
    fn give_the_gap_up(&mut self) {
        let Some((_, Stocked { at, event })) = self.parked.first_key_value() else { return };
        let (at, event) = (*at, event.clone());
        let (first, last) = (self.sequence.next(), event.sequence.previous());
        self.note(&event, at, ContradictionKind::EventsMissing { beer: event.beer.clone(), first, last });
        // Whatever is missing: the first event behind it follows.
        self.parked.pop_first();
        self.count(&event, at);
    }

    fn note(&mut self, event: &StockEvent, at: Moment, what: ContradictionKind) {
        self.contradictions_found += 1;
        if self.contradictions.len() < CONTRADICTIONS_MAX {
            self.contradictions.push(Contradiction { at, order_id: event.order_id.clone(), what });
        }
    }
}

/// FNV-1a, 64 bits: it only tells the untrue events of one beer apart.
fn hash(event: &StockEvent) -> u64 {
    let order = event.order_id.as_ref().map_or("", OrderId::as_str).bytes();
    let numbers = [event.sequence.0, event.bottles.0.into(), event.level.0.into(), event.change as u64];
    let bytes = numbers.into_iter().flat_map(u64::to_le_bytes).chain(order);
    bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

impl Stocked {
    /// The order it is about, if any.
    pub fn order_id(&self) -> Option<&OrderId> {
        self.event.order_id.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use events::{ids::BeerId, quantities::Bottles};

    use super::*;

    fn event(change: StockChange, sequence: u64, bottles: u32, level: u32) -> StockEvent {
        StockEvent {
            change,
            beer: BeerId::new("orval"),
            sequence: Sequence(sequence),
            bottles: Bottles(bottles),
            level: Bottles(level),
            order_id: matches!(change, StockChange::Reserved | StockChange::Released).then(|| "a".parse().unwrap()),
        }
    }

    fn after(events: &[StockEvent]) -> Shelf {
        let mut shelf = Shelf::default();
        for event in events {
            shelf.take(event, Moment::default());
        }
        shelf
    }

    fn found(shelf: &Shelf) -> Vec<ContradictionKind> {
        shelf.contradictions.iter().map(|contradiction| contradiction.what.clone()).collect()
    }

    #[test]
    fn sums_the_log_and_skips_repeats() {
        let counted = event(StockChange::Counted, 1, 10, 10);
        let reserved = event(StockChange::Reserved, 2, 3, 7);
        let released = event(StockChange::Released, 3, 3, 10);
        let shelf = after(&[counted.clone(), reserved.clone(), counted, reserved, released]);
        let sums = BottleSums { counted: 10, reserved: 3, released: 3, ..BottleSums::default() };
        assert_eq!((shelf.level, shelf.sequence, shelf.sums), (Bottles(10), Sequence(3), sums));
        assert_eq!((found(&shelf), shelf.gap()), (vec![], None));
    }

    #[test]
    fn an_event_waits_for_the_one_before_it() {
        let log = [1, 2, 3].map(|sequence| event(StockChange::Received, sequence, 1, u32::try_from(sequence).unwrap()));
        let mut shelf = after(&[log[0].clone(), log[2].clone()]);
        assert_eq!(shelf.gap().map(|(missing, first)| (missing.0, first.event.sequence.0)), Some((2, 3)));
        assert_eq!(shelf.level, Bottles(1));
        assert_eq!(shelf.take(&log[2], Moment::default()), Taken::Again, "it waits already");
        let Taken::Counted(counted) = shelf.take(&log[1], Moment::default()) else { panic!("not counted") };
        assert_eq!(counted.len(), 2);
        assert_eq!(shelf, after(&log));
        assert_eq!(shelf.gap(), None);
    }

    #[test]
    fn a_gap_that_more_than_can_wait_wait_for_is_given_up() {
        let newest = u32::try_from(PARKED_MAX).unwrap() + 3;
        let log: Vec<_> = (3..=newest).map(|n| event(StockChange::Received, n.into(), 1, n)).collect();
        let shelf = after(&log);
        let (first, last) = (Sequence(1), Sequence(2));
        assert_eq!(found(&shelf)[0], ContradictionKind::EventsMissing { beer: BeerId::new("orval"), first, last });
        assert_eq!((shelf.level, shelf.sequence.0), (Bottles(newest), newest.into()));
    }

    #[test]
    fn a_level_that_is_not_the_sum_is_noted_once() {
        let wrong = event(StockChange::Reserved, 2, 3, 8);
        let shelf = after(&[event(StockChange::Counted, 1, 10, 10), wrong, event(StockChange::Reserved, 3, 3, 5)]);
        let (beer, sequence, level, sum) = (BeerId::new("orval"), Sequence(2), Bottles(8), Bottles(7));
        assert_eq!(found(&shelf), [ContradictionKind::LevelIsNotTheSum { beer, sequence, level, sum }]);
    }

    #[test]
    fn an_untrue_event_changes_nothing_and_the_true_one_of_its_number_is_counted() {
        let log = [event(StockChange::Counted, 1, 10, 10), event(StockChange::Reserved, 2, 3, 7)];
        let untrue = event(StockChange::Released, 2, 4_000_000_000, 9);
        let mut shelf = after(&log[..1]);
        for _ in 0..3 {
            assert_eq!(shelf.take(&untrue, Moment::default()), Taken::Untrue(ReasonCode::NotTheSum));
        }
        assert_eq!(shelf.contradictions_found, 1, "told again");
        shelf.take(&log[1], Moment::default());
        let true_one = after(&log);
        assert_eq!((shelf.level, shelf.sequence, shelf.sums), (true_one.level, true_one.sequence, true_one.sums));
    }

    #[test]
    fn what_is_far_ahead_is_bounded_and_no_run_of_events_that_do_not_follow_is_believed() {
        let mut shelf = after(&[event(StockChange::Counted, 1, 10, 10)]);
        let ahead = |n: usize| event(StockChange::Reserved, 1_000 + 7 * n as u64, 1, 3);
        for n in 0..PARKED_MAX {
            assert_eq!(shelf.take(&ahead(n), Moment::default()), Taken::Counted(Vec::new()));
        }
        assert_eq!(shelf.take(&ahead(PARKED_MAX), Moment::default()), Taken::Untrue(ReasonCode::DoesNotFollow));
        assert_eq!((shelf.parked.len(), shelf.sequence, shelf.level), (PARKED_MAX, Sequence(1), Bottles(10)));
        for n in 0..3 * DOUBTED_MAX {
            let level = u32::try_from(n).unwrap() + 100;
            shelf.take(&event(StockChange::Reserved, 2, 1, level), Moment::default());
        }
        assert_eq!((shelf.doubted.len(), shelf.contradictions.len()), (DOUBTED_MAX, CONTRADICTIONS_MAX));
        assert_eq!(shelf.contradictions_found, DOUBTED_MAX as u64);
    }

    #[test]
    fn a_negative_level_and_a_reservation_for_nobody_are_noted() {
        let for_nobody = StockEvent { order_id: None, ..event(StockChange::Reserved, 2, 1, 1) };
        let shelf = after(&[event(StockChange::Counted, 1, 2, 2), event(StockChange::Reserved, 2, 3, 1), for_nobody]);
        let beer = BeerId::new("orval");
        let (bottles, level) = (Bottles(3), Bottles(2));
        let taken = ContradictionKind::MoreTakenThanThere { beer: beer.clone(), sequence: Sequence(2), bottles, level };
        assert_eq!(found(&shelf), [taken, ContradictionKind::ForNoOrder { beer, sequence: Sequence(2) }]);
    }

    #[test]
    fn reservations_are_remembered_for_ten_minutes() {
        let mut shelf = after(&[event(StockChange::Counted, 1, 100, 100)]);
        for (sequence, minute) in [(2, 0), (3, 5), (4, 5), (5, 12)] {
            let reserved = event(StockChange::Reserved, sequence, 2, 102 - 2 * u32::try_from(sequence).unwrap());
            shelf.take(&reserved, Moment::from_micros(minute * 60_000_000));
        }
        assert_eq!(shelf.recent, BTreeMap::from([(5, 4), (12, 2)]));
    }
}

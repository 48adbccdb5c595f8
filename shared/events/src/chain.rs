//! Which events of the stock log are believed: the rule for all its readers.
//!
//! Each event of a beer carries the next number and the level after it, so a reader can prove whether it follows from the
//! previous one. An event that does not follow changes no level, and the true one is accepted when it comes. This judges
//! only the log, not the level that a fold makes of it: a naive fold is wrong on purpose.
//!
//! If the log continues consistently from an event that was not believed, that event was the true one. So
//! whatever a second writer left in the log, the levels are right again two events later. Behind a gap it takes
//! [`GAP_RUN`] events.

use std::collections::{BTreeMap, btree_map::Entry};

use serde::{Deserialize, Serialize};

use crate::{
    beers,
    ids::BeerId,
    quantities::{Bottles, Sequence},
    stock::StockEvent,
    unreadable::ReasonCode,
};

/// How far an event may be ahead of an earlier one that another worker still holds.
pub const AHEAD_MAX: u64 = 1_000;
/// This many events that follow from each other are believed, if they branch off at the end of the believed log.
const BRANCH_RUN: usize = 2;
/// The same behind a gap, whose events are lost.
pub const GAP_RUN: usize = 100;

/// What the log says of one beer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Said {
    /// How many bottles are on the shelf.
    pub level: Bottles,
    /// The sequence of the last event.
    pub sequence: Sequence,
}

/// The believed log of one beer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Chain {
    /// The state after the last event without a gap before it.
    head: Said,
    /// Events behind a gap: workers of a Shared subscription overtake each other.
    ahead: BTreeMap<Sequence, Bottles>,
    /// The last event that was not believed, and the length of its run.
    rival: Option<(Said, usize)>,
}

/// Whether an event may come before its predecessors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// It may not: a missing event must be in the log.
    InOrder,
    /// It may: another worker holds the missing event.
    InAnyOrder,
}

/// The judgement of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Believed,
    /// It is a repeat.
    Again,
    /// Events before it are missing.
    Gap,
    /// It is not believed.
    Untrue(ReasonCode),
}

impl Chain {
    /// The log up to here.
    pub fn of(head: Said) -> Self {
        Chain { head, ..Chain::default() }
    }

    /// The state after the newest believed event.
    pub fn said(&self) -> Said {
        self.ahead.last_key_value().map_or(self.head, |(sequence, level)| Said { level: *level, sequence: *sequence })
    }

    /// Judges an event of this beer, and adds it if it is believed.
    pub fn judge(&mut self, event: &StockEvent, arrival: Arrival) -> Verdict {
        let said = Said { level: event.level, sequence: event.sequence };
        if said.sequence == self.head.sequence && said.level != self.head.level {
            return self.doubt(event, BRANCH_RUN, Verdict::Untrue(ReasonCode::DoesNotFollow));
        }
        if said.sequence <= self.head.sequence || self.ahead.contains_key(&said.sequence) {
            return Verdict::Again;
        }
        if said.sequence.previous() != self.head.sequence {
            if arrival == Arrival::InOrder {
                return self.doubt(event, GAP_RUN, Verdict::Gap);
            }
            if said.sequence.0 - self.head.sequence.0 > AHEAD_MAX {
                return Verdict::Untrue(ReasonCode::DoesNotFollow);
            }
            self.ahead.insert(said.sequence, said.level);
            return Verdict::Believed;
        }
        if follows(event, self.head) {
            self.go_to(said);
            return Verdict::Believed;
        }
        self.doubt(event, BRANCH_RUN, Verdict::Untrue(ReasonCode::NotTheSum))
    }

    fn go_to(&mut self, said: Said) {
        self.head = said;
        self.rival = None;
        while let Entry::Occupied(next) = self.ahead.entry(Sequence(self.head.sequence.0.saturating_add(1))) {
            let (sequence, level) = next.remove_entry();
            self.head = Said { level, sequence };
        }
    }

    /// Handles an event that does not follow: it is believed after all if its run is long enough.
    fn doubt(&mut self, event: &StockEvent, run: usize, verdict: Verdict) -> Verdict {
        let said = Said { level: event.level, sequence: event.sequence };
        let before = self.rival.filter(|(before, _)| follows(event, *before));
        let length = before.map_or(1, |(_, length)| length + 1);
        if length < run {
            self.rival = Some((said, length));
            return verdict;
        }
        self.ahead.clear();
        self.go_to(said);
        Verdict::Believed
    }
}

/// Whether an event has the next sequence, and the sum as its level.
fn follows(event: &StockEvent, before: Said) -> bool {
    event.sequence.previous() == before.sequence
        && event.sequence > before.sequence
        && event.level_after(before.level) == Some(event.level)
}

/// The believed log of all beers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Chains {
    beers: BTreeMap<BeerId, Chain>,
}

impl Chains {
    /// The log up to here.
    pub fn of(said: impl IntoIterator<Item = (BeerId, Said)>) -> Self {
        Chains { beers: said.into_iter().map(|(beer, said)| (beer, Chain::of(said))).collect() }
    }

    /// Judges an event, and adds it if it is believed. Only beers of the catalogue have a log.
    pub fn judge(&mut self, event: &StockEvent, arrival: Arrival) -> Verdict {
        if beers::find(&event.beer).is_none() {
            return Verdict::Untrue(ReasonCode::UnknownBeer);
        }
        self.beers.entry(event.beer.clone()).or_default().judge(event, arrival)
    }

    /// What is believed of each beer.
    pub fn said(&self) -> BTreeMap<BeerId, Said> {
        self.beers.iter().map(|(beer, chain)| (beer.clone(), chain.said())).collect()
    }

    /// The number of the next event of a beer.
    pub fn next(&self, beer: &BeerId) -> Sequence {
        Sequence(self.beers.get(beer).map_or(0, |chain| chain.head.sequence.0).saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stock::StockChange;

    fn event(sequence: u64, bottles: u32, level: u32) -> StockEvent {
        StockEvent {
            change: if sequence == 1 { StockChange::Counted } else { StockChange::Reserved },
            beer: BeerId::new("orval"),
            sequence: Sequence(sequence),
            bottles: Bottles(bottles),
            level: Bottles(level),
            order_id: None,
        }
    }

    /// 200 bottles, then one less with each event.
    fn log(sequences: std::ops::RangeInclusive<u64>) -> Vec<StockEvent> {
        let level = |n: u64| 201 - u32::try_from(n).unwrap();
        sequences.map(|n| event(n, if n == 1 { 200 } else { 1 }, level(n))).collect()
    }

    fn judged(chain: &mut Chain, events: &[StockEvent], arrival: Arrival) -> Vec<Verdict> {
        events.iter().map(|event| chain.judge(event, arrival)).collect()
    }

    const BELIEVED: Verdict = Verdict::Believed;

    fn untrue(code: ReasonCode) -> Verdict {
        Verdict::Untrue(code)
    }

    #[test]
    fn what_does_not_follow_is_not_believed_and_stands_in_nobodys_way() {
        let mut chain = Chain::default();
        judged(&mut chain, &log(1..=3), Arrival::InOrder);
        for (untrue_event, expected) in [
            (event(4, 1, 150), untrue(ReasonCode::NotTheSum)),
            (event(4, 500, 0), untrue(ReasonCode::NotTheSum)),
            (event(3, 1, 7), untrue(ReasonCode::DoesNotFollow)),
            (event(2, 1, 7), Verdict::Again),
            (event(900, 1, 150), Verdict::Gap),
            (event(u64::MAX, 1, 150), Verdict::Gap),
        ] {
            assert_eq!(chain.judge(&untrue_event, Arrival::InOrder), expected, "{untrue_event:?}");
        }
        assert_eq!(judged(&mut chain, &log(3..=6), Arrival::InOrder), [Verdict::Again, BELIEVED, BELIEVED, BELIEVED]);
        assert_eq!(chain.said(), Said { level: Bottles(195), sequence: Sequence(6) });
    }

    #[test]
    fn two_events_after_a_second_writer_the_log_is_believed_again() {
        let mut chain = Chain::default();
        judged(&mut chain, &log(1..=3), Arrival::InOrder);
        assert_eq!(chain.judge(&event(4, 100, 98), Arrival::InOrder), BELIEVED, "nobody can tell");
        let expected = [untrue(ReasonCode::DoesNotFollow), BELIEVED, BELIEVED];
        assert_eq!(judged(&mut chain, &log(4..=6), Arrival::InOrder), expected);
        assert_eq!(chain.said().level, Bottles(195));
    }

    #[test]
    fn workers_overtake_each_other_and_not_by_any_number() {
        let mut chain = Chain::default();
        let log = log(1..=5);
        let dealt = [0, 2, 4, 3, 1].map(|index| log[index].clone());
        assert_eq!(judged(&mut chain, &dealt, Arrival::InAnyOrder), [BELIEVED; 5]);
        assert_eq!(chain.said().sequence, Sequence(5));
        let far = event(6 + AHEAD_MAX, 1, 7);
        assert_eq!(chain.judge(&far, Arrival::InAnyOrder), untrue(ReasonCode::DoesNotFollow));
        assert_eq!(chain.judge(&event(u64::MAX, 1, 7), Arrival::InAnyOrder), untrue(ReasonCode::DoesNotFollow));
    }

    #[test]
    fn a_beer_nobody_sells_has_no_log() {
        let mut chains = Chains::default();
        let water = StockEvent { beer: BeerId::new("water"), ..event(1, 200, 200) };
        assert_eq!(chains.judge(&water, Arrival::InOrder), untrue(ReasonCode::UnknownBeer));
        assert_eq!(chains, Chains::default());
    }

    proptest! {
        /// With untrue events of the next number among those of a log, in whatever number: the log is believed to its end.
        #[test]
        fn the_log_is_believed_to_its_end(forged in prop::collection::vec((1_u64..60, 0_u32..400), 0..40)) {
            let mut chain = Chain::default();
            for true_one in log(1..=59) {
                for (_, level) in forged.iter().filter(|(before, _)| *before == true_one.sequence.0) {
                    // A level that one bottle does not give: neither by taking it from what was believed before, nor by
                    // counting it first.
                    if *level != true_one.level.0 && (true_one.sequence.0, *level) != (1, 1) {
                        let forged = event(true_one.sequence.0, 1, *level);
                        prop_assert_ne!(chain.judge(&forged, Arrival::InOrder), BELIEVED);
                    }
                }
                prop_assert_eq!(chain.judge(&true_one, Arrival::InOrder), BELIEVED);
            }
            prop_assert_eq!(chain.said(), Said { level: Bottles(142), sequence: Sequence(59) });
        }
    }

    #[test]
    fn what_is_missing_for_long_is_lost_and_the_log_goes_on_behind_it() {
        let mut chain = Chain::default();
        judged(&mut chain, &log(1..=3), Arrival::InOrder);
        let judged = judged(&mut chain, &log(5..=104), Arrival::InOrder);
        assert_eq!(judged.iter().filter(|verdict| **verdict == Verdict::Gap).count(), GAP_RUN - 1);
        assert_eq!((judged.last(), chain.said().sequence), (Some(&BELIEVED), Sequence(104)));
    }
}

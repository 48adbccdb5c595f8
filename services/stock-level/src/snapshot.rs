//! The pure core: the levels according to the log, and how they are folded afresh.
//!
//! A snapshot is what the log says up to a position; a fresh fold reads on from there. So it takes as long as what
//! came since, and not as long as the episode.

use events::{
    chain::{Arrival, Chains, Said},
    received::Position,
    stock::StockEvent,
};

use crate::levels::Levels;

/// What the log says of each beer, up to a position.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Snapshot {
    /// The log of each beer so far.
    pub beers: Chains,
    /// The last message included; `None` if there is none.
    pub until: Option<Position>,
}

impl Snapshot {
    /// Makes a snapshot of these levels, which must be right.
    pub fn of(levels: &Levels, until: Position) -> Self {
        let said = |level: crate::levels::Written| Said { level: level.level, sequence: level.sequence };
        let beers = Chains::of(levels.iter().map(|(beer, level)| (beer.clone(), said(level))));
        Snapshot { beers, until: Some(until) }
    }
}

/// A fresh fold under way. It includes only what was handled; a worker will submit the rest, which is folded
/// then.
pub struct Afresh<'a> {
    handled: &'a Levels,
    said: Snapshot,
    /// The state before the first event that is not handled yet; later folds begin there.
    kept: Option<Snapshot>,
}

impl<'a> Afresh<'a> {
    /// Begins with a snapshot; `handled` says which events were handled.
    pub fn begin(handled: &'a Levels, snapshot: Snapshot) -> Self {
        Afresh { handled, said: snapshot, kept: None }
    }

    /// Folds the next message of the log. One that cannot be read is skipped.
    pub fn take(&mut self, position: Position, event: Option<&StockEvent>) {
        if let Some(event) = event {
            if !self.handled.has(event) {
                self.kept.get_or_insert_with(|| self.said.clone());
                return;
            }
            // By sequence, not by position: an event published twice may lie in the log behind a later one.
            self.said.beers.judge(event, Arrival::InAnyOrder);
        }
        self.said.until = Some(position);
    }

    /// The levels of what was handled, and the snapshot for the next fold.
    pub fn end(self) -> (Chains, Snapshot) {
        let kept = self.kept.unwrap_or_else(|| self.said.clone());
        (self.said.beers, kept)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use events::{
        ids::BeerId,
        quantities::{Bottles, Sequence},
        settings::Fold,
        stock::StockChange,
    };
    use proptest::prelude::*;

    use super::*;

    fn event(beer: &str, sequence: u64) -> StockEvent {
        StockEvent {
            change: if sequence == 1 { StockChange::Counted } else { StockChange::Reserved },
            beer: BeerId::new(beer),
            sequence: Sequence(sequence),
            bottles: Bottles(if sequence == 1 { 999 } else { 1 }),
            level: Bottles(1000 - sequence as u32),
            order_id: None,
        }
    }

    fn at(entry: usize) -> Position {
        Position { ledger: 1, entry: entry as u64, batch_index: 0, batch_size: 1 }
    }

    /// Naively folded, so as wrong as can be.
    fn handled(events: &[StockEvent]) -> Levels {
        let mut levels = Levels::default();
        for event in events.iter().rev() {
            levels.fold(Fold::Naive, false, event);
        }
        levels
    }

    fn fold(log: &[StockEvent], handled: &Levels, snapshot: Snapshot) -> (BTreeMap<BeerId, Said>, Snapshot) {
        let after = snapshot.until.map_or(0, |until| until.entry as usize + 1);
        let mut afresh = Afresh::begin(handled, snapshot);
        for (entry, event) in log.iter().enumerate().skip(after) {
            afresh.take(at(entry), Some(event));
        }
        let (chains, kept) = afresh.end();
        (chains.said(), kept)
    }

    #[test]
    fn what_was_not_handled_is_left_to_the_workers() {
        let log = [event("orval", 1), event("duvel", 1), event("orval", 2), event("orval", 3), event("duvel", 2)];
        let (said, kept) =
            fold(&log, &handled(&[event("duvel", 1), event("duvel", 2), event("orval", 1)]), Snapshot::default());
        assert_eq!(said[&BeerId::new("orval")], Said { level: Bottles(999), sequence: Sequence(1) });
        assert_eq!(said[&BeerId::new("duvel")], Said { level: Bottles(998), sequence: Sequence(2) });
        assert_eq!(kept.until, Some(at(1)), "the next fold reads orval's second event again");
    }

    #[test]
    fn one_that_others_have_overtaken_is_left_to_its_worker() {
        let log = [event("orval", 1), event("orval", 2), event("orval", 3)];
        let (said, kept) = fold(&log, &handled(&[event("orval", 1), event("orval", 3)]), Snapshot::default());
        assert_eq!(said[&BeerId::new("orval")].sequence, Sequence(3));
        assert_eq!(kept.until, Some(at(0)), "it may still be folded");
    }

    #[test]
    fn an_event_published_twice_does_not_count_twice() {
        let log = [event("orval", 1), event("orval", 3), event("orval", 2), event("orval", 2)];
        let (said, kept) = fold(&log, &handled(&log), Snapshot::default());
        assert_eq!(said[&BeerId::new("orval")], Said { level: Bottles(997), sequence: Sequence(3) });
        assert_eq!(kept.until, Some(at(3)));
    }

    proptest! {
        /// However far was handled, now and when the snapshot was taken: the same as from the first event on.
        #[test]
        fn beginning_with_a_snapshot_changes_nothing(then in 0_usize..40, later in 0_usize..40) {
            let beers = ["orval", "duvel", "lupulus"];
            let log: Vec<StockEvent> = (0..40).map(|n| event(beers[n % 3], n as u64 / 3 + 1)).collect();
            let (_, snapshot) = fold(&log, &handled(&log[..then]), Snapshot::default());
            let handled = handled(&log[..then.max(later)]);
            prop_assert_eq!(fold(&log, &handled, snapshot), fold(&log, &handled, Snapshot::default()));
        }
    }
}

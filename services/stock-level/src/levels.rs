//! The pure core: how an event becomes a level, in two ways.

use std::collections::BTreeMap;

use events::{
    ids::BeerId,
    quantities::{Bottles, Sequence},
    settings::Fold,
    stock::StockEvent,
};

use crate::settled::Settled;

/// The level of one beer as last written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written {
    pub level: Bottles,
    /// The highest sequence handled.
    pub sequence: Sequence,
    /// Every event up to this one is handled.
    pub settled: Sequence,
    /// How often this beer's level was written.
    pub written: u64,
}

/// The levels of all beers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Levels {
    beers: BTreeMap<BeerId, Written>,
    handled: BTreeMap<BeerId, Settled>,
}

/// What folding an event did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folded {
    /// The level was written.
    Written(Written),
    /// It is older than what is there, and is ignored.
    Late,
    /// It was handled before.
    Repeated,
    /// Events before it are missing although they come in order: the log must be read again.
    Gap {
        /// The sequence that was expected.
        expected: Sequence,
    },
}

impl Levels {
    pub fn of(beers: impl IntoIterator<Item = (BeerId, Written, Settled)>) -> Self {
        let mut levels = Levels::default();
        for (beer, written, settled) in beers {
            levels.beers.insert(beer.clone(), Written { settled: settled.until(), ..written });
            levels.handled.insert(beer, settled);
        }
        levels
    }

    /// One beer's level; the default for a beer that was never seen.
    pub fn level(&self, beer: &BeerId) -> Written {
        self.beers.get(beer).copied().unwrap_or_default()
    }

    /// Which of a beer's events are handled.
    pub fn handled(&self, beer: &BeerId) -> Settled {
        self.handled.get(beer).cloned().unwrap_or_default()
    }

    /// Whether this event is handled.
    pub fn has(&self, event: &StockEvent) -> bool {
        self.handled.get(&event.beer).is_some_and(|settled| settled.has(event.sequence))
    }

    /// All levels, by beer.
    pub fn iter(&self) -> impl Iterator<Item = (&BeerId, Written)> {
        self.beers.iter().map(|(beer, level)| (beer, *level))
    }

    /// Writes a beer's level again unchanged, so that an event that was ignored can be seen.
    pub fn leave(&mut self, beer: &BeerId) -> Written {
        let level = self.level(beer);
        self.put(beer, level.level)
    }

    /// Writes what the log says of a beer, as far as it was handled.
    pub fn put(&mut self, beer: &BeerId, level: Bottles) -> Written {
        let before = self.level(beer);
        self.write(beer, Written { level, written: before.written + 1, ..before })
    }

    fn write(&mut self, beer: &BeerId, level: Written) -> Written {
        let settled = self.handled.get(beer).map_or(level.settled, Settled::until);
        let after = Written { settled, ..level };
        self.beers.insert(beer.clone(), after);
        after
    }

    fn handle(&mut self, event: &StockEvent) {
        self.handled.entry(event.beer.clone()).or_default().handle(event.sequence);
    }

    /// Folds one event. `in_order` says whether the subscription delivers the events of a beer in order: only then is a
    /// missing one a gap. Both folds handle nothing twice; only the versioned one looks at the order.
    pub fn fold(&mut self, fold: Fold, in_order: bool, event: &StockEvent) -> Folded {
        if self.has(event) {
            return Folded::Repeated;
        }
        let before = self.level(&event.beer);
        if fold == Fold::Versioned {
            if event.sequence <= before.sequence {
                self.handle(event);
                return Folded::Late;
            }
            let expected = before.sequence.next();
            if in_order && event.sequence > expected {
                return Folded::Gap { expected };
            }
        }
        self.handle(event);
        let (sequence, written) = (event.sequence.max(before.sequence), before.written + 1);
        Folded::Written(self.write(&event.beer, Written { level: event.level, sequence, written, ..before }))
    }
}

#[cfg(test)]
mod tests {
    use events::stock::StockChange;
    use proptest::prelude::*;

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

    fn level(levels: &Levels) -> (u32, u64) {
        let level = levels.level(&BeerId::new("orval"));
        (level.level.0, level.sequence.0)
    }

    #[test]
    fn the_versioned_fold_ignores_what_is_older_and_sees_a_gap() {
        let mut levels = Levels::default();
        assert!(matches!(levels.fold(Fold::Versioned, true, &event(1, 200)), Folded::Written(_)));
        assert_eq!(levels.fold(Fold::Versioned, true, &event(1, 200)), Folded::Repeated);
        assert_eq!(levels.fold(Fold::Versioned, true, &event(3, 198)), Folded::Gap { expected: Sequence(2) });
        assert_eq!(level(&levels), (200, 1), "a gap is never skipped");
        assert!(matches!(levels.fold(Fold::Versioned, false, &event(3, 198)), Folded::Written(_)));
        assert_eq!(levels.level(&BeerId::new("orval")).settled, Sequence(1), "2 is in somebody's hands");
        assert_eq!(levels.fold(Fold::Versioned, false, &event(2, 199)), Folded::Late);
        assert_eq!(levels.fold(Fold::Versioned, false, &event(2, 199)), Folded::Repeated);
        assert_eq!(level(&levels), (198, 3));
    }

    #[test]
    fn the_naive_fold_believes_whoever_wrote_last() {
        let mut levels = Levels::default();
        let orval = BeerId::new("orval");
        for (event, settled) in [(event(1, 200), 1), (event(3, 198), 1), (event(2, 199), 3)] {
            levels.fold(Fold::Naive, false, &event);
            assert_eq!(levels.level(&orval).settled, Sequence(settled), "{event:?}");
        }
        assert_eq!(level(&levels), (199, 3), "wrong, and it looks up to date");
        assert_eq!(levels.level(&BeerId::new("orval")).written, 3);
        assert_eq!(levels.fold(Fold::Naive, true, &event(1, 200)), Folded::Repeated, "handled before a crash");
        assert_eq!(level(&levels), (199, 3));
    }

    #[test]
    fn what_is_left_aside_or_put_right_counts_as_a_write() {
        let mut levels = Levels::default();
        levels.fold(Fold::Versioned, false, &event(2, 198));
        levels.fold(Fold::Versioned, false, &event(1, 199));
        let left = levels.leave(&BeerId::new("orval"));
        let (sequence, settled) = (Sequence(2), Sequence(2));
        assert_eq!(left, Written { level: Bottles(198), sequence, settled, written: 2 });
        let right = levels.put(&BeerId::new("orval"), Bottles(197));
        assert_eq!(right, Written { level: Bottles(197), sequence, settled, written: 3 });
    }

    proptest! {
        /// In whatever order and however often events come, the versioned fold ends at the last one.
        #[test]
        fn the_versioned_fold_is_right_in_any_order(mut order in Just((1..60_u64).collect::<Vec<_>>()).prop_shuffle(), again in prop::collection::vec(0_usize..59, 0..30)) {
            let repeats: Vec<u64> = again.iter().map(|index| order[*index]).collect();
            order.extend(repeats);
            let mut levels = Levels::default();
            for sequence in order {
                levels.fold(Fold::Versioned, false, &event(sequence, 1000 - sequence as u32));
            }
            prop_assert_eq!(level(&levels), (1000 - 59, 59));
        }
    }
}

//! The pure core: which events of a beer are handled, in any order.

use std::collections::BTreeSet;

use events::quantities::Sequence;

/// Most events remembered behind a missing one. A broker redelivers at once what a worker did not acknowledge; an event that
/// so many others have overtaken will not come, and is no longer waited for.
pub const BEYOND_MAX: usize = 1_000;

/// The handled events of one beer: all up to one, and some beyond.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settled {
    until: Sequence,
    beyond: BTreeSet<Sequence>,
}

impl Settled {
    pub fn of(until: Sequence, beyond: impl IntoIterator<Item = Sequence>) -> Self {
        let mut settled = Settled { until, beyond: BTreeSet::new() };
        for sequence in beyond {
            settled.handle(sequence);
        }
        settled
    }

    /// Every event up to this one is handled.
    pub fn until(&self) -> Sequence {
        self.until
    }

    /// Those handled before an older one was, in order.
    pub fn beyond(&self) -> impl Iterator<Item = Sequence> {
        self.beyond.iter().copied()
    }

    /// Whether this event is handled.
    pub fn has(&self, sequence: Sequence) -> bool {
        sequence <= self.until || self.beyond.contains(&sequence)
    }

    /// Records an event as handled; `false` if it was before.
    pub fn handle(&mut self, sequence: Sequence) -> bool {
        if sequence <= self.until || !self.beyond.insert(sequence) {
            return false;
        }
        if self.beyond.len() > BEYOND_MAX
            && let Some(first) = self.beyond.first()
        {
            self.until = Sequence(first.0 - 1);
        }
        while self.beyond.remove(&self.until.next()) {
            self.until = self.until.next();
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn handled(sequences: &[u64]) -> Settled {
        Settled::of(Sequence(0), sequences.iter().copied().map(Sequence))
    }

    #[test]
    fn what_is_missing_holds_it_up() {
        let mut settled = handled(&[1, 2, 4, 5]);
        assert_eq!(settled.until(), Sequence(2));
        assert!(settled.has(Sequence(2)) && !settled.has(Sequence(3)) && settled.has(Sequence(4)));
        assert!(!settled.handle(Sequence(4)) && !settled.handle(Sequence(1)), "handled before");
        assert!(settled.handle(Sequence(3)));
        assert_eq!((settled.until(), settled.beyond().count()), (Sequence(5), 0));
    }

    #[test]
    fn it_is_the_same_after_it_was_stored() {
        let settled = handled(&[1, 2, 4, 7]);
        assert_eq!(Settled::of(settled.until(), settled.beyond()), settled);
    }

    #[test]
    fn what_never_comes_is_not_waited_for_for_ever() {
        let all_but_two: Vec<u64> = (1..=BEYOND_MAX as u64 + 3).filter(|n| *n != 2).collect();
        assert_eq!(handled(&all_but_two[..all_but_two.len() - 1]).until(), Sequence(1));
        assert_eq!(handled(&all_but_two).until(), Sequence(BEYOND_MAX as u64 + 3));
    }

    proptest! {
        /// In whatever order events are handled: settled is all that lies before the first one missing.
        #[test]
        fn settled_is_what_lies_before_the_first_one_missing(order in Just((1..40_u64).collect::<Vec<_>>()).prop_shuffle(), many in 0_usize..39) {
            let done = &order[..many];
            let first_missing = (1..).find(|n| !done.contains(n)).unwrap_or(0);
            prop_assert_eq!(handled(done).until(), Sequence(first_missing - 1));
        }
    }
}

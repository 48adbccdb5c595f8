//! The pure core of the crew: who is hired, dismissed, and back after a crash. It has no clock and no tasks: time is passed
//! in, and the crew carries out what the roster decides.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use events::settings::COURIERS_MAX;

/// The names of all possible couriers, in the order in which they are hired.
pub(crate) const NAMES: [&str; COURIERS_MAX as usize] = [
    "Ada", "Bart", "Chloé", "Dries", "Emma", "Florian", "Griet", "Hugo", "Inès", "Jef", "Kaat", "Lucas", "Marie",
    "Noor", "Olivier", "Pieter", "Quentin", "Roos", "Simon", "Tine",
];

/// How long a crashed courier is away: long enough for the audience to see the empty lane, and who has the parcel now.
pub(crate) const AWAY_AFTER_CRASH: Duration = Duration::from_secs(4);

/// The state of one courier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    AtWork,
    /// Dismissed, and still delivering a last parcel; the name stays taken until then.
    Leaving,
    /// Crashed; its task has not ended yet.
    Crashed {
        back_at: Instant,
    },
    /// Crashed and ended; hired again at `back_at`.
    Away {
        back_at: Instant,
    },
}

#[derive(Debug, Default)]
pub(crate) struct Roster {
    wanted: usize,
    couriers: BTreeMap<&'static str, State>,
}

impl Roster {
    /// Sets how many are wanted. Returns those to dismiss: the ones hired last.
    pub(crate) fn want(&mut self, wanted: usize) -> BTreeSet<&'static str> {
        self.wanted = wanted;
        let surplus = self.employed().saturating_sub(wanted);
        let last: Vec<_> = self.couriers.iter().rev().filter(|(_, state)| state.counts()).take(surplus).collect();
        let told: BTreeSet<_> = last.into_iter().map(|(name, _)| *name).collect();
        // A courier who is away need not come back.
        self.couriers.retain(|name, state| !(told.contains(name) && matches!(state, State::Away { .. })));
        for (_, state) in self.couriers.iter_mut().filter(|(name, _)| told.contains(*name)) {
            *state = State::Leaving;
        }
        told
    }

    /// Returns those to hire now: the ones who are back, and others until the crew is complete.
    pub(crate) fn hire(&mut self, now: Instant) -> BTreeSet<&'static str> {
        let back = |state: &State| matches!(state, State::Away { back_at } if *back_at <= now);
        let mut hired: BTreeSet<_> =
            self.couriers.iter().filter(|(_, state)| back(state)).map(|(name, _)| *name).collect();
        let missing = self.wanted.saturating_sub(self.employed());
        // A courier with a last parcel keeps the name; if all names are taken, the next free one is used.
        hired.extend(NAMES.into_iter().filter(|name| !self.couriers.contains_key(name)).take(missing));
        self.couriers.extend(hired.iter().map(|name| (*name, State::AtWork)));
        hired
    }

    /// Records a crash. Returns the name, or `None` if there is no such courier at work.
    pub(crate) fn crash(&mut self, who: &str, now: Instant) -> Option<&'static str> {
        let (name, state) = self.couriers.iter_mut().find(|(name, _)| **name == who)?;
        match state {
            State::AtWork => *state = State::Crashed { back_at: now + AWAY_AFTER_CRASH },
            State::Leaving => {}
            State::Crashed { .. } | State::Away { .. } => return None,
        }
        Some(name)
    }

    /// A courier has ended, dismissed or crashed.
    pub(crate) fn gone(&mut self, name: &'static str) {
        match self.couriers.get(name) {
            Some(State::Crashed { back_at }) => {
                let back_at = *back_at;
                self.couriers.insert(name, State::Away { back_at });
            }
            _ => {
                self.couriers.remove(name);
            }
        }
    }

    /// When the next crashed courier comes back.
    pub(crate) fn next_back(&self) -> Option<Instant> {
        let away = self.couriers.values().filter_map(|state| match state {
            State::Away { back_at } => Some(*back_at),
            _ => None,
        });
        away.min()
    }

    fn employed(&self) -> usize {
        self.couriers.values().filter(|state| state.counts()).count()
    }
}

impl State {
    /// Whether it counts towards the wanted number. A crashed courier counts: nobody is hired in its place.
    fn counts(self) -> bool {
        self != State::Leaving
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&'static str]) -> BTreeSet<&'static str> {
        names.iter().copied().collect()
    }

    #[test]
    fn the_last_hired_go_first_and_keep_their_names_until_they_are_gone() {
        let (mut roster, now) = (Roster::default(), Instant::now());
        assert_eq!(roster.want(3), names(&[]));
        assert_eq!(roster.hire(now), names(&["Ada", "Bart", "Chloé"]));
        assert_eq!(roster.want(1), names(&["Bart", "Chloé"]));
        assert_eq!(roster.want(2), names(&[]));
        assert_eq!(roster.hire(now), names(&["Dries"]), "the others still have a parcel in hand");
        roster.gone("Bart");
        assert_eq!(roster.hire(now), names(&[]));
        roster.want(3);
        assert_eq!(roster.hire(now), names(&["Bart"]));
    }

    #[test]
    fn never_more_than_there_are_names() {
        let (mut roster, now) = (Roster::default(), Instant::now());
        roster.want(1_000);
        assert_eq!(roster.hire(now), names(&NAMES));
        assert_eq!(roster.want(19), names(&["Tine"]));
        roster.want(20);
        assert_eq!(roster.hire(now), names(&[]));
        roster.gone("Tine");
        assert_eq!(roster.hire(now), names(&["Tine"]));
    }

    #[test]
    fn who_crashed_comes_back_and_nobody_is_hired_instead() {
        let (mut roster, now) = (Roster::default(), Instant::now());
        roster.want(2);
        roster.hire(now);
        assert_eq!(roster.crash("Ada", now), Some("Ada"));
        assert_eq!(roster.crash("Ada", now), None, "only once");
        assert_eq!(roster.hire(now + AWAY_AFTER_CRASH), names(&[]), "not before they are gone");
        roster.gone("Ada");
        assert_eq!(roster.next_back(), Some(now + AWAY_AFTER_CRASH));
        assert_eq!(roster.hire(now + AWAY_AFTER_CRASH - Duration::from_millis(1)), names(&[]));
        assert_eq!(roster.hire(now + AWAY_AFTER_CRASH), names(&["Ada"]));
        assert_eq!(roster.next_back(), None);
    }

    #[test]
    fn who_crashed_and_is_wanted_no_more_stays_away() {
        let (mut roster, now) = (Roster::default(), Instant::now());
        roster.want(3);
        roster.hire(now);
        // One crashed and gone, one crashed and not quite gone, one crashed while bringing a last parcel.
        roster.crash("Ada", now);
        roster.gone("Ada");
        roster.crash("Bart", now);
        assert_eq!(roster.want(2), names(&["Chloé"]));
        assert_eq!(roster.crash("Chloé", now), Some("Chloé"));
        assert_eq!(roster.want(0), names(&["Ada", "Bart"]));
        roster.gone("Bart");
        roster.gone("Chloé");
        assert_eq!(roster.next_back(), None);
        assert_eq!(roster.hire(now + AWAY_AFTER_CRASH), names(&[]));
    }

    #[test]
    fn a_stranger_cannot_crash() {
        let (mut roster, now) = (Roster::default(), Instant::now());
        roster.want(1);
        roster.hire(now);
        assert_eq!(roster.crash("Zoë", now), None);
        assert_eq!(roster.crash("Bart", now), None, "not hired");
    }
}

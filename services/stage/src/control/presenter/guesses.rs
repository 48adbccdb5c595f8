//! Limits the wrong tokens of each address. Pure: the caller passes the time.

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

use web::pure::arrival::Guesser;

/// The most wrong tokens within [`WITHIN`]. After that none is checked, not even the right one.
pub const GUESSES_MAX: usize = 20;
pub const WITHIN: Duration = Duration::from_secs(60);
/// The most addresses remembered. The one with the oldest last guess is forgotten first.
const REMEMBERED_MAX: usize = 1_000;

/// The wrong tokens of the last minute.
#[derive(Debug, Default)]
pub struct Guesses(HashMap<Guesser, VecDeque<Instant>>);

impl Guesses {
    /// How long this guesser must wait, after too many.
    pub fn wait(&self, guesser: Guesser, now: Instant) -> Option<Duration> {
        let guesses = self.0.get(&guesser)?;
        let recent = guesses.iter().filter(|guess| now.duration_since(**guess) < WITHIN);
        let oldest = guesses.front().filter(|_| recent.count() >= GUESSES_MAX)?;
        Some(WITHIN.saturating_sub(now.duration_since(*oldest)))
    }

    pub fn count(&mut self, guesser: Guesser, now: Instant) {
        if self.0.len() >= REMEMBERED_MAX && !self.0.contains_key(&guesser) {
            let longest_ago = self.0.iter().min_by_key(|(_, guesses)| guesses.back().copied());
            if let Some(forgotten) = longest_ago.map(|(guesser, _)| *guesser) {
                self.0.remove(&forgotten);
            }
        }
        let guesses = self.0.entry(guesser).or_default();
        if guesses.len() >= GUESSES_MAX {
            guesses.pop_front();
        }
        guesses.push_back(now);
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn guesser(n: u32) -> Guesser {
        Guesser { address: IpAddr::V4(n.into()), is_forwarded: false }
    }

    #[test]
    fn after_so_many_wrong_tokens_one_has_to_wait_and_nobody_else() {
        let (mut guesses, began) = (Guesses::default(), Instant::now());
        let at = |seconds| began + Duration::from_secs(seconds);
        for n in 0..GUESSES_MAX {
            assert_eq!(guesses.wait(guesser(1), at(0)), None, "{n}");
            guesses.count(guesser(1), at(0));
        }
        assert_eq!(guesses.wait(guesser(1), at(10)), Some(Duration::from_secs(50)));
        assert_eq!(guesses.wait(guesser(2), at(10)), None, "another address");
        assert_eq!(guesses.wait(Guesser { is_forwarded: true, ..guesser(1) }, at(10)), None, "through a proxy there");
        assert_eq!(guesses.wait(guesser(1), at(60)), None);
        guesses.count(guesser(1), at(60));
        assert_eq!(guesses.wait(guesser(1), at(60)), None, "one in the last minute");
    }

    #[test]
    fn only_so_many_addresses_are_remembered() {
        let (mut guesses, began) = (Guesses::default(), Instant::now());
        for n in 0..1_005 {
            guesses.count(guesser(n), began + Duration::from_millis(n.into()));
        }
        assert_eq!(guesses.0.len(), REMEMBERED_MAX);
        assert!(!guesses.0.contains_key(&guesser(4)) && guesses.0.contains_key(&guesser(5)));
    }
}

//! The only place that reads a clock; the cores are passed the time.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use events::ids::Moment;

/// How far the two clocks of [`Now`] may drift apart between two readings.
const DRIFT_MAX: Duration = Duration::from_secs(1);

/// The time of day, for people and messages. It may be set back; measure durations with [`Now`].
pub fn now() -> Moment {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Moment::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// The current time by two clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    pub at: Moment,
    /// A clock that cannot be set.
    pub steady: Instant,
}

impl Now {
    pub fn read() -> Self {
        Now { at: now(), steady: Instant::now() }
    }

    /// How long ago that was, in microseconds.
    pub fn micros_since(self, earlier: Now) -> i64 {
        i64::try_from(self.steady.saturating_duration_since(earlier.steady).as_micros()).unwrap_or(i64::MAX)
    }

    /// Whether the clock was set in between, or the machine slept.
    pub fn was_set_since(self, earlier: Now) -> bool {
        let drift = self.at.micros_since(earlier.at).saturating_sub(self.micros_since(earlier));
        u128::from(drift.unsigned_abs()) > DRIFT_MAX.as_micros()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_changes_no_duration() {
        let first = Now { at: Moment::from_micros(1_000_000_000), steady: Instant::now() };
        for (set_by_ms, was_set) in [(0, false), (900, false), (-900, false), (3_600_000, true), (-3_600_000, true)] {
            let then = Now {
                at: first.at.plus_millis(5_000 + set_by_ms),
                steady: first.steady + Duration::from_millis(5_000),
            };
            assert_eq!((then.micros_since(first), then.was_set_since(first)), (5_000_000, was_set), "{set_by_ms}");
            assert_eq!(first.micros_since(then), 0);
        }
    }
}

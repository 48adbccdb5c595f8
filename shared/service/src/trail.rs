//! The trail of single orders in the log: the same id in every service's lines, so that one order can be followed by
//! `grep`. Under load only some of them: a log that keeps up with everything would be the slowest part of the suite.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use events::ids::{OrderId, Trace};
use tracing::info;

/// Lines a second; what goes beyond is counted, and said in one line.
const LINES_PER_SECOND: u64 = 10;
const SECOND: Duration = Duration::from_secs(1);

/// The trail of one process. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Trail {
    second: Arc<Mutex<Second>>,
}

/// What was logged in the running second.
#[derive(Debug, Default)]
struct Second {
    /// None before the first line.
    began: Option<Instant>,
    lines: u64,
}

impl Trail {
    /// Says in the log what happened to an order, unless this second has said enough.
    pub fn note(&self, order_id: &OrderId, what: &'static str) {
        let mut second = self.second.lock().unwrap_or_else(PoisonError::into_inner);
        let left_out = second.count(Instant::now());
        if let Some(left_out) = left_out {
            info!(left_out, "more orders than are logged singly");
        }
        if second.lines <= LINES_PER_SECOND {
            info!(%order_id, trace = %Trace::of_order(order_id), what);
        }
    }
}

impl Second {
    /// Counts one more line. When a new second begins: how many the one before left out, if it did.
    fn count(&mut self, now: Instant) -> Option<u64> {
        let mut left_out = None;
        if self.began.is_none_or(|began| now.duration_since(began) >= SECOND) {
            left_out = self.lines.checked_sub(LINES_PER_SECOND).filter(|left_out| *left_out > 0);
            *self = Second { began: Some(now), lines: 0 };
        }
        self.lines += 1;
        left_out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_second_leaves_out_is_told_in_the_next() {
        let mut second = Second::default();
        let began = Instant::now();
        let at = |millis| began + Duration::from_millis(millis);
        for _ in 0..LINES_PER_SECOND + 5 {
            assert_eq!(second.count(at(0)), None);
        }
        assert_eq!(second.count(at(1000)), Some(5));
        assert_eq!(second.lines, 1);
        assert_eq!(second.count(at(2500)), None);
    }
}

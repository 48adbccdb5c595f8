//! Log lines about single orders: every service writes the same order id, so that `grep` follows an order through the logs.
//! Under load only some orders are logged: a line for each would cost more than handling it.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use events::{ids::OrderId, trace::TraceContext};
use tracing::{Span, field::display, info};

/// Lines per second; one more line says how many were left out.
const LINES_PER_SECOND: u64 = 10;
const SECOND: Duration = Duration::from_secs(1);

/// Limits the lines about single orders in one process. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct OrderLog {
    second: Arc<Mutex<Second>>,
}

/// What was logged in the running second.
#[derive(Debug, Default)]
struct Second {
    /// `None` before the first line.
    began: Option<Instant>,
    lines: u64,
}

impl OrderLog {
    /// Logs what happened to an order, within the limit of this second, and notes the order in the span of the message that
    /// is handled, which order it is about.
    pub fn note(&self, order_id: &OrderId, trace: Option<TraceContext>, what: &'static str) {
        Span::current().record("beers.order_id", display(order_id));
        let mut second = self.second.lock().unwrap_or_else(PoisonError::into_inner);
        let left_out = second.count(Instant::now());
        if let Some(left_out) = left_out {
            info!(left_out, "orders left out of the log");
        }
        if second.lines <= LINES_PER_SECOND {
            info!(%order_id, trace = trace.map(|trace| display(trace.trace_id)), what);
        }
    }
}

impl Second {
    /// Counts one more line. When a new second begins, returns how many lines the last one left out, if any.
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

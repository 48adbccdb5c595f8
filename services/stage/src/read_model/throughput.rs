//! Rates: orders a second, and the time from placed to delivered. Pure.

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

use events::ids::{Moment, OrderId};
use service::Now;

/// The time over which the rate is counted.
const RATE_OVER: Duration = Duration::from_secs(4);
/// The steps of that time.
const STEP: Duration = Duration::from_millis(250);
/// The most undelivered orders whose start is remembered; the oldest are forgotten and do not count.
const ON_THE_WAY_MAX: usize = 4_096;
/// The latency is taken from this many last deliveries.
const DELIVERIES_MAX: usize = 128;
/// Older deliveries do not count.
const DELIVERED_WITHIN: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Default)]
pub struct Tempo {
    /// Orders placed in each step, oldest first.
    placed: VecDeque<(Instant, u64)>,
    began: HashMap<OrderId, Moment>,
    in_order: VecDeque<OrderId>,
    /// When each was read, and how long it took from placed to delivered, in microseconds.
    delivered: VecDeque<(Instant, u64)>,
}

impl Tempo {
    /// An order was placed, and is read now.
    pub fn placed(&mut self, order_id: &OrderId, at: Moment, now: Now) {
        if is_of_now(at, now, RATE_OVER) {
            match self.placed.back_mut() {
                Some((began, orders)) if now.steady.saturating_duration_since(*began) < STEP => *orders += 1,
                _ => self.placed.push_back((now.steady, 1)),
            }
        }
        let too_old = |(began, _): &(Instant, u64)| now.steady.saturating_duration_since(*began) > RATE_OVER;
        while self.placed.front().is_some_and(too_old) {
            self.placed.pop_front();
        }
        if self.in_order.len() >= ON_THE_WAY_MAX
            && let Some(oldest) = self.in_order.pop_front()
        {
            self.began.remove(&oldest);
        }
        self.in_order.push_back(order_id.clone());
        self.began.insert(order_id.clone(), at);
    }

    /// An order was delivered, and is read now.
    pub fn delivered(&mut self, order_id: &OrderId, at: Moment, now: Now) {
        let Some(placed) = self.began.remove(order_id) else { return };
        if !is_of_now(at, now, DELIVERED_WITHIN) {
            return;
        }
        // Two processes timed this: if a clock was set in between, the duration is unknown.
        let Ok(took) = u64::try_from(at.micros_since(placed)) else { return };
        self.delivered.push_back((now.steady, took));
        if self.delivered.len() > DELIVERIES_MAX {
            self.delivered.pop_front();
        }
    }

    /// Orders in ten seconds, at the rate of the last few.
    pub fn orders_in_10_s(&self, now: Now) -> u64 {
        let recent = self.placed.iter().filter(|(began, _)| now.steady.saturating_duration_since(*began) < RATE_OVER);
        recent.map(|(_, orders)| orders).sum::<u64>() * 10 / RATE_OVER.as_secs()
    }

    /// From placed to delivered, in microseconds: the median of recent deliveries, if there are any.
    pub fn latency(&self, now: Now) -> Option<u64> {
        let is_recent = |(read, _): &&(Instant, u64)| now.steady.saturating_duration_since(*read) <= DELIVERED_WITHIN;
        let recent = self.delivered.iter().filter(is_recent);
        let mut took: Vec<u64> = recent.map(|(_, micros)| *micros).collect();
        took.sort_unstable();
        took.get(took.len() / 2).copied()
    }
}

/// Whether something from `at` shows the current rate. What is read late, or has a wrong date, does not.
pub(crate) fn is_of_now(at: Moment, now: Now, within: Duration) -> bool {
    u128::from(now.at.micros_since(at).unsigned_abs()) <= within.as_micros()
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;

    fn id(n: usize) -> OrderId {
        format!("o{n}").parse().unwrap()
    }

    fn at(millis: i64) -> Moment {
        Moment::from_micros(1_000_000_000_000).plus_millis(millis)
    }

    fn now(millis: i64) -> Now {
        static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);
        Now { at: at(millis), steady: *BEGINNING + Duration::from_millis(u64::try_from(millis).unwrap()) }
    }

    /// The same, by a clock that was set by `set_by` milliseconds.
    fn now_set_by(millis: i64, set_by: i64) -> Now {
        Now { at: at(millis + set_by), ..now(millis) }
    }

    #[test]
    fn a_clock_that_is_set_neither_stops_the_rate_nor_keeps_it_for_ever() {
        for set_by in [-3_600_000, 3_600_000] {
            let mut tempo = Tempo::default();
            for n in 0..200_usize {
                tempo.placed(&id(n), at(n as i64 * 20), now(n as i64 * 20));
            }
            for n in 200..400_usize {
                let millis = n as i64 * 20;
                tempo.placed(&id(n), at(millis + set_by), now_set_by(millis, set_by));
            }
            let rate = tempo.orders_in_10_s(now_set_by(8_000, set_by));
            assert!((460..=510).contains(&rate), "{rate}");
            assert_eq!(tempo.orders_in_10_s(now_set_by(13_000, set_by)), 0);
        }
    }

    #[test]
    fn orders_dated_otherwise_do_not_count_as_of_now() {
        let mut tempo = Tempo::default();
        for (n, years) in [(1, 73), (2, -1)] {
            tempo.placed(&id(n), at(years * 31_536_000_000), now(0));
        }
        assert_eq!(tempo.orders_in_10_s(now(10)), 0);
    }

    #[test]
    fn the_rate_is_that_of_the_last_seconds() {
        let mut tempo = Tempo::default();
        assert_eq!(tempo.orders_in_10_s(now(0)), 0);
        for n in 0..400_usize {
            tempo.placed(&id(n), at(n as i64 * 20), now(n as i64 * 20));
        }
        let rate = tempo.orders_in_10_s(now(8_000));
        assert!((460..=510).contains(&rate), "50 a second, not {rate} in ten");
        assert_eq!(tempo.orders_in_10_s(now(13_000)), 0, "then no orders came");
        assert!(tempo.placed.len() <= 18);
    }

    #[test]
    fn the_latency_is_the_median_of_what_was_delivered_lately() {
        let mut tempo = Tempo::default();
        for (n, took) in [20, 10, 5_000].into_iter().enumerate() {
            tempo.placed(&id(n), at(0), now(0));
            tempo.delivered(&id(n), at(took), now(took));
            tempo.delivered(&id(n), at(9_000), now(9_000));
        }
        tempo.delivered(&id(77), at(9_000), now(9_000));
        assert_eq!(tempo.latency(now(10_000)), Some(20_000), "each once, and only those that were seen placed");
        assert_eq!(tempo.latency(now(60_000)), None);
    }

    #[test]
    fn the_oldest_of_too_many_are_forgotten() {
        let mut tempo = Tempo::default();
        for n in 0..=ON_THE_WAY_MAX {
            tempo.placed(&id(n), at(0), now(0));
        }
        assert_eq!((tempo.began.len(), tempo.in_order.len()), (ON_THE_WAY_MAX, ON_THE_WAY_MAX));
        tempo.delivered(&id(0), at(1), now(1));
        assert_eq!(tempo.latency(now(1)), None);
    }
}

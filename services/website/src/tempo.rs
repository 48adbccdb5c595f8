//! How fast it goes: orders a second, and how long one takes from placed to delivered. Pure.

use std::collections::{HashMap, VecDeque};

use events::ids::{Moment, OrderId};

/// The rate is counted over so much time, in microseconds.
const RATE_OVER: i64 = 4_000_000;
/// In steps of this, in microseconds.
const STEP: i64 = 250_000;
/// Orders on their way whose beginning is remembered; of more than these the oldest are forgotten, and say nothing.
const ON_THE_WAY_MAX: usize = 4_096;
/// Deliveries the latency is taken from: the last ones.
const DELIVERIES_MAX: usize = 128;
/// Those that are older say nothing of now, in microseconds.
const DELIVERED_WITHIN: i64 = 30_000_000;

/// The tempo of the shop.
#[derive(Debug, Clone, Default)]
pub struct Tempo {
    /// Orders placed by step of time, oldest first.
    placed: VecDeque<(i64, u64)>,
    began: HashMap<OrderId, Moment>,
    in_order: VecDeque<OrderId>,
    /// When it was delivered, and how long that took, in microseconds.
    delivered: VecDeque<(Moment, u64)>,
}

impl Tempo {
    /// An order was placed.
    pub fn placed(&mut self, order_id: &OrderId, at: Moment) {
        let step = at.micros().div_euclid(STEP);
        match self.placed.back_mut() {
            // Messages of several senders come a little out of order.
            Some((last, orders)) if step <= *last => *orders += 1,
            _ => self.placed.push_back((step, 1)),
        }
        while self.placed.front().is_some_and(|(first, _)| (step - first) * STEP > RATE_OVER) {
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

    /// An order has come to its customer.
    pub fn delivered(&mut self, order_id: &OrderId, at: Moment) {
        let Some(placed) = self.began.remove(order_id) else { return };
        self.delivered.push_back((at, at.micros_since(placed).unsigned_abs()));
        if self.delivered.len() > DELIVERIES_MAX {
            self.delivered.pop_front();
        }
    }

    /// Orders in ten seconds, at the rate of the last few.
    pub fn orders_in_10_s(&self, now: Moment) -> u64 {
        let now = now.micros().div_euclid(STEP);
        let recent = self.placed.iter().filter(|(step, _)| (now - step) * STEP < RATE_OVER);
        recent.map(|(_, orders)| orders).sum::<u64>() * 10_000_000 / RATE_OVER.unsigned_abs()
    }

    /// From placed to delivered, in microseconds: the median of the last deliveries, if there were any lately.
    pub fn latency(&self, now: Moment) -> Option<u64> {
        let recent = self.delivered.iter().filter(|(at, _)| now.micros_since(*at) <= DELIVERED_WITHIN);
        let mut took: Vec<u64> = recent.map(|(_, micros)| *micros).collect();
        took.sort_unstable();
        took.get(took.len() / 2).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: usize) -> OrderId {
        format!("o{n}").parse().unwrap()
    }

    fn at(millis: i64) -> Moment {
        Moment::from_micros(1_000_000_000_000).plus_millis(millis)
    }

    #[test]
    fn the_rate_is_that_of_the_last_seconds() {
        let mut tempo = Tempo::default();
        assert_eq!(tempo.orders_in_10_s(at(0)), 0);
        for n in 0..400_usize {
            tempo.placed(&id(n), at(n as i64 * 20));
        }
        let rate = tempo.orders_in_10_s(at(8_000));
        assert!((460..=510).contains(&rate), "50 a second, not {rate} in ten");
        assert_eq!(tempo.orders_in_10_s(at(13_000)), 0, "and then nobody came");
        assert!(tempo.placed.len() <= 18);
    }

    #[test]
    fn the_latency_is_the_median_of_what_was_delivered_lately() {
        let mut tempo = Tempo::default();
        for (n, took) in [20, 10, 5_000].into_iter().enumerate() {
            tempo.placed(&id(n), at(0));
            tempo.delivered(&id(n), at(took));
            tempo.delivered(&id(n), at(9_000));
        }
        tempo.delivered(&id(77), at(9_000));
        assert_eq!(tempo.latency(at(10_000)), Some(20_000), "each once, and only those that were seen placed");
        assert_eq!(tempo.latency(at(60_000)), None);
    }

    #[test]
    fn the_oldest_of_too_many_are_forgotten() {
        let mut tempo = Tempo::default();
        for n in 0..=ON_THE_WAY_MAX {
            tempo.placed(&id(n), at(0));
        }
        assert_eq!((tempo.began.len(), tempo.in_order.len()), (ON_THE_WAY_MAX, ON_THE_WAY_MAX));
        tempo.delivered(&id(0), at(1));
        assert_eq!(tempo.latency(at(1)), None);
    }
}

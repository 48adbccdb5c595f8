//! Which orders were seen: an order sent again is still one order.

use std::{
    collections::{HashSet, VecDeque},
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use events::ids::OrderId;

/// Most orders remembered, about 5 MiB; beyond that the oldest are forgotten, and would count again.
pub const ORDERS_REMEMBERED_MAX: usize = 200_000;

/// Remembers orders by a hash of their ids.
#[derive(Debug, Default)]
pub struct Seen {
    hashes: HashSet<u64>,
    in_order: VecDeque<u64>,
}

impl Seen {
    /// Records an order; `false` if it was recorded before.
    pub fn record_once(&mut self, order_id: &OrderId) -> bool {
        let mut hasher = DefaultHasher::new();
        order_id.hash(&mut hasher);
        let hash = hasher.finish();
        if !self.hashes.insert(hash) {
            return false;
        }
        if self.in_order.len() >= ORDERS_REMEMBERED_MAX
            && let Some(first) = self.in_order.pop_front()
        {
            self.hashes.remove(&first);
        }
        self.in_order.push_back(hash);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_new_once_and_the_first_are_forgotten_at_last() {
        let id = |n: usize| format!("o-{n}").parse::<OrderId>().unwrap();
        let mut seen = Seen::default();
        assert!((0..ORDERS_REMEMBERED_MAX).all(|n| seen.record_once(&id(n))));
        assert!(!seen.record_once(&id(0)));
        assert!(seen.record_once(&id(ORDERS_REMEMBERED_MAX)));
        assert!(seen.record_once(&id(0)));
        assert!(!seen.record_once(&id(2)));
        assert_eq!(seen.hashes.len(), ORDERS_REMEMBERED_MAX);
    }
}

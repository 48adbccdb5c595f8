//! Who orders at the same second?

use std::collections::BTreeMap;

use events::{
    ids::Moment,
    orders::{CUSTOMER_MAX, PlaceOrder},
    past::Cell,
    received::Received,
    topics::{ORDERS, Topic},
};

use crate::{questions::Inquiry, seen::Seen};

/// Most customers named for one second.
const NAMED_MAX: usize = 5;
const SECOND_MICROS: i64 = 1_000_000;

/// Counts the orders placed in each second, and keeps some of their customers.
#[derive(Debug, Default)]
pub struct SameSecond {
    seen: Seen,
    /// By the second since 1970.
    seconds: BTreeMap<i64, Second>,
}

#[derive(Debug, Default)]
struct Second {
    orders: u64,
    customers: Vec<String>,
}

impl Inquiry for SameSecond {
    type Message = PlaceOrder;
    const COLUMNS: &'static [&'static str] = &["second", "orders", "customers"];

    fn topic() -> Topic<PlaceOrder> {
        ORDERS
    }

    fn take(&mut self, received: &Received<PlaceOrder>) {
        let (Ok(order), Some(order_id)) = (&received.message, received.order_id()) else { return };
        if !self.seen.record_once(&order_id) {
            return;
        }
        let second = self.seconds.entry(received.at.micros().div_euclid(SECOND_MICROS)).or_default();
        second.orders += 1;
        let customer: String = order.customer.trim().chars().take(CUSTOMER_MAX).collect();
        if second.customers.len() < NAMED_MAX && !second.customers.contains(&customer) {
            second.customers.push(customer);
        }
    }

    /// The fullest seconds first, then the earlier ones.
    fn rows(self) -> Vec<Vec<Cell>> {
        let mut seconds: Vec<_> = self.seconds.into_iter().collect();
        seconds.sort_by_key(|(_, second)| std::cmp::Reverse(second.orders));
        let row = |(at, second): (i64, Second)| {
            let at = Moment::from_micros(at.saturating_mul(SECOND_MICROS));
            vec![Cell::Moment(at), Cell::Count(second.orders), Cell::Text(second.customers.join(", "))]
        };
        seconds.into_iter().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::questions::testing::{order, received};

    #[test]
    fn counts_orders_by_the_second_and_names_who_placed_them() {
        let mut inquiry = SameSecond::default();
        let placed =
            [("a", "Ada", 900), ("b", "Bob", 1_000), ("c", " Cas ", 1_999), ("c", "Cas", 1_999), ("d", "Bob", 1_500)];
        for (id, customer, millis) in placed {
            inquiry.take(&received(order(id, customer, &[("orval", 1)]), millis));
        }
        let row = |second: i64, orders, customers: &str| {
            let at = Moment::default().plus_millis(second * 1000);
            vec![Cell::Moment(at), Cell::Count(orders), Cell::Text(customers.to_owned())]
        };
        assert_eq!(inquiry.rows(), [row(1, 3, "Bob, Cas"), row(0, 1, "Ada")]);
    }
}

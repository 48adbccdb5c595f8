//! The newest orders, from which a speaker can pick one to follow. Pure.

use std::collections::VecDeque;

use events::ids::{Moment, OrderId};
use web::order::view::Status;

/// How many are listed.
pub const NEWEST_MAX: usize = 20;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewestView {
    /// Newest first.
    pub orders: Vec<NewestOrder>,
    pub names_hidden: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewestOrder {
    pub order_id: OrderId,
    pub customer: String,
    pub bottles: u32,
    pub status: Status,
    pub at: Moment,
}

/// The newest orders, newest first.
#[derive(Debug, Clone, Default)]
pub struct Newest(VecDeque<NewestOrder>);

impl Newest {
    /// Adds an order, unless it is older than all of these.
    pub fn placed(&mut self, order: NewestOrder) {
        let place = self.0.partition_point(|known| known.at >= order.at);
        if place < NEWEST_MAX {
            self.0.insert(place, order);
            self.0.truncate(NEWEST_MAX);
        }
    }

    pub fn moved(&mut self, order_id: &OrderId, status: Status) {
        if let Some(known) = self.0.iter_mut().find(|known| known.order_id == *order_id) {
            known.status = status;
        }
    }

    /// Newest first.
    pub fn view(&self) -> NewestView {
        NewestView { orders: self.0.iter().cloned().collect(), names_hidden: false }
    }

    pub fn first(&self) -> Option<&OrderId> {
        self.0.front().map(|known| &known.order_id)
    }
}

/// An order's entry when it is placed.
pub fn listed(order_id: &OrderId, customer: &str, bottles: u32, status: Status, at: Moment) -> NewestOrder {
    NewestOrder { order_id: order_id.clone(), customer: customer.to_owned(), bottles, status, at }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(n: i64) -> NewestOrder {
        let id: OrderId = format!("o{n}").parse().unwrap();
        listed(&id, "Ada", 1, Status::Placed, Moment::from_micros(n))
    }

    #[test]
    fn only_the_newest_stay_in_the_order_of_time() {
        let mut newest = Newest::default();
        for n in (0..30).chain([5, 25]) {
            newest.placed(order(n));
        }
        let times: Vec<i64> = newest.view().orders.iter().map(|known| known.at.micros()).collect();
        assert_eq!(times.len(), NEWEST_MAX);
        assert!(times.is_sorted_by(|newer, older| newer >= older) && times.first() == Some(&29), "{times:?}");
    }

    #[test]
    fn an_order_is_shown_where_it_is() {
        let mut newest = Newest::default();
        newest.placed(order(1));
        newest.moved(&"o1".parse().unwrap(), Status::Delivered);
        newest.moved(&"unknown".parse().unwrap(), Status::Delivered);
        assert_eq!(newest.view().orders.first().map(|known| known.status), Some(Status::Delivered));
        assert_eq!(newest.first().map(OrderId::as_str), Some("o1"));
    }
}

//! Sample messages about an order, for the tests of the read model.

use events::{
    decisions::OrderDecision,
    delivery::DeliveryUpdate,
    ids::{BeerId, Moment, OrderId},
    orders::{Line, PlaceOrder, PlaceOrderType},
    quantities::{Bottles, Cents, Sequence},
    stock::StockLevel,
};

use crate::read_model::orders::News;

pub(crate) fn id(order: &str) -> OrderId {
    order.parse().unwrap()
}

/// Long ago, so that nothing counts as current and no rate fades during a test.
pub(crate) fn at(millis: i64) -> Moment {
    Moment::from_micros(1_000_000_000_000).plus_millis(millis)
}

pub(crate) fn lines() -> Vec<Line> {
    vec![Line { beer: BeerId::new("orval"), bottles: Bottles(2) }]
}

pub(crate) fn placed(order: &str, customer: &str, address: &str) -> News {
    let (order_id, customer, address) = (Some(id(order)), customer.to_owned(), address.to_owned());
    let kind = PlaceOrderType::PlaceOrder;
    News::Placed(id(order), PlaceOrder { kind, order_id, customer, address, lines: lines() })
}

pub(crate) fn accepted(order: &str) -> News {
    let (bottles, total_cents) = (Bottles(2), Cents(720));
    News::Decided(OrderDecision::Accepted { order_id: id(order), lines: lines(), bottles, total_cents })
}

pub(crate) fn picked_up(order: &str, attempt: u32, courier: &str) -> News {
    News::Updated(DeliveryUpdate::PickedUp { order_id: id(order), round: 1, attempt, courier: courier.into() })
}

pub(crate) fn delivered(order: &str, courier: &str) -> News {
    News::Updated(DeliveryUpdate::Delivered { order_id: id(order), round: 1, attempt: 1, courier: courier.into() })
}

pub(crate) fn level(sequence: u64, bottles: u32, at: Moment) -> StockLevel {
    StockLevel {
        beer: BeerId::new("orval"),
        level: Bottles(bottles),
        sequence: Sequence(sequence),
        settled: Sequence(sequence),
        written: sequence,
        event: Sequence(sequence),
        ignored: false,
        worker: "worker-1".into(),
        taken_at: at,
        at,
    }
}

//! What is read about an order.

use events::{
    decisions::OrderDecision,
    delivery::DeliveryUpdate,
    ids::{EventId, Moment, OrderId},
    orders::PlaceOrder,
    received::Position,
    stock::StockEvent,
    topics::{DELIVERY_UPDATES, ORDER_DECISIONS, ORDERS, STOCK_EVENTS, TopicSpec},
    trace::TraceContext,
};
use serde::{Deserialize, Serialize};

/// A message about an order, as received.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    pub news: News,
    pub event_id: EventId,
    pub at: Moment,
    pub position: Position,
    /// The trace it belongs to.
    #[serde(default)]
    pub trace: Option<TraceContext>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum News {
    Placed(OrderId, PlaceOrder),
    Decided(OrderDecision),
    Updated(DeliveryUpdate),
    /// Its bottles were reserved or released.
    Stock(OrderId, StockEvent),
}

impl Message {
    pub fn order_id(&self) -> &OrderId {
        match &self.news {
            News::Placed(order_id, _) | News::Stock(order_id, _) => order_id,
            News::Decided(decision) => decision.order_id(),
            News::Updated(update) => update.order_id(),
        }
    }

    pub const fn topic(&self) -> &'static TopicSpec {
        match &self.news {
            News::Placed(..) => ORDERS.spec,
            News::Decided(_) => ORDER_DECISIONS.spec,
            News::Updated(_) => DELIVERY_UPDATES.spec,
            News::Stock(..) => STOCK_EVENTS.spec,
        }
    }
}

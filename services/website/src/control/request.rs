//! Requests to the shop's writer, and its answers.

use events::{
    decisions::OrderDecision,
    delivery::DeliveryUpdate,
    ids::{Moment, OrderId},
    orders::PlaceOrder,
    stock::StockLevel,
    trace::TraceContext,
};
use store::{StoreError, json_of};

use crate::{pure::fact::Fact, store::orders::StoredKey};

/// A request.
pub enum Work {
    /// An order from the form, the API or a socket.
    Place(NewOrder),
    /// An order read from its topic, wherever it was placed.
    Ordered(Fact<PlaceOrder>),
    Decided(Fact<OrderDecision>),
    Updated(Fact<DeliveryUpdate>),
    Shown(StockLevel),
    /// Give up messages that have waited for their cause too long.
    GiveUpOverdue,
}

impl Work {
    /// The order it is about, if it is about one.
    pub fn order_id(&self) -> Option<OrderId> {
        Some(match self {
            Work::Place(new) => new.order_id.clone(),
            Work::Ordered(fact) => order_id_of(fact),
            Work::Decided(fact) => fact.message.order_id().clone(),
            Work::Updated(fact) => fact.message.order_id().clone(),
            Work::Shown(_) | Work::GiveUpOverdue => return None,
        })
    }
}

/// The id of an order read from its topic: its own, or one made from its position.
pub fn order_id_of(fact: &Fact<PlaceOrder>) -> OrderId {
    fact.message.order_id.clone().unwrap_or_else(|| fact.position.order_id())
}

/// An order to place.
pub struct NewOrder {
    /// The id it gets, unless an order with the same key exists.
    pub order_id: OrderId,
    /// Checked, and without an id.
    pub order: PlaceOrder,
    /// The same key twice is the same order.
    pub key: Option<Key>,
    pub at: Moment,
    /// The trace of the request it came by.
    pub trace: Option<TraceContext>,
}

impl NewOrder {
    /// The key as it is stored.
    ///
    /// # Errors
    /// If the order cannot be written as JSON.
    pub fn stored_key(&self) -> Result<Option<StoredKey>, StoreError> {
        let Some(key) = &self.key else { return Ok(None) };
        let PlaceOrder { customer, address, lines, .. } = &self.order;
        let ordered = json_of("orders", "ordered", &(customer, address, lines))?;
        Ok(Some(match key {
            Key::Client(key) => StoredKey { key: format!("client {key}"), ordered: Some(ordered) },
            // Another order from the same page: the customer went back and changed it.
            Key::Form(token) => StoredKey { key: format!("form {token} {ordered}"), ordered: None },
        }))
    }
}

/// The answer, sent after the commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The order is safe.
    Placed(OrderId),
    KeyReused,
    Written,
}

/// Recognises an order that is sent again. Keys of clients and tokens of forms are never equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// A client's `Idempotency-Key`, for one order only.
    Client(String),
    /// The token of a form. Sent again with the same order it names the same one; with another order it names a new one.
    Form(String),
}

/// The writer does not answer: another program holds the lock of the database, the website is about to stop, or its disk is
/// full.
#[derive(Debug, thiserror::Error)]
#[error("the database cannot be written to")]
pub struct WriterClosed;

/// The key was used for another order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this key was used for another order")]
pub struct KeyReused;

/// Why an order was not placed.
#[derive(Debug, thiserror::Error)]
pub enum NotPlaced {
    /// It could not be written.
    #[error(transparent)]
    WriterClosed(#[from] WriterClosed),
    /// Its key is another order's.
    #[error(transparent)]
    KeyReused(#[from] KeyReused),
}

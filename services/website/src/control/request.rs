//! What the shop's writer is given to do, and what it answers.

use events::{
    decisions::OrderDecision,
    delivery::DeliveryUpdate,
    ids::{Moment, OrderId},
    orders::PlaceOrder,
    stock::StockLevel,
};
use store::{StoreError, json_of};

use crate::{pure::fact::Fact, store::orders::StoredKey};

/// What is to be done.
pub enum Work {
    /// An order from the form, the API or a socket.
    Place(NewOrder),
    /// An order as it lies on its topic, wherever it was placed.
    Ordered(Fact<PlaceOrder>),
    Decided(Fact<OrderDecision>),
    Updated(Fact<DeliveryUpdate>),
    Shown(StockLevel),
    /// It is time to give up what waits for its cause for too long.
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

/// The id of an order on its topic: its own, or its position's.
pub fn order_id_of(fact: &Fact<PlaceOrder>) -> OrderId {
    fact.message.order_id.clone().unwrap_or_else(|| fact.position.order_id())
}

/// An order that is to be placed.
pub struct NewOrder {
    /// Its id, unless there is an order with this one.
    pub order_id: OrderId,
    /// Checked, and without an id.
    pub order: PlaceOrder,
    /// The same key twice is the same order.
    pub key: Option<Key>,
    pub at: Moment,
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
            // Another order from the same page is one that somebody went back for and changed.
            Key::Form(token) => StoredKey { key: format!("form {token} {ordered}"), ordered: None },
        }))
    }
}

/// What is answered when it is committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The order is safe.
    Placed(OrderId),
    KeyReused,
    Written,
}

/// What tells that an order was sent again. Keys of clients and tokens of forms are never the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// A client's `Idempotency-Key`: it is for one order only.
    Client(String),
    /// The token of a form: sent again with the same order it is the same one, with another it is a new one.
    Form(String),
}

/// The writer does not answer: another program holds the lock of the database, the website is about to stop, or its disk is
/// full.
#[derive(Debug, thiserror::Error)]
#[error("the books cannot be written to")]
pub struct WriterClosed;

/// The key was used for another order before.
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

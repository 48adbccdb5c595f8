//! What the writer is asked to write, and what it answers.

use events::{
    decisions::OrderDecision,
    delivery::DeliveryUpdate,
    ids::{Moment, OrderId},
    insights::Insight,
    orders::PlaceOrder,
    received::Received,
    stock::{StockEvent, StockLevel},
    unreadable::Unreadable,
};
use tokio::{sync::oneshot, time::Instant};

/// What the writer is asked to write.
pub enum Request {
    /// An order from the form or the API.
    Place {
        /// The order, checked.
        order: PlaceOrder,
        /// The same key twice is the same order.
        key: Option<Key>,
        /// When it was placed.
        at: Moment,
        /// After this it is not placed any more: whoever asked was told so.
        until: Option<Instant>,
        /// Its id, once it is safe.
        reply: oneshot::Sender<Result<OrderId, KeyReused>>,
    },
    /// It is time to give up what waits for its cause for too long.
    Overdue,
    /// What was read from a topic.
    News {
        /// The messages.
        news: News,
        /// Answered once it is stored.
        done: oneshot::Sender<()>,
    },
}

/// Messages of one topic.
pub enum News {
    /// Orders, also those of others.
    Orders(Vec<Received<PlaceOrder>>),
    /// Decisions.
    Decisions(Vec<Received<OrderDecision>>),
    /// What became of parcels.
    Updates(Vec<Received<DeliveryUpdate>>),
    /// The log.
    Stock(Vec<Received<StockEvent>>),
    /// The levels.
    Levels(Vec<Received<StockLevel>>),
    /// Insights.
    Insights(Vec<Received<Insight>>),
    /// What others could not read.
    Unreadable(Vec<Received<Unreadable>>),
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

/// What tells that an order was sent again. Keys of clients and tokens of forms are never the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// A client's `Idempotency-Key`: it is for one order only.
    Client(String),
    /// The token of a form: sent again with the same order it is the same one, with another it is a new one.
    Form(String),
}

//! A received message: its position in the topic, and its decoded content. Plain values, so that
//! a pure core can use them without the crate that fetched them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    ids::{EventId, Moment, OrderId},
    orders::PlaceOrder,
    trace::TraceContext,
};

/// The position of a message in its topic. Positions of one topic are ordered as its messages are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Position {
    /// The ledger, Pulsar's segment.
    pub ledger: u64,
    /// The entry in it.
    pub entry: u64,
    /// The index in the entry, if a client packed several messages into one.
    pub batch_index: u32,
    /// How many messages the entry holds.
    pub batch_size: u32,
}

impl Position {
    /// Whether this is the last message of its entry. Only then may the entry be acknowledged.
    pub fn ends_entry(&self) -> bool {
        self.batch_index + 1 >= self.batch_size
    }

    /// The id of an order that came without one.
    pub fn order_id(&self) -> OrderId {
        OrderId::of_message(self.ledger, self.entry, (self.batch_size > 1).then_some(self.batch_index))
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.ledger, self.entry)?;
        if self.batch_size > 1 { write!(f, ":{}", self.batch_index) } else { Ok(()) }
    }
}

/// A received message, readable or not.
#[derive(Debug, Clone)]
pub struct Received<M> {
    /// The message, or why it could not be read.
    pub message: Result<M, Undecodable>,
    pub position: Position,
    /// Its own id, or one from its position if an outside client sent it without.
    pub event_id: EventId,
    /// When the event happened according to the message; the time of publication, if that is not plausible.
    pub at: Moment,
    /// The trace it belongs to: its own; for a message that outside clients may send, also one made of its event id.
    pub trace: Option<TraceContext>,
}

/// Why a message could not be read, and how it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undecodable {
    /// Begins with "undecodable"; 200 characters at most.
    pub reason: String,
    /// See [`first_bytes`](crate::unreadable::first_bytes).
    pub first_bytes: String,
}

impl<M> Received<M> {
    /// Maps the message; an unreadable one stays unreadable.
    pub fn map<W>(self, change: impl FnOnce(M) -> W) -> Received<W> {
        let Received { message, position, event_id, at, trace } = self;
        Received { message: message.map(change), position, event_id, at, trace }
    }
}

impl Received<PlaceOrder> {
    /// The id of the order: its own, or one from its position.
    pub fn order_id(&self) -> Option<OrderId> {
        let order = self.message.as_ref().ok()?;
        Some(order.order_id.clone().unwrap_or_else(|| self.position.order_id()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_message_of_an_entry_ends_it() {
        let position = |index, size| Position { ledger: 1, entry: 2, batch_index: index, batch_size: size };
        assert!(position(0, 1).ends_entry());
        assert!(!position(0, 3).ends_entry());
        assert!(position(2, 3).ends_entry());
        assert_eq!(position(0, 1).order_id().as_str(), "m-1-2");
        assert_eq!(position(1, 3).order_id().as_str(), "m-1-2-1");
    }
}

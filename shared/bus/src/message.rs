//! A message on its way out and on its way in, with the properties every one of ours has.

use std::collections::HashMap;

use events::{
    ids::{EventId, Moment, OrderId, Trace},
    orders::PlaceOrder,
    topics::{Entry, Topic},
    unreadable,
};
use pulsar::{Payload, message::proto::MessageIdData, producer};
use serde::{Serialize, de::DeserializeOwned};

/// Largest payload that is looked at; a longer one counts as unreadable. Ours are below 2 KiB.
pub const PAYLOAD_MAX: usize = 64 * 1024;

const EVENT_ID: &str = "event_id";
const AT: &str = "at";
const TRACEPARENT: &str = "traceparent";

/// A message that is ready to be published, or was read back from an outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Where to.
    pub topic: &'static Entry,
    /// Its key, as the table says.
    pub key: String,
    /// Its id, the same however often it is sent.
    pub event_id: EventId,
    /// When what it tells happened.
    pub at: Moment,
    /// The order it is about.
    pub order: Option<OrderId>,
    /// Not handed out before; only a Shared subscription heeds it.
    pub deliver_at: Option<Moment>,
    /// The JSON.
    pub payload: Vec<u8>,
}

impl Outgoing {
    /// This message, for its topic.
    ///
    /// # Errors
    /// If it cannot be written as JSON, which none of the contract's types can fail to be.
    pub fn new<M: Serialize>(
        topic: Topic<M>,
        key: impl Into<String>,
        event_id: EventId,
        at: Moment,
        message: &M,
    ) -> Result<Self, serde_json::Error> {
        let payload = serde_json::to_vec(message)?;
        Ok(Outgoing { topic: topic.entry, key: key.into(), event_id, at, order: None, deliver_at: None, payload })
    }

    pub(crate) fn to_pulsar(&self) -> producer::Message {
        let mut properties =
            HashMap::from([(EVENT_ID.to_owned(), self.event_id.to_string()), (AT.to_owned(), self.at.to_string())]);
        if let Some(order) = &self.order {
            properties.insert(TRACEPARENT.to_owned(), Trace::of_order(order).traceparent());
        }
        producer::Message {
            payload: self.payload.clone(),
            properties,
            partition_key: Some(self.key.clone()),
            deliver_at_time: self.deliver_at.map(Moment::millis),
            ..producer::Message::default()
        }
    }
}

/// Where a message lies in its topic. Positions of one topic are ordered as its messages are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position {
    /// The ledger, Pulsar's segment.
    pub ledger: u64,
    /// The entry in it.
    pub entry: u64,
    /// The place in the entry, if a client packed several messages into one.
    pub batch_index: u32,
    /// How many messages the entry holds.
    pub batch_size: u32,
}

impl Position {
    pub(crate) fn new(id: &MessageIdData, messages_in_entry: Option<i32>) -> Self {
        Position {
            ledger: id.ledger_id,
            entry: id.entry_id,
            batch_index: id.batch_index.and_then(|index| u32::try_from(index).ok()).unwrap_or(0),
            batch_size: messages_in_entry.and_then(|size| u32::try_from(size).ok()).unwrap_or(1).max(1),
        }
    }

    /// Whether no message of the same entry follows. Only then may the entry be acknowledged.
    pub fn ends_entry(&self) -> bool {
        self.batch_index + 1 >= self.batch_size
    }

    /// The id of an order that came without one.
    pub fn order_id(&self) -> OrderId {
        OrderId::of_message(self.ledger, self.entry, (self.batch_size > 1).then_some(self.batch_index))
    }

    pub(crate) fn entry_id(&self) -> MessageIdData {
        MessageIdData { ledger_id: self.ledger, entry_id: self.entry, ..MessageIdData::default() }
    }
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.ledger, self.entry)?;
        if self.batch_size > 1 { write!(f, ":{}", self.batch_index) } else { Ok(()) }
    }
}

/// A message that came in, readable or not.
#[derive(Debug, Clone)]
pub struct Received<M> {
    /// The message; or, if it could not be read, what there is to say about it.
    pub message: Result<M, Undecodable>,
    /// Where it lies.
    pub position: Position,
    /// Its id: its own, or its position for one that an outside client sent without.
    pub event_id: EventId,
    /// When what it tells happened: its own word, or when the broker got it.
    pub at: Moment,
}

/// Why a message could not be read, and how it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undecodable {
    /// Begins with "undecodable".
    pub reason: String,
    /// See [`unreadable::first_bytes`].
    pub first_bytes: String,
}

impl<M: DeserializeOwned> Received<M> {
    pub(crate) fn read(position: Position, payload: &Payload) -> Self {
        let property = |name: &str| {
            payload.metadata.properties.iter().find(|property| property.key == name).map(|property| &property.value)
        };
        let published = i64::try_from(payload.metadata.publish_time).unwrap_or(0).saturating_mul(1000);
        let own_id = property(EVENT_ID).filter(|id| (1..=100).contains(&id.len()));
        Received {
            message: decode(&payload.data),
            position,
            event_id: own_id.map_or_else(|| EventId::new(format!("m-{position}")), EventId::new),
            at: property(AT).and_then(|at| at.parse().ok()).unwrap_or(Moment::from_micros(published)),
        }
    }
}

impl Received<PlaceOrder> {
    /// The id of the order in it: its own, or its position's.
    pub fn order_id(&self) -> Option<OrderId> {
        let order = self.message.as_ref().ok()?;
        Some(order.order_id.clone().unwrap_or_else(|| self.position.order_id()))
    }
}

fn decode<M: DeserializeOwned>(payload: &[u8]) -> Result<M, Undecodable> {
    let undecodable = |why: String| Undecodable {
        reason: format!("undecodable: {why}"),
        first_bytes: unreadable::first_bytes(payload),
    };
    if payload.len() > PAYLOAD_MAX {
        return Err(undecodable(format!("{} bytes, more than {PAYLOAD_MAX}", payload.len())));
    }
    serde_json::from_slice(payload).map_err(|error| undecodable(error.to_string()))
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

    #[test]
    fn what_cannot_be_read_says_why_and_how_it_begins() {
        let undecodable = decode::<PlaceOrder>(b"two Orval please").unwrap_err();
        assert!(undecodable.reason.starts_with("undecodable: expected ident"), "{}", undecodable.reason);
        assert_eq!(undecodable.first_bytes, "two Orval please");
        let long = decode::<PlaceOrder>(&vec![b' '; PAYLOAD_MAX + 1]).unwrap_err();
        assert!(long.reason.contains("more than 65536"), "{}", long.reason);
    }
}

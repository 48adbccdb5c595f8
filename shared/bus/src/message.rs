//! Outgoing and incoming messages, with the properties that all of ours have.

use std::{
    collections::HashMap,
    fmt::Display,
    sync::atomic::{AtomicU64, Ordering},
};

use events::{
    ids::{EventId, Moment},
    limits,
    received::{Position, Received, Undecodable},
    topics::{Topic, TopicSpec},
    trace::TraceContext,
    unreadable,
};
use pulsar::{Payload, message::proto::MessageIdData, producer, unpacking::NOT_UNPACKED};
use serde::{Serialize, de::DeserializeOwned};

/// A message's own time counts only if it is at most this much later than its publication: the clocks of two machines
/// may differ that much.
pub const AHEAD_MAX_MS: i64 = 5_000;
/// And at most this much earlier: a message may wait that long in an outbox while the broker is away.
pub const WAITED_MAX_MS: i64 = 24 * 60 * 60 * 1000;
/// Longest reason why a message could not be read, in characters.
const REASON_MAX: usize = 200;

/// The client truncates what the contract calls too large.
const _: () = assert!(limits::MESSAGE_MAX == pulsar::unpacking::MESSAGE_MAX);

const EVENT_ID: &str = "event_id";
const AT: &str = "at";
const TRACEPARENT: &str = "traceparent";

/// A message to be published, new or read from an outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    pub topic: &'static TopicSpec,
    pub key: String,
    /// Its id, which stays the same when it is sent again.
    pub event_id: EventId,
    /// When the event happened.
    pub at: Moment,
    /// The trace that it continues.
    pub trace: Option<TraceContext>,
    /// Not delivered before this time; only Shared subscriptions honour it.
    pub deliver_at: Option<Moment>,
    pub payload: Vec<u8>,
}

impl Outgoing {
    /// A message for its topic.
    ///
    /// # Errors
    /// If it cannot be written as JSON, which no type of the contract can fail to be.
    pub fn new<M: Serialize>(
        topic: Topic<M>,
        key: impl Into<String>,
        event_id: EventId,
        at: Moment,
        message: &M,
    ) -> Result<Self, serde_json::Error> {
        let payload = serde_json::to_vec(message)?;
        Ok(Outgoing { topic: topic.spec, key: key.into(), event_id, at, trace: None, deliver_at: None, payload })
    }

    /// As the client sends it. What follows from it continues `trace`.
    pub(crate) fn to_pulsar(&self, trace: Option<TraceContext>) -> producer::Message {
        let mut properties =
            HashMap::from([(EVENT_ID.to_owned(), self.event_id.to_string()), (AT.to_owned(), self.at.to_string())]);
        if let Some(trace) = trace {
            properties.insert(TRACEPARENT.to_owned(), trace.to_string());
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

/// The position of the message with this client id.
pub(crate) fn position_of(id: &MessageIdData, messages_in_entry: Option<i32>) -> Position {
    Position {
        ledger: id.ledger_id,
        entry: id.entry_id,
        batch_index: id.batch_index.and_then(|index| u32::try_from(index).ok()).unwrap_or(0),
        batch_size: messages_in_entry.and_then(|size| u32::try_from(size).ok()).unwrap_or(1).max(1),
    }
}

/// The client's id of the entry that holds this message.
pub(crate) fn entry_id(position: Position) -> MessageIdData {
    MessageIdData { ledger_id: position.ledger, entry_id: position.entry, ..MessageIdData::default() }
}

/// Decodes a message. Its own time counts if it is plausible, see [`AHEAD_MAX_MS`]; `times_replaced` counts the
/// others.
pub(crate) fn received<M: DeserializeOwned>(
    topic: &TopicSpec,
    position: Position,
    payload: &Payload,
    times_replaced: &AtomicU64,
) -> Received<M> {
    let property = |name: &str| {
        payload.metadata.properties.iter().find(|property| property.key == name).map(|property| &property.value)
    };
    let own_id = property(EVENT_ID).and_then(|id| EventId::foreign(id));
    let event_id = own_id.unwrap_or_else(|| EventId::new(format!("m-{position}")));
    let own_trace = property(TRACEPARENT).and_then(|trace| trace.parse().ok());
    let published = published_at(payload.metadata.publish_time);
    let (at, is_believed) = match property(AT) {
        Some(own) => match own.parse().ok().filter(|own| is_believable(*own, published)) {
            Some(own) => (own, true),
            None => (published, false),
        },
        None => (published, true),
    };
    times_replaced.fetch_add(u64::from(!is_believed), Ordering::Relaxed);
    Received {
        message: match property(NOT_UNPACKED) {
            Some(why) => Err(undecodable(why, &payload.data)),
            None => decode(&payload.data),
        },
        position,
        trace: own_trace.or_else(|| topic.open.then(|| TraceContext::of_event(&event_id))),
        event_id,
        at,
    }
}

/// When a message was published, in milliseconds since 1970, by the clock of its publisher.
fn published_at(millis: u64) -> Moment {
    i64::try_from(millis).ok().and_then(Moment::of_millis).unwrap_or_default()
}

fn is_believable(own: Moment, published: Moment) -> bool {
    (published.plus_millis(-WAITED_MAX_MS)..=published.plus_millis(AHEAD_MAX_MS)).contains(&own)
}

fn decode<M: DeserializeOwned>(payload: &[u8]) -> Result<M, Undecodable> {
    let message = limits::check(payload).and_then(|()| serde_json::from_slice(payload));
    message.map_err(|error| undecodable(error, payload))
}

fn undecodable(why: impl Display, payload: &[u8]) -> Undecodable {
    Undecodable {
        reason: limits::shortened(&format!("undecodable: {why}"), REASON_MAX),
        first_bytes: unreadable::first_bytes(payload),
    }
}

#[cfg(test)]
mod tests {
    use events::{
        delivery::DeliveryUpdate,
        orders::PlaceOrder,
        topics::{ORDER_DECISIONS, ORDERS},
    };
    use pulsar::message::{Metadata, proto::KeyValue};

    use super::*;

    #[test]
    fn what_cannot_be_read_says_why_and_how_it_begins() {
        let undecodable = decode::<PlaceOrder>(b"two Orval please").unwrap_err();
        assert!(undecodable.reason.starts_with("undecodable: expected ident"), "{}", undecodable.reason);
        assert_eq!(undecodable.first_bytes, "two Orval please");
        let long = decode::<PlaceOrder>(&vec![b' '; limits::MESSAGE_MAX + 1]).unwrap_err();
        assert!(long.reason.contains("more than 65536"), "{}", long.reason);
    }

    #[test]
    fn a_reason_is_short_whatever_the_message_says() {
        let kind = "A".repeat(limits::TEXT_MAX);
        let long = decode::<DeliveryUpdate>(format!(r#"{{"type":"{kind}"}}"#).as_bytes()).unwrap_err();
        assert!(long.reason.starts_with("undecodable: unknown variant `AAA"), "{}", long.reason);
        assert_eq!(long.reason.chars().count(), REASON_MAX);
        let longer = format!(r#"{{"type":"{}"}}"#, "A".repeat(60_000));
        let longer = decode::<DeliveryUpdate>(longer.as_bytes()).unwrap_err();
        assert!(longer.reason.contains("a text of more than 500 characters"), "{}", longer.reason);
    }

    #[test]
    fn a_message_is_believed_about_its_time_only_near_the_time_it_was_published() {
        let published: Moment = "2026-11-24T20:41:07Z".parse().unwrap();
        let read = |at: Option<&str>| {
            let properties = at.map(|at| KeyValue { key: AT.to_owned(), value: at.to_owned() });
            let publish_time = u64::try_from(published.millis()).unwrap();
            let metadata =
                Metadata { publish_time, properties: properties.into_iter().collect(), ..Metadata::default() };
            let payload = Payload { metadata, data: b"{}".to_vec() };
            let replaced = AtomicU64::new(0);
            let received = received::<PlaceOrder>(ORDERS.spec, Position::default(), &payload, &replaced);
            (received.at, replaced.into_inner())
        };
        for own in ["2026-11-24T20:41:06.5Z", "2026-11-24T20:41:12Z", "2026-11-23T20:41:07Z"] {
            assert_eq!(read(Some(own)), (own.parse().unwrap(), 0));
        }
        assert_eq!(read(None), (published, 0));
        for own in ["2026-11-24T20:41:12.001Z", "2099-01-01T00:00:00Z", "2026-11-23T20:41:06Z", "soon"] {
            assert_eq!(read(Some(own)), (published, 1), "{own}");
        }
        assert_eq!(published_at(u64::MAX), Moment::MIN);
    }

    #[test]
    fn a_message_belongs_to_the_trace_it_names_and_an_order_always_to_one() {
        let read = |topic, traceparent: Option<&str>| {
            let property = |value: &str| KeyValue { key: TRACEPARENT.to_owned(), value: value.to_owned() };
            let properties = traceparent.map(property).into_iter().collect();
            let payload = Payload { metadata: Metadata { properties, ..Metadata::default() }, data: b"{}".to_vec() };
            received::<PlaceOrder>(topic, Position::default(), &payload, &AtomicU64::new(0)).trace
        };
        let named = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(read(ORDER_DECISIONS.spec, Some(named)), named.parse().ok());
        assert_eq!(read(ORDERS.spec, Some(named)), named.parse().ok());
        for none in [None, Some(""), Some("00-é-é-99")] {
            assert_eq!(read(ORDER_DECISIONS.spec, none), None, "{none:?}");
            let made = TraceContext::of_event(&EventId::new(format!("m-{}", Position::default())));
            assert_eq!(read(ORDERS.spec, none), Some(made), "{none:?}");
        }
    }
}

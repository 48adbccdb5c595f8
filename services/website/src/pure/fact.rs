//! A message about an order, as it was received.

use events::{
    ids::{EventId, Moment},
    received::{Position, Received},
};

/// What a message says, and what the order's journey keeps of the message itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact<M> {
    pub event_id: EventId,
    pub position: Position,
    pub at: Moment,
    pub message: M,
}

impl<M> Fact<M> {
    /// The fact in a message that can be read. Nothing has happened later than `now`, whatever the message says: it would
    /// stay the newest until then.
    pub fn of(received: Received<M>, now: Moment) -> Received<Self> {
        let (event_id, position, at) = (received.event_id.clone(), received.position, received.at.min(now));
        received.map(|message| Fact { event_id, position, at, message })
    }
}

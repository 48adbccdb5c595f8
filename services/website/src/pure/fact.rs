//! A message about an order, as it was received.

use events::{
    ids::{EventId, Moment},
    received::{Position, Received},
};

/// The content of a message, and what the order's journey keeps of the message itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact<M> {
    pub event_id: EventId,
    pub position: Position,
    pub at: Moment,
    pub message: M,
}

impl<M> Fact<M> {
    /// The fact of a readable message. Its time is at most `now`, whatever the message says: an order dated ahead would
    /// stay the newest until then.
    pub fn of(received: Received<M>, now: Moment) -> Received<Self> {
        let (event_id, position, at) = (received.event_id.clone(), received.position, received.at.min(now));
        received.map(|message| Fact { event_id, position, at, message })
    }
}

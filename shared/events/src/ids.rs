//! Identifiers of orders, events, beers and services, and the moment of an event.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::limits;
pub use crate::moment::{Moment, NotAMoment};

/// Longest order id, in characters; an id is part of addresses (`/orders/{id}`) and of log lines.
pub const ORDER_ID_MAX: usize = 64;

/// The id of an order: 1 to [`ORDER_ID_MAX`] letters, digits, `-` or `_`.
///
/// The website creates a random one; an order sent to Pulsar without an id is named after its message.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OrderId(String);

/// Text that is not an order id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an order id has 1 to 64 letters, digits, '-' or '_'")]
pub struct NotAnOrderId;

impl OrderId {
    /// A random id, short enough to be read aloud: eight characters of Crockford's
    /// alphabet, which has no look-alikes.
    /// With 40 bits its user must still check that it is new, as the website's database does.
    pub fn random() -> Self {
        const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
        let bits: u64 = rand::random();
        let letter = |position: u32| {
            let index = (bits >> (5 * position)) & 31;
            char::from(ALPHABET[usize::try_from(index).unwrap_or(0)])
        };
        OrderId((0..8).map(letter).collect())
    }

    /// The id of an order that came without one: the ledger and entry of its message, and its index
    /// in a batch if a client sent several in one entry.
    pub fn of_message(ledger: u64, entry: u64, batch_index: Option<u32>) -> Self {
        match batch_index {
            Some(index) => OrderId(format!("m-{ledger}-{entry}-{index}")),
            None => OrderId(format!("m-{ledger}-{entry}")),
        }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for OrderId {
    type Error = NotAnOrderId;

    fn try_from(text: String) -> Result<Self, NotAnOrderId> {
        let fits = (1..=ORDER_ID_MAX).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if fits { Ok(OrderId(text)) } else { Err(NotAnOrderId) }
    }
}

impl FromStr for OrderId {
    type Err = NotAnOrderId;

    fn from_str(text: &str) -> Result<Self, NotAnOrderId> {
        OrderId::try_from(text.to_owned())
    }
}

impl From<OrderId> for String {
    fn from(id: OrderId) -> String {
        id.0
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Longest event id, in bytes.
pub const EVENT_ID_MAX: usize = 100;

/// The id of one event: of one row of an outbox, or of the message itself if an outside client sent it.
/// Consumers recognise repeats by it, not by Pulsar's message id, which changes when a message is sent again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(String);

impl EventId {
    /// The id in this text.
    pub fn new(text: impl Into<String>) -> Self {
        EventId(text.into())
    }

    /// The id that a foreign client chose; `None` unless it has 1 to [`EVENT_ID_MAX`] printable ASCII characters.
    pub fn foreign(text: &str) -> Option<Self> {
        let is_printable = text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
        (is_printable && (1..=EVENT_ID_MAX).contains(&text.len())).then(|| EventId(text.to_owned()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Longest id of a beer, in characters.
pub const BEER_ID_MAX: usize = 64;

/// The id of a beer, such as `orval`. Any text up to [`BEER_ID_MAX`] can arrive here; the
/// [catalogue](crate::beers) says which are ours.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BeerId(#[serde(deserialize_with = "limits::text::<BEER_ID_MAX, _>")] String);

impl BeerId {
    /// The id in this text.
    pub fn new(text: impl Into<String>) -> Self {
        BeerId(text.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The services, named as their folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Service {
    Website,
    /// Decides orders; the only writer of stock.
    Warehouse,
    /// Folds the log into levels.
    StockLevel,
    /// Live figures, the ledger, replays.
    InventoryAnalysis,
    Delivery,
    /// Shows what the others do, and directs them.
    Stage,
}

impl Service {
    /// The services of the demo, in the order an order meets them: those the stage shows and directs.
    pub const DEMO: [Service; 5] =
        [Service::Website, Service::Warehouse, Service::StockLevel, Service::InventoryAnalysis, Service::Delivery];

    /// The demo and its stage.
    pub const ALL: [Service; 6] = [
        Service::Website,
        Service::Warehouse,
        Service::StockLevel,
        Service::InventoryAnalysis,
        Service::Delivery,
        Service::Stage,
    ];

    /// Whether the presenter may pause it: customers order at any time, and the stage is where the pause would end.
    pub const fn can_pause(self) -> bool {
        !matches!(self, Service::Website | Service::Stage)
    }

    pub const fn name(self) -> &'static str {
        match self {
            Service::Website => "website",
            Service::Warehouse => "warehouse",
            Service::StockLevel => "stock-level",
            Service::InventoryAnalysis => "inventory-analysis",
            Service::Delivery => "delivery",
            Service::Stage => "stage",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_id_is_safe_in_an_address_and_in_a_log_line() {
        for good in ["k7m2q9xd", "m-12-345", "A_b-9", &"x".repeat(64)] {
            assert!(good.parse::<OrderId>().is_ok(), "{good}");
        }
        for bad in ["", "a b", "../etc", "a\nb", "é", &"x".repeat(65)] {
            assert_eq!(bad.parse::<OrderId>(), Err(NotAnOrderId), "{bad:?}");
        }
        assert!(OrderId::random().as_str().parse::<OrderId>().is_ok());
        assert_ne!(OrderId::random(), OrderId::random());
    }

    #[test]
    fn a_foreign_event_id_is_short_and_printable() {
        assert!(EventId::foreign(&"x".repeat(EVENT_ID_MAX)).is_some());
        for bad in ["", "a\nb", "\u{202e}", &"x".repeat(EVENT_ID_MAX + 1)] {
            assert_eq!(EventId::foreign(bad), None, "{bad:?}");
        }
    }
}

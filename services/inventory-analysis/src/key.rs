//! The keys of aggregate rows: what a row is about, and its name in the database.

use events::ids::{BeerId, OrderId};

/// What a row of the aggregates is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    Beer(BeerId),
    /// A minute of sales.
    Minute(i64),
    Order(OrderId),
    /// The totals of sales.
    Totals,
}

impl Key {
    /// The kind of row, as stored.
    pub fn subject(&self) -> &'static str {
        match self {
            Key::Beer(_) => "beer",
            Key::Minute(_) => "minute",
            Key::Order(_) => "order",
            Key::Totals => "totals",
        }
    }

    /// Which row of its kind, as stored.
    pub fn name(&self) -> String {
        match self {
            Key::Beer(beer) => beer.to_string(),
            Key::Minute(minute) => minute.to_string(),
            Key::Order(order_id) => order_id.to_string(),
            Key::Totals => String::new(),
        }
    }

    /// The key of a stored row, if it is valid.
    pub fn stored(subject: &str, name: &str) -> Option<Self> {
        match subject {
            "beer" => Some(Key::Beer(BeerId::new(name))),
            "minute" => Some(Key::Minute(name.parse().ok()?)),
            "order" => Some(Key::Order(name.parse().ok()?)),
            "totals" => Some(Key::Totals),
            _ => None,
        }
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.subject(), self.name())
    }
}

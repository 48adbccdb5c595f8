//! The pages of the stage by name, and how often each is sent what changed.

use std::time::Duration;

use events::{
    beers::{self, Beer},
    ids::BeerId,
    topics::{self, TopicSpec},
};

/// A page of the stage everybody sees the same of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Page {
    Map,
    Welcome,
    Deliveries,
    Orders,
    /// `/stock`, with the explanation of a beer or without
    Stock(Option<&'static Beer>),
    Analysis,
    Past,
    Rebuild,
    Questions,
    Fraud,
    Ledger,
    /// `/pulsar`, with one topic looked at more closely or without
    Pulsar(Option<&'static TopicSpec>),
    Qr,
    Console,
}

impl Page {
    /// The page a stream was asked for.
    pub fn of_name(name: &str) -> Option<Page> {
        match name {
            "map" => Some(Page::Map),
            "welcome" => Some(Page::Welcome),
            "deliveries" => Some(Page::Deliveries),
            "orders" => Some(Page::Orders),
            "stock" => Some(Page::Stock(None)),
            "analysis" => Some(Page::Analysis),
            "past" => Some(Page::Past),
            "rebuild" => Some(Page::Rebuild),
            "questions" => Some(Page::Questions),
            "fraud" => Some(Page::Fraud),
            "ledger" => Some(Page::Ledger),
            "qr" => Some(Page::Qr),
            "console" => Some(Page::Console),
            "pulsar" => Some(Page::Pulsar(None)),
            _ => Page::of_one(name),
        }
    }

    /// The page about one beer, or one topic.
    fn of_one(name: &str) -> Option<Page> {
        if let Some(topic) = name.strip_prefix("pulsar-") {
            return topics::find(topic).map(|topic| Page::Pulsar(Some(topic)));
        }
        beers::find(&BeerId::new(name.strip_prefix("stock-")?)).map(|beer| Page::Stock(Some(beer)))
    }

    /// How often it is sent what changed: ten times a second on the stage, the map, which draws dots of its own in
    /// between, five times; a list to pick from once.
    pub const fn pace(self) -> Duration {
        match self {
            Page::Map => Duration::from_millis(200),
            Page::Orders => Duration::from_secs(1),
            _ => Duration::from_millis(100),
        }
    }
}

//! The pages of the stage by name, and how often each is updated.

use std::time::Duration;

use events::{
    beers::{self, Beer},
    ids::BeerId,
    topics::{self, TopicSpec},
};

/// A page that looks the same for everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Page {
    Map,
    Welcome,
    Deliveries,
    Orders,
    /// `/stock`, with or without the explanation of a beer.
    Stock(Option<&'static Beer>),
    Analysis,
    Past,
    Rebuild,
    Questions,
    Fraud,
    Ledger,
    /// `/pulsar`, with or without the details of a topic.
    Pulsar(Option<&'static TopicSpec>),
    Qr,
    Console,
}

impl Page {
    /// The page that a stream was asked for.
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

    /// The page of one beer or topic.
    fn of_one(name: &str) -> Option<Page> {
        if let Some(topic) = name.strip_prefix("pulsar-") {
            return topics::find(topic).map(|topic| Page::Pulsar(Some(topic)));
        }
        beers::find(&BeerId::new(name.strip_prefix("stock-")?)).map(|beer| Page::Stock(Some(beer)))
    }

    /// The shortest time between two updates: ten a second in general; five on the map, whose script draws dots in
    /// between; one for lists to pick from.
    pub const fn pace(self) -> Duration {
        match self {
            Page::Map => Duration::from_millis(200),
            Page::Orders => Duration::from_secs(1),
            _ => Duration::from_millis(100),
        }
    }
}

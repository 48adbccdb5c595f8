//! The beers as the stage shows them: the log beside what stock-level shows.

use events::{
    beers::Beer,
    ids::Moment,
    quantities::{Bottles, Sequence},
    settings::Folding,
    stock::StockEvent,
};
use serde::{Deserialize, Serialize};

use crate::read_model::bursts::Burst;

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Shelf {
    /// The log's level; `None` before its first event.
    pub level: Option<Bottles>,
    /// The log's last sequence.
    pub sequence: Sequence,
    /// The last level that stock-level wrote.
    pub shown_level: Option<Bottles>,
    /// The highest sequence that it handled.
    pub shown_sequence: Sequence,
    /// It has handled all events up to this one.
    pub settled: Sequence,
    /// Its count of writes.
    pub shown_written: u64,
    pub worker: Option<String>,
}

impl Shelf {
    /// How many events of this beer stock-level has not handled yet.
    pub fn behind(&self) -> u64 {
        self.sequence.0.saturating_sub(self.settled.0)
    }

    /// Wrong: the shown level differs from the log's, and no event is unhandled. With unhandled events it is only
    /// behind; if stock-level is ahead of the log as read here, nothing can be said.
    pub fn is_wrong(&self) -> bool {
        self.level.is_some() && self.settled == self.sequence && self.shown_level != self.level
    }
}

/// One beer: the log, and what stock-level shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BeerOnShelf {
    pub beer: &'static Beer,
    /// The log's level; `None` before its first event.
    pub level: Option<Bottles>,
    /// The log's last sequence.
    pub sequence: Sequence,
    /// `None` before stock-level's first message.
    pub shown_level: Option<Bottles>,
    /// The highest sequence that stock-level handled.
    pub shown_sequence: Sequence,
    /// Shown differs from the log, and no event is unhandled.
    pub wrong: bool,
    /// How many of the last events stock-level may not have handled yet.
    pub behind: u64,
    /// The worker that wrote the shown level.
    pub worker: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StockView {
    /// All beers, in the order of the catalogue.
    pub beers: Vec<BeerOnShelf>,
    pub wrong: usize,
    /// The writes since the levels were folded afresh, newest first, at most 80.
    pub writes: Vec<Write>,
    /// Events in the log.
    pub events: u64,
    /// The mode that stock-level is set to.
    pub folding: Folding,
    /// Exactly the workers employed.
    pub workers: Vec<String>,
    /// Finished bursts, newest first, at most 40.
    pub bursts: Vec<Burst>,
    pub is_bursting: bool,
    /// The beer to explain.
    pub explained: Option<(&'static Beer, Explained)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happened {
    pub event: StockEvent,
    pub at: Moment,
}

/// A written level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Write {
    #[serde(with = "beer_by_id")]
    pub beer: &'static Beer,
    /// The sequence of the event that was handled.
    pub event: Sequence,
    /// The level after it.
    pub level: Bottles,
    /// It was older than the level, so it was ignored.
    pub ignored: bool,
    pub worker: String,
    /// When the worker took the event.
    pub taken_at: Moment,
    pub at: Moment,
}

/// How the level of a beer came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// The current state of the beer.
    pub shelf: Shelf,
    /// The end of its log, in log order.
    pub log: Vec<Happened>,
    /// The last writes of its level, in the order of writing.
    pub written: Vec<Write>,
}

/// Stores a beer by its id.
pub mod beer_by_id {
    use events::{
        beers::{self, Beer},
        ids::BeerId,
    };
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer, de::Error as _};

    pub fn serialize<S: Serializer>(beer: &Beer, serializer: S) -> Result<S::Ok, S::Error> {
        beer.id.serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<&'static Beer, D::Error> {
        let id = BeerId::deserialize(deserializer)?;
        beers::find(&id).ok_or_else(|| D::Error::custom(format!("nobody sells {id}")))
    }
}

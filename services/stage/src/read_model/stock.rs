//! The beers as the stage shows them: the truth of the log beside what stock-level shows.

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
    /// The log's level; `None` until its first event was read.
    pub level: Option<Bottles>,
    /// The log's last sequence.
    pub sequence: Sequence,
    /// The level written last by stock-level.
    pub shown_level: Option<Bottles>,
    /// The highest sequence it handled.
    pub shown_sequence: Sequence,
    /// It has handled every event up to this one.
    pub settled: Sequence,
    /// Its count of writes.
    pub shown_written: u64,
    pub worker: Option<String>,
}

impl Shelf {
    /// How many events of this beer stock-level has still to handle.
    pub fn behind(&self) -> u64 {
        self.sequence.0.saturating_sub(self.settled.0)
    }

    /// Wrong: what is shown differs from the log, and no event is unhandled. While one is, it is only behind; and while
    /// stock-level is ahead of what was read here of the log, nothing can be said.
    pub fn is_wrong(&self) -> bool {
        self.level.is_some() && self.settled == self.sequence && self.shown_level != self.level
    }
}

/// One beer: the truth (the log), and what is shown (stock-level).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BeerOnShelf {
    pub beer: &'static Beer,
    /// The log's level; `None` until its first event was read.
    pub level: Option<Bottles>,
    /// The log's last sequence.
    pub sequence: Sequence,
    /// What stock-level says; `None` until it said something.
    pub shown_level: Option<Bottles>,
    /// The highest sequence stock-level handled.
    pub shown_sequence: Sequence,
    /// Shown differs from the log, and no event is unhandled.
    pub wrong: bool,
    /// Of how many of the last events nobody can say yet that stock-level has handled them.
    pub behind: u64,
    /// Who wrote the shown level.
    pub worker: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StockView {
    /// All beers, in the order of the catalogue.
    pub beers: Vec<BeerOnShelf>,
    /// How many of them are wrong.
    pub wrong: usize,
    /// The levels written since they were folded afresh, newest first, at most 80.
    pub writes: Vec<Write>,
    /// Events in the log.
    pub events: u64,
    /// How stock-level shall work.
    pub folding: Folding,
    /// Exactly the workers it employs.
    pub workers: Vec<String>,
    /// Bursts that are over, newest first, at most 40.
    pub bursts: Vec<Burst>,
    /// Whether one is under way.
    pub is_bursting: bool,
    /// The beer that is explained, if one is.
    pub explained: Option<(&'static Beer, Explained)>,
}

/// One event of the log, and when it happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happened {
    pub event: StockEvent,
    pub at: Moment,
}

/// One level as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Write {
    #[serde(with = "beer_by_id")]
    pub beer: &'static Beer,
    /// The event that was handled, as its sequence.
    pub event: Sequence,
    /// What the level is after it.
    pub level: Bottles,
    /// It was older than the level, and was left aside.
    pub ignored: bool,
    pub worker: String,
    /// When the worker took the event.
    pub taken_at: Moment,
    /// When it was written.
    pub at: Moment,
}

/// How the level of a beer came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// The beer as it is.
    pub shelf: Shelf,
    /// The end of its log, in the order of the log.
    pub log: Vec<Happened>,
    /// The last writes of its level, in the order in which they were written.
    pub written: Vec<Write>,
}

/// A beer is stored by its id.
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

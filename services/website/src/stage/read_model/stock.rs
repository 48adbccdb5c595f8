use events::{
    beers::Beer,
    ids::Moment,
    quantities::{Bottles, Sequence},
    settings::Folding,
    stock::StockEvent,
};

use crate::{order::view::BeerOnShelf, stage::read_model::{bursts::Burst, shelves::Shelf}};

/// `/stage/stock`.
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happened {
    /// The event.
    pub event: StockEvent,
    /// When.
    pub at: Moment,
}

/// One level as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// Which beer.
    pub beer: &'static Beer,
    /// The event that was handled, as its sequence.
    pub event: Sequence,
    /// What the level is after it.
    pub level: Bottles,
    /// It was older than the level, and was left aside.
    pub ignored: bool,
    /// By whom.
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

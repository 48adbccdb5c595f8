//! The past: questions that the logs can answer long afterwards.

use serde::{Deserialize, Serialize};

use crate::{
    ids::{BeerId, Moment},
    insights::{DeliverySums, OrderSums},
    limits::{self, TEXT_MAX},
    quantities::{Bottles, Cents},
};

/// Stock, orders and deliveries at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AsOf {
    /// The moment that was asked for.
    pub at: Moment,
    /// When the first event of the episode happened.
    pub first: Option<Moment>,
    /// When the last one read happened.
    pub last: Option<Moment>,
    /// How many events had happened by then.
    pub events: u64,
    pub beers: Vec<BeerAsOf>,
    pub orders: OrderSums,
    /// Where accepted orders were.
    pub deliveries: DeliverySums,
    /// The revenue of accepted orders.
    pub revenue_cents: Cents,
}

/// One beer at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BeerAsOf {
    pub beer: BeerId,
    pub level: Bottles,
}

/// An ad hoc question: no aggregate is kept for it, only the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PastQuestion {
    /// Which two beers are ordered together most.
    OrderedTogether,
    /// What refused demand cost, by beer.
    CostOfRefusals,
    /// Which seconds had the most orders, and who placed them.
    SameSecond,
}

impl PastQuestion {
    pub const ALL: [PastQuestion; 3] =
        [PastQuestion::OrderedTogether, PastQuestion::CostOfRefusals, PastQuestion::SameSecond];

    /// Its name, as in addresses.
    pub const fn name(self) -> &'static str {
        match self {
            PastQuestion::OrderedTogether => "ordered-together",
            PastQuestion::CostOfRefusals => "cost-of-refusals",
            PastQuestion::SameSecond => "same-second",
        }
    }

    /// The question with this name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|question| question.name() == name)
    }
}

/// The answer of the log to a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastAnswer {
    pub question: PastQuestion,
    /// How many messages were read for it, from the first one.
    pub events: u64,
    /// How long that took, in milliseconds.
    pub took_ms: u64,
    /// The names of the columns.
    pub columns: Vec<String>,
    /// At most [`ROWS_MAX`] rows, most important first.
    pub rows: Vec<Vec<Cell>>,
}

/// Most rows of an answer.
pub const ROWS_MAX: usize = 10;

/// One value of an answer; pages format it in the language of the visitor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cell {
    Beer(BeerId),
    Count(u64),
    Cents(Cents),
    Moment(Moment),
    Text(#[serde(serialize_with = "limits::shorten::<TEXT_MAX, _>")] String),
}

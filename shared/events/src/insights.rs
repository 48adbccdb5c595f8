//! What inventory-analysis derives from the topics: sales, a forecast, and the ledger.
//!
//! The newest insight of each kind is kept on a compacted topic.

use serde::{Deserialize, Serialize};

use crate::{
    contradictions::Contradiction,
    ids::{BeerId, Moment, OrderId},
    limits::{self, TEXT_MAX},
    quantities::{Bottles, Cents},
};

/// One insight; its key is its kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Insight {
    /// Sales and unmet demand.
    Sales(Sales),
    /// When each beer will be sold out.
    Forecast(Forecast),
    /// The sums that must hold.
    Ledger(Ledger),
    /// A rebuild, under way or done.
    Rebuild(Rebuild),
    /// What fraud watch found.
    Fraud(Fraud),
}

impl Insight {
    /// Its kind, as on the wire.
    pub fn kind(&self) -> &'static str {
        match self {
            Insight::Sales(_) => "Sales",
            Insight::Forecast(_) => "Forecast",
            Insight::Ledger(_) => "Ledger",
            Insight::Rebuild(_) => "Rebuild",
            Insight::Fraud(_) => "Fraud",
        }
    }
}

/// Orders, bottles and money, in total and by the minute.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sales {
    /// The time of these figures.
    pub at: Moment,
    pub orders: u64,
    /// Bottles of accepted orders.
    pub bottles: u64,
    /// What accepted orders cost together.
    pub revenue_cents: Cents,
    /// Demand that could not be met.
    pub refused: RefusedDemand,
    /// The last hour, oldest first; minutes without any order are left out.
    pub minutes: Vec<MinuteOfSales>,
}

/// Demand that could not be met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RefusedDemand {
    pub orders: u64,
    /// Bottles that were ordered.
    pub bottles: u64,
    /// What they would have cost.
    pub value_cents: Cents,
}

/// One minute of the shop, by the time of the decisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MinuteOfSales {
    pub minute: Moment,
    /// Orders accepted in it.
    pub orders: u64,
    pub bottles: u64,
    pub revenue_cents: Cents,
    /// Orders refused in it.
    pub refused: u64,
}

/// When each beer will be sold out at the current rate.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Forecast {
    /// The time of these figures.
    pub at: Moment,
    /// One entry per beer.
    pub beers: Vec<BeerForecast>,
}

/// The forecast for one beer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BeerForecast {
    pub beer: BeerId,
    pub level: Bottles,
    /// Bottles reserved in the ten minutes before.
    pub reserved_in_10_min: u64,
    /// When the shelf is empty at that rate; `None` if there are no sales.
    pub sold_out_at: Option<Moment>,
    /// Whether the warehouse restocks before that.
    pub restocked: bool,
}

/// The ledger: every bottle and every order accounted for.
///
/// counted + received + released = reserved + on the shelf; placed = accepted + refused + waiting;
/// accepted = delivered + under way + stranded + returned.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ledger {
    /// The time of these figures.
    pub at: Moment,
    /// Computed from the figures below, never assumed.
    pub balanced: bool,
    pub bottles: BottleSums,
    pub orders: OrderSums,
    /// Deliveries of accepted orders.
    pub deliveries: DeliverySums,
    /// Contradictions; empty if all is well. At most
    /// [`CONTRADICTIONS_MAX`](crate::contradictions::CONTRADICTIONS_MAX).
    pub contradictions: Vec<Contradiction>,
    /// The total number of contradictions.
    pub contradictions_found: u64,
    /// What is on its way and since when, oldest first: orders without a decision, accepted ones without an end, facts
    /// whose cause was not read yet. At most [`ON_THE_WAY_MAX`].
    pub on_the_way: Vec<OnTheWay>,
    /// How far each topic was read: topic, ledger, entry of the last message counted.
    pub read: Vec<ReadUpTo>,
}

/// Most things listed as on their way.
pub const ON_THE_WAY_MAX: usize = 20;

/// Bottles, summed over all beers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BottleSums {
    /// On the shelf when the episode began.
    pub counted: u64,
    /// Received from the breweries since.
    pub received: u64,
    pub reserved: u64,
    pub released: u64,
    /// On the shelf now, by the last event of each beer.
    pub on_shelf: u64,
}

/// Orders by what was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OrderSums {
    pub placed: u64,
    pub accepted: u64,
    pub refused: u64,
    /// Not decided yet: the size of a set, not a difference.
    pub waiting: u64,
}

/// Accepted orders by where they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DeliverySums {
    pub accepted: u64,
    pub delivered: u64,
    /// In the queue, with a courier, or waiting to be tried again: the size of a set.
    pub under_way: u64,
    /// Among the dead letters.
    pub stranded: u64,
    /// Given up; the bottles are back.
    pub returned: u64,
}

/// Something that is on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnTheWay {
    pub order_id: OrderId,
    /// What it waits for.
    pub what: WaitsFor,
    pub since: Moment,
}

/// What something on its way waits for. On the wire it is in words, so that the topic can be read without this code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum WaitsFor {
    /// The warehouse has not decided.
    #[serde(rename = "waits for a decision")]
    Decision,
    /// No courier has taken it yet.
    #[serde(rename = "in the queue")]
    Courier,
    /// A courier has it.
    #[serde(rename = "with a courier")]
    Arrival,
    /// The address was not found; it is tried again later.
    #[serde(rename = "waits for another attempt")]
    Attempt,
    /// It was redriven, and no courier has taken it yet.
    #[serde(rename = "in the queue again")]
    CourierAgain,
    /// Bottles were reserved for it, but its decision was not read yet.
    #[serde(rename = "bottles moved, its decision not read yet")]
    DecisionOfBottles,
    /// A courier has it, but its decision was not read yet.
    #[serde(rename = "moved, its decision not read yet")]
    DecisionOfParcel,
    /// It is decided, but the order itself was not read yet.
    #[serde(rename = "decided, the order itself not read yet")]
    Order,
    /// It is accepted, but its reservation was not read yet.
    #[serde(rename = "accepted, its reservation not read yet")]
    Reservation,
    /// It is given up, but the return of its bottles was not read yet.
    #[serde(rename = "returned, its bottles not back on the shelf yet")]
    Bottles,
    /// Its bottles are back, but its return was not read yet.
    #[serde(rename = "bottles back on the shelf, its return not read yet")]
    Return,
    /// An earlier event of the same beer was not read yet.
    #[serde(rename = "waits for an earlier event of its beer")]
    EarlierEvent,
}

/// How far a topic was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadUpTo {
    pub topic: String,
    /// Ledger of the last message counted.
    pub ledger: u64,
    pub entry: u64,
    /// How many messages of the topic were counted up to there.
    #[serde(default)]
    pub messages: u64,
}

/// All topics folded again from their first message to the live checkpoint, and compared with the live aggregates.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rebuild {
    /// The time of these figures.
    pub at: Moment,
    /// Whether it is still running.
    pub running: bool,
    /// Messages read so far.
    pub events: u64,
    /// Messages up to the checkpoint.
    pub total: u64,
    /// Messages per second so far.
    pub events_per_second: u64,
    /// Whether everything is identical, byte for byte; `None` until it is known.
    pub identical: Option<bool>,
    /// What differs, at most [`DIFFERENCES_MAX`].
    pub differences: Vec<Difference>,
    /// The total number of differences.
    #[serde(default)]
    pub differing: u64,
    /// Why it was given up, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_up: Option<GivenUp>,
}

/// Most differences listed; [`Rebuild::differing`] counts them all.
pub const DIFFERENCES_MAX: usize = 20;

/// Longest text of a difference, in characters; the rest is cut off.
pub const DIFFERENCE_TEXT_MAX: usize = 200;

/// A difference between a rebuild and the live analysis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Difference {
    /// A topic is shorter than the checkpoint says.
    #[error("{topic} does not have {messages} messages up to {last}")]
    Messages {
        #[serde(serialize_with = "limits::shorten::<DIFFERENCE_TEXT_MAX, _>")]
        topic: String,
        /// How many messages were counted live.
        messages: u64,
        /// The last of them.
        #[serde(serialize_with = "limits::shorten::<DIFFERENCE_TEXT_MAX, _>")]
        last: String,
    },
    /// The time machine remembers something else.
    #[error("the past: {stored} facts stored, {rebuilt} rebuilt")]
    Past {
        /// Facts that are stored.
        stored: u64,
        /// Facts that are rebuilt.
        rebuilt: u64,
    },
    /// A row says something else.
    #[error("{row}: stored {stored}, rebuilt {rebuilt}")]
    Row {
        /// Its kind and its key.
        #[serde(serialize_with = "limits::shorten::<DIFFERENCE_TEXT_MAX, _>")]
        row: String,
        #[serde(serialize_with = "limits::shorten::<DIFFERENCE_TEXT_MAX, _>")]
        stored: String,
        #[serde(serialize_with = "limits::shorten::<DIFFERENCE_TEXT_MAX, _>")]
        rebuilt: String,
    },
    /// A row is stored and not rebuilt.
    #[error("{row}: stored {stored}, not rebuilt")]
    OnlyStored {
        /// Its kind and its key.
        #[serde(serialize_with = "limits::shorten::<DIFFERENCE_TEXT_MAX, _>")]
        row: String,
        #[serde(serialize_with = "limits::shorten::<DIFFERENCE_TEXT_MAX, _>")]
        stored: String,
    },
    /// A row is rebuilt and not stored.
    #[error("{row}: rebuilt, not stored")]
    OnlyRebuilt {
        /// Its kind and its key.
        #[serde(serialize_with = "limits::shorten::<DIFFERENCE_TEXT_MAX, _>")]
        row: String,
    },
}

/// Why a rebuild was given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum GivenUp {
    /// inventory-analysis ended before the rebuild did.
    ProcessEnded,
    /// Something could not be read.
    Failed {
        /// What failed, and why.
        #[serde(serialize_with = "limits::shorten::<TEXT_MAX, _>")]
        error: String,
    },
}

/// What fraud watch found among the orders, read from their first one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Fraud {
    /// The time of these figures.
    pub at: Moment,
    /// Whether it reads `orders` now.
    pub attached: bool,
    /// How many orders it has seen since it was attached.
    pub orders_seen: u64,
    /// What it found, newest first, at most [`FINDINGS_MAX`].
    pub findings: Vec<Finding>,
    /// The total number of findings.
    pub findings_total: u64,
}

pub const FINDINGS_MAX: usize = 50;
/// This many orders by one customer within [`BURST_WITHIN_MS`] are suspicious.
pub const BURST_ORDERS: usize = 5;
/// See [`BURST_ORDERS`].
pub const BURST_WITHIN_MS: i64 = 10_000;
/// This many bottles in one order are suspicious.
pub const ABSURD_BOTTLES: Bottles = Bottles(72);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule it breaks.
    pub rule: FraudRule,
    pub customer: String,
    /// The orders it is about, oldest first, at most twenty.
    pub orders: Vec<OrderId>,
    /// When the last of them was placed.
    pub at: Moment,
    pub why: String,
}

/// The rules of fraud watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FraudRule {
    /// Many orders by one customer at once.
    Burst,
    /// More bottles than anyone carries home.
    Absurd,
}

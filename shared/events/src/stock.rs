//! The log of stock, and the levels folded from it.

use serde::{Deserialize, Serialize};

use crate::{
    ids::{BeerId, Moment, OrderId},
    limits,
    quantities::{Bottles, Sequence},
};

/// Longest name of a worker, in characters.
pub const WORKER_NAME_MAX: usize = 40;

/// What can happen to the stock of a beer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum StockChange {
    /// Counted on the shelf when the episode began.
    Counted,
    /// Received from the brewery.
    Received,
    /// Reserved for an order.
    Reserved,
    /// Put back on the shelf after a return.
    Released,
}

/// One entry of the log: what happened to one beer, in the order it happened.
///
/// `sequence` has no gaps within a beer and `level` is the stock afterwards, so that a reader can detect disorder, gaps and
/// repeats by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockEvent {
    #[serde(rename = "type")]
    pub change: StockChange,
    pub beer: BeerId,
    /// Its place in the log of this beer, from 1.
    pub sequence: Sequence,
    /// The number of bottles: subtracted by `Reserved`, added by the others.
    pub bottles: Bottles,
    pub level: Bottles,
    /// The order it was for, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
}

impl StockEvent {
    /// The level that must follow from `before`; `None` if it would be negative.
    pub fn level_after(&self, before: Bottles) -> Option<Bottles> {
        match self.change {
            StockChange::Reserved => before.minus(self.bottles),
            StockChange::Counted | StockChange::Received | StockChange::Released => Some(before.plus(self.bottles)),
        }
    }
}

/// The level of one beer as stock-level folded it; the newest one per beer is kept on a compacted topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockLevel {
    pub beer: BeerId,
    pub level: Bottles,
    /// The highest sequence of this beer that was handled.
    pub sequence: Sequence,
    /// Every event of this beer up to this one is handled. Lower than `sequence` while a worker still holds an older event:
    /// until then the level may be wrong or only behind.
    pub settled: Sequence,
    /// Counts the writes of this beer's level, so that a reader keeps the one written last. A reader that kept the
    /// highest sequence instead would hide the very fault that a Shared subscription with a naive fold shows.
    pub written: u64,
    /// The event that was handled, as its sequence; lower than `sequence` if it came too late.
    pub event: Sequence,
    /// The event was older than the level and was ignored, as the versioned fold does.
    #[serde(default, skip_serializing_if = "is_false")]
    pub ignored: bool,
    /// Who wrote it, such as `worker-1`.
    #[serde(deserialize_with = "limits::text::<WORKER_NAME_MAX, _>")]
    pub worker: String,
    /// When the worker took the event.
    pub taken_at: Moment,
    /// When it was written.
    pub at: Moment,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape serde asks for")]
fn is_false(value: &bool) -> bool {
    !value
}

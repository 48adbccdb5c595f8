//! Contradictions: proof that something is broken, which no later message can undo.

use serde::{Deserialize, Serialize};

use crate::{
    ids::{BeerId, Moment, OrderId},
    quantities::{Bottles, Sequence},
};

/// Most contradictions listed; the ledger counts them all.
pub const CONTRADICTIONS_MAX: usize = 20;

/// Something that cannot be true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contradiction {
    /// When the message that showed it was written.
    pub at: Moment,
    /// The order it is about, if any.
    pub order_id: Option<OrderId>,
    pub what: ContradictionKind,
}

/// What is contradictory about an order, or in the log of a beer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ContradictionKind {
    /// Two decisions that differ.
    DecidedInTwoWays,
    DeliveredTwice,
    /// Other bottles were reserved than were accepted.
    ReservedOtherwise,
    /// Bottles were reserved for an order that was refused.
    ReservedForRefused,
    /// A courier has an order that was refused.
    RefusedInDelivery,
    /// Delivered, and given up.
    DeliveredAndReturned,
    /// Other bottles were returned than were accepted.
    ReturnedOtherwise,
    /// More bottles were released than were returned.
    MoreReleasedThanReturned,
    /// More bottles were released than were accepted.
    MoreReleasedThanOrdered,
    /// The level of an event is not the sum of the log up to it.
    LevelIsNotTheSum {
        beer: BeerId,
        sequence: Sequence,
        /// What the event says.
        level: Bottles,
        /// What the log says.
        sum: Bottles,
    },
    /// More bottles were reserved than there were.
    MoreTakenThanThere {
        beer: BeerId,
        sequence: Sequence,
        /// How many it takes.
        bottles: Bottles,
        /// How many there were.
        level: Bottles,
    },
    /// Bottles were reserved or released without an order.
    ForNoOrder {
        beer: BeerId,
        sequence: Sequence,
    },
    /// Bottles were counted or received for an order.
    ForAnOrder {
        beer: BeerId,
        sequence: Sequence,
    },
    /// A beer that is not in the catalogue.
    UnknownBeer {
        beer: BeerId,
        sequence: Sequence,
    },
    /// Events are missing, though later ones are there.
    EventsMissing {
        beer: BeerId,
        /// The first that is missing.
        first: Sequence,
        /// The last that is missing.
        last: Sequence,
    },
}

//! What was read and cannot be true: the proof that something is broken, whatever may still come.

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
    /// About which order, if about one.
    pub order_id: Option<OrderId>,
    pub what: ContradictionKind,
}

/// What cannot be true about an order, or in the log of a beer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ContradictionKind {
    /// Two decisions that differ.
    DecidedInTwoWays,
    DeliveredTwice,
    /// Other bottles were put aside than were accepted.
    ReservedOtherwise,
    /// Bottles were put aside for an order that was refused.
    ReservedForRefused,
    /// A courier has an order that was refused.
    RefusedInDelivery,
    /// With the customer, and given up.
    DeliveredAndReturned,
    /// Other bottles were given back than were accepted.
    ReturnedOtherwise,
    /// More bottles were put back than were given back.
    MoreReleasedThanReturned,
    /// More bottles were put back than were accepted.
    MoreReleasedThanOrdered,
    /// The level an event gives is not the sum of the log up to it.
    LevelIsNotTheSum {
        beer: BeerId,
        sequence: Sequence,
        /// What the event says.
        level: Bottles,
        /// What the log says.
        sum: Bottles,
    },
    /// More bottles were taken than there were.
    MoreTakenThanThere {
        beer: BeerId,
        sequence: Sequence,
        /// How many it takes.
        bottles: Bottles,
        /// How many there were.
        level: Bottles,
    },
    /// Bottles were put aside or put back for no order.
    ForNoOrder {
        beer: BeerId,
        sequence: Sequence,
    },
    /// Bottles were counted or received for an order.
    ForAnOrder {
        beer: BeerId,
        sequence: Sequence,
    },
    /// A beer that is none of ours.
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

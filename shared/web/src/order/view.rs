//! An order as it is shown: its status and its journey so far. Plain data.

use events::{
    decisions::Refusal,
    delivery::FailureReason,
    ids::{BeerId, EventId, Moment, OrderId, Service},
    orders::Line,
    quantities::{Bottles, Cents},
    trace::TraceId,
};
use serde::{Deserialize, Serialize};

/// The status of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Stored at the website, not decided yet: "being checked".
    Placed,
    /// Bottles reserved; in the couriers' queue.
    Accepted,
    /// Not accepted; see its reason.
    Refused,
    PickedUp,
    Delivered,
    /// An attempt failed; in the queue again, maybe after a delay.
    Retrying,
    /// Among the dead letters.
    Stranded,
    /// Given up; bottles back on the shelf.
    Returned,
    /// Its episode is over.
    Ended,
}

impl Status {
    pub const ALL: [Status; 9] = [
        Status::Placed,
        Status::Accepted,
        Status::Refused,
        Status::PickedUp,
        Status::Delivered,
        Status::Retrying,
        Status::Stranded,
        Status::Returned,
        Status::Ended,
    ];

    /// The word under which it is stored and sent.
    pub const fn name(self) -> &'static str {
        match self {
            Status::Placed => "placed",
            Status::Accepted => "accepted",
            Status::Refused => "refused",
            Status::PickedUp => "picked_up",
            Status::Delivered => "delivered",
            Status::Retrying => "retrying",
            Status::Stranded => "stranded",
            Status::Returned => "returned",
            Status::Ended => "ended",
        }
    }

    /// Whether the status is final.
    pub const fn is_finished(self) -> bool {
        matches!(self, Status::Refused | Status::Delivered | Status::Returned | Status::Ended)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub at: Moment,
    /// The event that reported it.
    pub event_id: EventId,
    pub service: Service,
    pub topic: &'static str,
    pub what: What,
}

/// What happened to an order at one hop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum What {
    /// Stored at the website.
    Placed,
    /// The warehouse accepted it.
    Accepted {
        /// How many it reserved.
        bottles: Bottles,
    },
    /// The warehouse refused it.
    Refused { reason: Refusal },
    /// Bottles of one beer were reserved.
    Reserved {
        beer: BeerId,
        bottles: Bottles,
        /// How many are left.
        level: Bottles,
    },
    /// Bottles came back on the shelf.
    Released {
        beer: BeerId,
        bottles: Bottles,
        /// How many there are now.
        level: Bottles,
    },
    /// stock-level shows the new level.
    Shown { beer: BeerId, level: Bottles },
    /// inventory-analysis has counted it.
    Counted,
    /// A courier took it.
    PickedUp { courier: String },
    /// A courier could not deliver it.
    AttemptFailed {
        courier: String,
        reason: FailureReason,
        /// When the queue hands it out again.
        retry_at: Moment,
    },
    /// Nobody could deliver it.
    Stranded {
        /// Why the last attempt failed.
        reason: FailureReason,
        /// How many there were.
        attempts: u32,
    },
    /// The presenter had it tried again.
    Redriven { address: String },
    /// The presenter gave it up.
    Returned,
    /// The customer has it.
    Delivered { courier: String },
}

/// An order with its journey so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderView {
    pub order_id: OrderId,
    pub status: Status,
    pub customer: String,
    pub address: String,
    pub lines: Vec<Line>,
    pub total: Cents,
    /// Why it was refused or stranded.
    pub refusal: Option<Refusal>,
    /// Why the last attempt failed, while it is retrying or stranded.
    pub failure: Option<FailureReason>,
    /// The courier who has or had it last.
    pub courier: Option<String>,
    /// The trace of the order, where that is known.
    pub trace: Option<TraceId>,
    /// The journey, oldest hop first.
    pub journey: Vec<Step>,
}

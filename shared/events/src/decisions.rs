//! What the warehouse decided about an order.

use serde::{Deserialize, Serialize};

use crate::{
    ids::{BeerId, OrderId},
    limits,
    orders::{Fault, LINES_MAX, Line},
    quantities::{Bottles, Cents},
};

/// The decision about one order; there is exactly one for each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum OrderDecision {
    /// All bottles are reserved and the parcel is queued for the couriers.
    Accepted {
        order_id: OrderId,
        #[serde(deserialize_with = "limits::list::<LINES_MAX, _, _>")]
        lines: Vec<Line>,
        /// The number of bottles.
        bottles: Bottles,
        /// The price, according to the catalogue.
        total_cents: Cents,
    },
    Refused {
        order_id: OrderId,
        /// The order's lines: demand that could not be met.
        lines: Vec<Line>,
        reason: Refusal,
    },
}

impl OrderDecision {
    /// The order that this decides.
    pub fn order_id(&self) -> &OrderId {
        match self {
            OrderDecision::Accepted { order_id, .. } | OrderDecision::Refused { order_id, .. } => order_id,
        }
    }
}

/// Why an order was refused, in words a customer can read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Refusal {
    /// Not enough bottles of one beer; an order is all or nothing.
    #[error("only {left} of {asked} bottles of {beer} left")]
    NotEnough {
        /// The first beer of the order that is short.
        beer: BeerId,
        /// How many were asked for.
        asked: Bottles,
        /// How many there were.
        left: Bottles,
    },
    /// The order breaks a rule; orders from the website never do.
    #[error("not a valid order: {}", first_fault(faults))]
    Invalid { faults: Vec<Fault> },
}

fn first_fault(faults: &[Fault]) -> String {
    faults.first().map_or_else(String::new, |fault| format!("{} {}", fault.field, fault.problem))
}

//! The work queue of the couriers: its tasks, their outcomes, and what a person may request.

use serde::{Deserialize, Serialize};

use crate::{
    ids::{Moment, OrderId},
    limits,
    orders::{ADDRESS_MAX, CUSTOMER_MAX, LINES_MAX, Line},
};

/// Longest name of a courier, in characters.
pub const COURIER_NAME_MAX: usize = 40;

/// A task: deliver this parcel to this address. One courier takes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryOrder {
    pub order_id: OrderId,
    /// From 1; each redrive from the dead letters adds one.
    pub round: u32,
    /// From 1 within the round; each failure adds one.
    pub attempt: u32,
    #[serde(deserialize_with = "limits::text::<CUSTOMER_MAX, _>")]
    pub customer: String,
    #[serde(deserialize_with = "limits::text::<ADDRESS_MAX, _>")]
    pub address: String,
    #[serde(deserialize_with = "limits::list::<LINES_MAX, _, _>")]
    pub lines: Vec<Line>,
}

/// An undeliverable parcel, with what is needed to try again or to return it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    pub order_id: OrderId,
    /// Why the last attempt failed.
    pub reason: FailureReason,
    /// The number of attempts in this round.
    pub attempts: u32,
    /// The task that failed last.
    pub payload: DeliveryOrder,
}

/// Why an attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum FailureReason {
    /// The address contains such a word, see [`cannot_be_found`].
    #[error("nobody can find this address")]
    AddressNotFound,
}

/// A rule that the audience may know and play with: an address that contains one of these words cannot be
/// found, in upper or lower case.
pub const WORDS_NOBODY_FINDS: [&str; 3] = ["introuvable", "nowhere", "nergens"];

/// Whether couriers cannot find this address.
pub fn cannot_be_found(address: &str) -> bool {
    let address = address.to_lowercase();
    WORDS_NOBODY_FINDS.iter().any(|word| address.contains(word))
}

/// A request of the presenter to delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum DeliveryRequest {
    /// Try a stranded order again, in a new round.
    Redrive {
        order_id: OrderId,
        /// The corrected address; without it the old one is used.
        #[serde(
            default,
            skip_serializing_if = "Option::is_none",
            deserialize_with = "limits::optional_text::<ADDRESS_MAX, _>"
        )]
        address: Option<String>,
    },
    /// Give up a stranded order and return its bottles.
    ReturnToStock { order_id: OrderId },
}

impl DeliveryRequest {
    /// The order in question.
    pub fn order_id(&self) -> &OrderId {
        match self {
            DeliveryRequest::Redrive { order_id, .. } | DeliveryRequest::ReturnToStock { order_id } => order_id,
        }
    }
}

/// What happened to a parcel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum DeliveryUpdate {
    /// A courier took it.
    PickedUp {
        order_id: OrderId,
        round: u32,
        /// Which attempt of it.
        attempt: u32,
        #[serde(deserialize_with = "limits::text::<COURIER_NAME_MAX, _>")]
        courier: String,
    },
    /// Delivered. At most once per order.
    Delivered {
        order_id: OrderId,
        round: u32,
        /// Which attempt of it.
        attempt: u32,
        #[serde(deserialize_with = "limits::text::<COURIER_NAME_MAX, _>")]
        courier: String,
    },
    /// An attempt failed; it is tried again.
    AttemptFailed {
        order_id: OrderId,
        round: u32,
        /// Which attempt of it.
        attempt: u32,
        #[serde(deserialize_with = "limits::text::<COURIER_NAME_MAX, _>")]
        courier: String,
        reason: FailureReason,
        /// When the queue delivers it again.
        retry_at: Moment,
    },
    /// The last attempt of the round failed: it is among the dead letters.
    Stranded {
        order_id: OrderId,
        round: u32,
        /// How many attempts the round had.
        attempts: u32,
        #[serde(deserialize_with = "limits::text::<COURIER_NAME_MAX, _>")]
        courier: String,
        reason: FailureReason,
        /// The address that was not found.
        #[serde(deserialize_with = "limits::text::<ADDRESS_MAX, _>")]
        address: String,
    },
    /// The presenter redrove it: it is back in the queue.
    Redriven {
        order_id: OrderId,
        round: u32,
        #[serde(deserialize_with = "limits::text::<ADDRESS_MAX, _>")]
        address: String,
    },
    /// The presenter gave it up: its bottles go back to the warehouse.
    Returned {
        order_id: OrderId,
        #[serde(deserialize_with = "limits::list::<LINES_MAX, _, _>")]
        lines: Vec<Line>,
    },
}

impl DeliveryUpdate {
    /// The order this is about.
    pub fn order_id(&self) -> &OrderId {
        match self {
            DeliveryUpdate::PickedUp { order_id, .. }
            | DeliveryUpdate::Delivered { order_id, .. }
            | DeliveryUpdate::AttemptFailed { order_id, .. }
            | DeliveryUpdate::Stranded { order_id, .. }
            | DeliveryUpdate::Redriven { order_id, .. }
            | DeliveryUpdate::Returned { order_id, .. } => order_id,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_nobody_finds_count_in_any_case() {
        assert!(cannot_be_found("Rue INTROUVABLE 3"));
        assert!(cannot_be_found("Nergensstraat 1, Gent"));
        assert!(!cannot_be_found("Grote Markt 1, Brussel"));
    }
}

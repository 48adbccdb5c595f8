//! The work queue of the couriers: its tasks, what becomes of them, and what a person may ask for.

use serde::{Deserialize, Serialize};

use crate::{
    ids::{Moment, OrderId},
    limits,
    orders::{ADDRESS_MAX, CUSTOMER_MAX, LINES_MAX, Line},
};

/// Longest name of a courier, in characters.
pub const COURIER_NAME_MAX: usize = 40;

/// A task: bring this parcel there. Taken by one courier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryOrder {
    pub order_id: OrderId,
    /// 1, and one more each time it is redriven from the dead letters.
    pub round: u32,
    /// Within the round: 1, and one more after each failure.
    pub attempt: u32,
    /// Who waits for it.
    #[serde(deserialize_with = "limits::text::<CUSTOMER_MAX, _>")]
    pub customer: String,
    #[serde(deserialize_with = "limits::text::<ADDRESS_MAX, _>")]
    pub address: String,
    /// What is in it.
    #[serde(deserialize_with = "limits::list::<LINES_MAX, _, _>")]
    pub lines: Vec<Line>,
}

/// A parcel nobody could deliver, with what is needed to try again or to take it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    pub order_id: OrderId,
    /// Why the last attempt failed.
    pub reason: FailureReason,
    /// How many attempts this round had.
    pub attempts: u32,
    /// The task that failed last.
    pub payload: DeliveryOrder,
}

/// Why an attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum FailureReason {
    /// The address says so itself, see [`cannot_be_found`].
    #[error("nobody can find this address")]
    AddressNotFound,
}

/// The one rule of this world that everybody may know, so that anyone can play with it: nobody finds an address with
/// one of these words in it, in whatever case.
pub const WORDS_NOBODY_FINDS: [&str; 3] = ["introuvable", "nowhere", "nergens"];

/// Whether nobody finds this address.
pub fn cannot_be_found(address: &str) -> bool {
    let address = address.to_lowercase();
    WORDS_NOBODY_FINDS.iter().any(|word| address.contains(word))
}

/// What a person with the presenter's token asks of delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum DeliveryRequest {
    /// Try a stranded order again, in a new round.
    Redrive {
        order_id: OrderId,
        /// The corrected address; without one, the old one again.
        #[serde(
            default,
            skip_serializing_if = "Option::is_none",
            deserialize_with = "limits::optional_text::<ADDRESS_MAX, _>"
        )]
        address: Option<String>,
    },
    /// Give a stranded order up and bring its bottles back.
    ReturnToStock { order_id: OrderId },
}

impl DeliveryRequest {
    /// Which order is meant.
    pub fn order_id(&self) -> &OrderId {
        match self {
            DeliveryRequest::Redrive { order_id, .. } | DeliveryRequest::ReturnToStock { order_id } => order_id,
        }
    }
}

/// What became of a parcel.
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
    /// The customer has it. At most one for an order.
    Delivered {
        order_id: OrderId,
        round: u32,
        /// Which attempt of it.
        attempt: u32,
        #[serde(deserialize_with = "limits::text::<COURIER_NAME_MAX, _>")]
        courier: String,
    },
    /// It did not work; it is tried again.
    AttemptFailed {
        order_id: OrderId,
        round: u32,
        /// Which attempt of it.
        attempt: u32,
        #[serde(deserialize_with = "limits::text::<COURIER_NAME_MAX, _>")]
        courier: String,
        reason: FailureReason,
        /// When the queue hands it out again.
        retry_at: Moment,
    },
    /// The last attempt of the round failed: it lies among the dead letters.
    Stranded {
        order_id: OrderId,
        round: u32,
        /// How many attempts the round had.
        attempts: u32,
        #[serde(deserialize_with = "limits::text::<COURIER_NAME_MAX, _>")]
        courier: String,
        reason: FailureReason,
        /// Where it should have gone.
        #[serde(deserialize_with = "limits::text::<ADDRESS_MAX, _>")]
        address: String,
    },
    /// Someone had it tried again: it is back in the queue.
    Redriven {
        order_id: OrderId,
        round: u32,
        #[serde(deserialize_with = "limits::text::<ADDRESS_MAX, _>")]
        address: String,
    },
    /// Someone gave it up: its bottles go back to the warehouse.
    Returned {
        order_id: OrderId,
        #[serde(deserialize_with = "limits::list::<LINES_MAX, _, _>")]
        lines: Vec<Line>,
    },
}

impl DeliveryUpdate {
    /// Which order this is about.
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

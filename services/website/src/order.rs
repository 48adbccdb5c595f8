//! The pure core: how an order's status follows from what was read about it.

use events::{
    decisions::{OrderDecision, Refusal},
    delivery::{DeliveryUpdate, FailureReason},
    ids::Moment,
};

use crate::views::{Status, What};

/// What is known of where an order is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Where it is.
    pub status: Status,
    /// Whether a delivery update was seen; from then on a decision no longer changes the status.
    pub updated: bool,
    /// Why it was refused.
    pub refusal: Option<Refusal>,
    /// Why the last attempt failed, while that matters.
    pub failure: Option<FailureReason>,
    /// Who has or had it last.
    pub courier: Option<String>,
    /// The attempt it is at.
    pub attempt: u32,
    /// When it is tried again, while it waits for that.
    pub retry_at: Option<Moment>,
    /// Delivery said that it comes back.
    pub returned: bool,
    /// The log said that its bottles are back.
    pub released: bool,
}

impl Progress {
    /// An order nothing was read about yet.
    pub const fn placed() -> Self {
        Progress {
            status: Status::Placed,
            updated: false,
            refusal: None,
            failure: None,
            courier: None,
            attempt: 0,
            retry_at: None,
            returned: false,
            released: false,
        }
    }

    /// Takes a decision in.
    pub fn decided(&mut self, decision: &OrderDecision) {
        if self.updated {
            return;
        }
        match decision {
            OrderDecision::Accepted { .. } => self.status = Status::Accepted,
            OrderDecision::Refused { reason, .. } => {
                self.status = Status::Refused;
                self.refusal = Some(reason.clone());
            }
        }
    }

    /// Takes a delivery update in; they come in the order of their topic.
    pub fn delivery(&mut self, update: &DeliveryUpdate) {
        self.updated = true;
        self.retry_at = None;
        match update {
            DeliveryUpdate::PickedUp { courier, attempt, .. } => {
                self.status = Status::PickedUp;
                self.courier = Some(courier.clone());
                self.attempt = *attempt;
            }
            DeliveryUpdate::Delivered { courier, attempt, .. } => {
                self.status = Status::Delivered;
                self.courier = Some(courier.clone());
                self.attempt = *attempt;
                self.failure = None;
            }
            DeliveryUpdate::AttemptFailed { courier, attempt, reason, retry_at, .. } => {
                self.status = Status::Retrying;
                self.courier = Some(courier.clone());
                self.attempt = *attempt;
                self.failure = Some(*reason);
                self.retry_at = Some(*retry_at);
            }
            DeliveryUpdate::Stranded { courier, attempts, reason, .. } => {
                self.status = Status::Stranded;
                self.courier = Some(courier.clone());
                self.attempt = *attempts;
                self.failure = Some(*reason);
            }
            DeliveryUpdate::Redriven { .. } => {
                self.status = Status::Retrying;
                self.attempt = 0;
            }
            DeliveryUpdate::Returned { .. } => {
                self.returned = true;
                self.come_back();
            }
        }
    }

    /// The log says that bottles of this order are back on the shelf.
    pub fn bottles_released(&mut self) {
        self.released = true;
        self.come_back();
    }

    /// It has come back when both delivery and the log have said so.
    fn come_back(&mut self) {
        if self.returned && self.released {
            self.status = Status::Returned;
        }
    }
}

/// The hop a decision is.
pub fn hop_of_decision(decision: &OrderDecision) -> What {
    match decision {
        OrderDecision::Accepted { bottles, .. } => What::Accepted { bottles: *bottles },
        OrderDecision::Refused { reason, .. } => What::Refused { reason: reason.clone() },
    }
}

/// The hop a delivery update is.
pub fn hop_of_update(update: &DeliveryUpdate) -> What {
    match update {
        DeliveryUpdate::PickedUp { courier, .. } => What::PickedUp { courier: courier.clone() },
        DeliveryUpdate::Delivered { courier, .. } => What::Delivered { courier: courier.clone() },
        DeliveryUpdate::AttemptFailed { courier, reason, retry_at, .. } => {
            What::AttemptFailed { courier: courier.clone(), reason: *reason, retry_at: *retry_at }
        }
        DeliveryUpdate::Stranded { reason, attempts, .. } => What::Stranded { reason: *reason, attempts: *attempts },
        DeliveryUpdate::Redriven { address, .. } => What::Redriven { address: address.clone() },
        DeliveryUpdate::Returned { .. } => What::Returned,
    }
}

#[cfg(test)]
mod tests {
    use events::{
        ids::OrderId,
        orders::Line,
        quantities::{Bottles, Cents},
    };

    use super::*;

    fn id() -> OrderId {
        "k7m2q9xd".parse().unwrap()
    }

    fn accepted() -> OrderDecision {
        let lines: Vec<Line> = Vec::new();
        OrderDecision::Accepted { order_id: id(), lines, bottles: Bottles(1), total_cents: Cents(360) }
    }

    fn picked_up() -> DeliveryUpdate {
        DeliveryUpdate::PickedUp { order_id: id(), round: 1, attempt: 1, courier: "Ada".into() }
    }

    fn delivered() -> DeliveryUpdate {
        DeliveryUpdate::Delivered { order_id: id(), round: 1, attempt: 1, courier: "Ada".into() }
    }

    #[test]
    fn a_decision_that_is_read_late_does_not_turn_the_order_back() {
        let mut progress = Progress::placed();
        progress.delivery(&picked_up());
        progress.delivery(&delivered());
        progress.decided(&accepted());
        assert_eq!(progress.status, Status::Delivered);
    }

    #[test]
    fn it_has_come_back_only_when_its_bottles_are_on_the_shelf() {
        let returned = DeliveryUpdate::Returned { order_id: id(), lines: Vec::new() };
        let stranded = DeliveryUpdate::Stranded {
            order_id: id(),
            round: 1,
            attempts: 4,
            courier: "Ada".into(),
            reason: FailureReason::AddressNotFound,
            address: "nowhere".into(),
        };
        let mut progress = Progress::placed();
        progress.delivery(&stranded);
        progress.delivery(&returned);
        assert_eq!(progress.status, Status::Stranded);
        progress.bottles_released();
        assert_eq!(progress.status, Status::Returned);
        let mut other_way_round = Progress::placed();
        other_way_round.delivery(&stranded);
        other_way_round.bottles_released();
        assert_eq!(other_way_round.status, Status::Stranded);
        other_way_round.delivery(&returned);
        assert_eq!(other_way_round.status, Status::Returned);
    }

    #[test]
    fn a_retry_waits_until_its_time_and_a_redriven_one_does_not() {
        let at = Moment::from_micros(1);
        let failed = DeliveryUpdate::AttemptFailed {
            order_id: id(),
            round: 1,
            attempt: 1,
            courier: "Ada".into(),
            reason: FailureReason::AddressNotFound,
            retry_at: at,
        };
        let mut progress = Progress::placed();
        progress.delivery(&failed);
        assert_eq!((progress.status, progress.retry_at), (Status::Retrying, Some(at)));
        progress.delivery(&DeliveryUpdate::Redriven { order_id: id(), round: 2, address: "Gent".into() });
        assert_eq!((progress.status, progress.retry_at), (Status::Retrying, None));
    }
}

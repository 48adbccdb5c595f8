//! How an order's status follows from the messages about it. Pure.

use events::{
    decisions::{OrderDecision, Refusal},
    delivery::{DeliveryUpdate, FailureReason},
    ids::Moment,
    unreadable::ReasonCode,
};
use serde::{Deserialize, Serialize};

use crate::order::view::{Status, What};

/// The state of an order, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    pub status: Status,
    /// Whether a decision was believed. Each order has one.
    pub decided: bool,
    /// Whether a delivery update was seen. After that a decision no longer changes the status.
    pub updated: bool,
    pub refusal: Option<Refusal>,
    /// Why the last attempt failed, while that matters.
    pub failure: Option<FailureReason>,
    /// The courier who has or had it last.
    pub courier: Option<String>,
    /// The number of the present attempt.
    pub attempt: u32,
    /// When it is tried again, while it waits for that.
    pub retry_at: Option<Moment>,
    /// Delivery reported that it comes back.
    pub returned: bool,
    /// The log reported that its bottles are back.
    pub released: bool,
}

impl Progress {
    /// An order about which nothing was read yet.
    pub const fn placed() -> Self {
        Progress {
            status: Status::Placed,
            decided: false,
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

    /// Whether a decision about this order is believed.
    ///
    /// # Errors
    /// Why not.
    pub fn judge_decision(&self) -> Result<(), Doubt> {
        if self.decided { Err(Doubt::Untrue(ReasonCode::SecondDecision)) } else { Ok(()) }
    }

    /// Whether an update about this order is believed: it must be the next step of its parcel, which has one outcome.
    ///
    /// # Errors
    /// Why not, or not yet.
    pub fn judge_update(&self, update: &DeliveryUpdate) -> Result<(), Doubt> {
        if !self.decided {
            return Err(Doubt::Early(ReasonCode::NotDecided));
        }
        if self.refusal.is_some() || self.returned || matches!(self.status, Status::Delivered | Status::Returned) {
            return Err(Doubt::Untrue(ReasonCode::SecondOutcome));
        }
        let follows = match (self.status, update) {
            (Status::PickedUp, DeliveryUpdate::PickedUp { attempt, .. })
            | (Status::PickedUp, DeliveryUpdate::Delivered { attempt, .. })
            | (Status::PickedUp, DeliveryUpdate::AttemptFailed { attempt, .. })
            | (Status::PickedUp, DeliveryUpdate::Stranded { attempts: attempt, .. }) => *attempt == self.attempt,
            (Status::Accepted | Status::Retrying, DeliveryUpdate::PickedUp { attempt, .. }) => {
                Some(*attempt) == self.attempt.checked_add(1)
            }
            (Status::Stranded, DeliveryUpdate::Redriven { .. } | DeliveryUpdate::Returned { .. }) => true,
            _ => false,
        };
        if follows { Ok(()) } else { Err(Doubt::Untrue(ReasonCode::DoesNotFollow)) }
    }

    /// Applies a decision.
    pub fn decided(&mut self, decision: &OrderDecision) {
        self.decided = true;
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

    /// Applies a delivery update. Updates come in the order of their topic.
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

    /// The log reports that bottles of this order are back on the shelf.
    pub fn bottles_released(&mut self) {
        self.released = true;
        self.come_back();
    }

    /// An order has come back when both delivery and the log have reported it.
    fn come_back(&mut self) {
        if self.returned && self.released {
            self.status = Status::Returned;
        }
    }
}

/// How long a message waits for its cause. The broker delivers in milliseconds, and a process that returns from a pause
/// reads all topics at once, so after this time the cause is not just late.
pub const CAUSE_WITHIN_MS: i64 = 30_000;
/// The most messages that wait for their cause. With more, the first one is given up.
pub const EARLY_MAX: usize = 10_000;

/// Why a message about an order has no effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// Its cause was not read yet: there is no order among topics.
    Early(ReasonCode),
    /// It is not believed.
    Untrue(ReasonCode),
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
    fn an_order_is_decided_once_and_its_parcel_takes_one_step_after_the_other() {
        let courier = || "Ada".to_owned();
        let (order_id, round, reason) = (id(), 1, FailureReason::AddressNotFound);
        let failed = |attempt| DeliveryUpdate::AttemptFailed {
            order_id: order_id.clone(),
            round,
            attempt,
            courier: courier(),
            reason,
            retry_at: Moment::default(),
        };
        let picked_up_again =
            |attempt| DeliveryUpdate::PickedUp { order_id: order_id.clone(), round, attempt, courier: courier() };
        let redriven = DeliveryUpdate::Redriven { order_id: order_id.clone(), round: 2, address: "Gent".into() };
        let returned = DeliveryUpdate::Returned { order_id: order_id.clone(), lines: Vec::new() };
        let stranded = DeliveryUpdate::Stranded {
            order_id: order_id.clone(),
            round,
            attempts: 2,
            courier: courier(),
            reason,
            address: "nowhere".into(),
        };
        let does_not_follow = Err(Doubt::Untrue(ReasonCode::DoesNotFollow));
        let second = Err(Doubt::Untrue(ReasonCode::SecondOutcome));
        let mut progress = Progress::placed();
        assert_eq!(progress.judge_update(&picked_up()), Err(Doubt::Early(ReasonCode::NotDecided)));
        assert_eq!(progress.judge_decision(), Ok(()));
        progress.decided(&accepted());
        assert_eq!(progress.judge_decision(), Err(Doubt::Untrue(ReasonCode::SecondDecision)));
        for untrue in [delivered(), failed(1), stranded.clone(), redriven.clone(), returned.clone(), picked_up_again(7)]
        {
            assert_eq!(progress.judge_update(&untrue), does_not_follow, "{untrue:?}");
        }
        let way =
            [picked_up(), picked_up(), failed(1), picked_up_again(2), stranded, redriven, picked_up(), delivered()];
        for update in &way {
            assert_eq!(progress.judge_update(update), Ok(()), "{update:?}");
            progress.delivery(update);
        }
        for late in way.iter().chain([&returned]) {
            assert_eq!(progress.judge_update(late), second, "{late:?}");
        }
        let mut refused = Progress::placed();
        let reason = Refusal::Invalid { faults: Vec::new() };
        refused.decided(&OrderDecision::Refused { order_id: id(), lines: Vec::new(), reason });
        assert_eq!(refused.judge_update(&picked_up()), second);
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

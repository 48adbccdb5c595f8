//! What follows from the facts of an order together: its status, what it still waits for, and what about it
//! cannot be true.
//!
//! Nothing here is stored: all of it is computed from the facts on demand. A contradiction is *proven*:
//! no later fact can undo it. What a later fact can explain is *parked*, and shown with its age.

use events::{contradictions::ContradictionKind, ids::Moment, insights::WaitsFor};

use crate::{
    case::Case,
    order::{Delivery, Order, Returned, Step},
};

/// The status of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It is known, but not placed: it counts nowhere.
    Unknown,
    /// Placed, and not decided.
    Waiting,
    Refused,
    /// Accepted, and not finished.
    UnderWay,
    Delivered,
    /// Among the dead letters.
    Stranded,
    Returned,
}

/// What an order waits for, and since when.
pub type Waiting = (Moment, WaitsFor);
/// A contradiction of an order, and when the message that shows it was written.
pub type Proven = (Moment, ContradictionKind);

impl Order {
    pub fn status(&self) -> Status {
        match (&self.decision, &self.delivery) {
            _ if self.placed_at.is_none() => Status::Unknown,
            (None, _) => Status::Waiting,
            (Some(decision), _) if !decision.accepted => Status::Refused,
            (Some(_), Some(delivery)) => delivery.status(),
            (Some(_), None) => Status::UnderWay,
        }
    }

    /// What it waits for in the usual course of things, unless it is finished.
    pub fn on_its_way(&self) -> Option<Waiting> {
        let decided = self.decision.map(|decision| decision.at);
        match (self.status(), &self.delivery) {
            (Status::Waiting, _) => Some((self.placed_at?, WaitsFor::Decision)),
            (Status::UnderWay, None) => Some((decided?, WaitsFor::Courier)),
            (Status::UnderWay, Some(delivery)) => Some((
                delivery.at,
                match delivery.progress.step {
                    Step::PickedUp => WaitsFor::Arrival,
                    Step::Failed => WaitsFor::Attempt,
                    Step::Queued | Step::Stranded => WaitsFor::CourierAgain,
                },
            )),
            _ => None,
        }
    }

    /// A fact whose cause or consequence was not read yet, if any. Topics are read independently, so
    /// there often is one for a moment.
    pub fn parked(&self) -> Option<Waiting> {
        let moved_at = self.delivery.as_ref().map(|delivery| delivery.at);
        let Some(decision) = &self.decision else {
            let early = [(self.stocked_at, WaitsFor::DecisionOfBottles), (moved_at, WaitsFor::DecisionOfParcel)];
            return early.into_iter().find_map(|(at, what)| Some((at?, what)));
        };
        if self.placed_at.is_none() {
            return Some((decision.at, WaitsFor::Order));
        }
        if decision.accepted && self.reserved != decision.lines {
            return Some((decision.at, WaitsFor::Reservation));
        }
        match (self.returned(), self.stocked_at) {
            (Some(returned), _) if self.released != returned.lines => Some((returned.at, WaitsFor::Bottles)),
            (None, Some(at)) if !self.released.is_empty() => Some((at, WaitsFor::Return)),
            _ => None,
        }
    }

    /// Whether it is hearsay: it was never placed, and no bottle moved for it. Anyone can write such a decision or
    /// update.
    pub fn is_hearsay(&self) -> bool {
        self.placed_at.is_none() && self.stocked_at.is_none()
    }

    /// All contradictions of the order.
    pub fn contradictions(&self) -> Vec<Proven> {
        let mut found = Vec::new();
        if let Some(disputes) = &self.disputes {
            found.extend(disputes.decided_again.map(|at| (at, ContradictionKind::DecidedInTwoWays)));
            found.extend(disputes.delivered_again.map(|at| (at, ContradictionKind::DeliveredTwice)));
        }
        self.look_at_the_reservation(&mut found);
        self.look_at_the_return(&mut found);
        found
    }

    fn look_at_the_reservation(&self, found: &mut Vec<Proven>) {
        let Some(decision) = &self.decision else { return };
        let shown_at = self.stocked_at.unwrap_or(decision.at).max(decision.at);
        if decision.accepted {
            if !self.reserved.is_within(&decision.lines) {
                found.push((shown_at, ContradictionKind::ReservedOtherwise));
            }
            return;
        }
        if !self.reserved.is_empty() {
            found.push((shown_at, ContradictionKind::ReservedForRefused));
        }
        if let Some(delivery) = &self.delivery {
            found.push((delivery.at.max(decision.at), ContradictionKind::RefusedInDelivery));
        }
    }

    fn look_at_the_return(&self, found: &mut Vec<Proven>) {
        let stocked_at = self.stocked_at.unwrap_or_default();
        let accepted = self.decision.filter(|decision| decision.accepted);
        let more_than = |lines: Case| !self.released.is_within(&lines);
        if let Some(returned) = self.returned() {
            if let Some(delivery) = self.delivery.as_ref().filter(|delivery| delivery.delivered.is_some()) {
                found.push((returned.at.max(delivery.at), ContradictionKind::DeliveredAndReturned));
            }
            if more_than(returned.lines) {
                found.push((returned.at.max(stocked_at), ContradictionKind::MoreReleasedThanReturned));
            }
            if let Some(decision) = accepted.filter(|decision| decision.lines != returned.lines) {
                found.push((returned.at.max(decision.at), ContradictionKind::ReturnedOtherwise));
            }
        } else if let Some(decision) = accepted.filter(|decision| more_than(decision.lines)) {
            found.push((stocked_at.max(decision.at), ContradictionKind::MoreReleasedThanOrdered));
        }
    }

    fn returned(&self) -> Option<&Returned> {
        self.delivery.as_ref()?.returned.as_deref()
    }
}

impl Delivery {
    /// Where the parcel is, according to the couriers alone.
    pub fn status(&self) -> Status {
        if self.delivered.is_some() {
            Status::Delivered
        } else if self.returned.is_some() {
            Status::Returned
        } else if self.progress.step == Step::Stranded {
            Status::Stranded
        } else {
            Status::UnderWay
        }
    }
}

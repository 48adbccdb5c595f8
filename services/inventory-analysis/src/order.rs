//! The facts of one order, as four topics tell them, in whatever order the topics are read.
//!
//! Each topic writes its own facts and does not look at those of others, so folds of different topics commute. A
//! repeated fact changes nothing. What follows from the facts together is in [`crate::status`].

use std::num::NonZeroU64;

use events::{
    delivery::DeliveryUpdate,
    ids::{BeerId, EventId, Moment},
    quantities::Bottles,
    stock::StockChange,
};
use serde::{Deserialize, Serialize};

use crate::{case::Case, sales::Sale, timeline::Kind};

/// The facts of one order.
///
/// It takes 128 bytes here, and 350 to 430 in memory, measured, with its id and its place in the map: 30,000 orders take
/// 10 to 12 MiB. Rare facts are boxed; a delivery is remembered by the hash of its event's id.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Order {
    /// When it was placed; read from `orders`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placed_at: Option<Moment>,
    /// The first decision; read from `order-decisions`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// Bottles reserved for it; read from `stock-events`.
    #[serde(skip_serializing_if = "Case::is_empty")]
    pub reserved: Case,
    #[serde(skip_serializing_if = "Case::is_empty")]
    pub released: Case,
    /// When that happened last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stocked_at: Option<Moment>,
    /// Where its parcel is; read from `delivery-updates`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Delivery>,
    /// Second facts that differ from the first, and facts that wait for their cause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disputes: Option<Box<Disputes>>,
}

/// A decision about an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    pub at: Moment,
    pub accepted: bool,
    /// The accepted lines; empty if it was refused.
    #[serde(default, skip_serializing_if = "Case::is_empty")]
    pub lines: Case,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// How far it came.
    pub progress: Progress,
    /// Since when it is there.
    pub at: Moment,
    /// If it was delivered: a hash of the id of that event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered: Option<NonZeroU64>,
    /// If it was given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned: Option<Box<Returned>>,
}

/// How far a parcel came: by round, by attempt, by step of the attempt. This only grows, in the order of
/// the topic; a repeat lies before what came since, and so changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Progress {
    round: u32,
    attempt: u32,
    pub step: Step,
}

/// The steps of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub enum Step {
    #[default]
    Queued,
    PickedUp,
    /// Back in the queue after a failure.
    Failed,
    /// Among the dead letters.
    Stranded,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Returned {
    pub at: Moment,
    pub lines: Case,
}

/// Rare facts of an order: second ones that differ from the first, and those that came before their cause.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Disputes {
    /// When another decision was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_again: Option<Moment>,
    /// When it was delivered by another event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivered_again: Option<Moment>,
    /// What a decision sells that was read before its order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub early_sale: Option<Sale>,
    /// Steps of the parcel that were read before the order was known to be placed and accepted; at most
    /// [`EARLY_STEPS_MAX`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub early_steps: Vec<(Kind, Moment)>,
}

/// Most steps of a parcel that wait for the order to be placed and accepted. An honest parcel takes less than half.
pub const EARLY_STEPS_MAX: usize = 64;

impl Order {
    /// Records when it was placed. `false` if that was known.
    pub fn place(&mut self, at: Moment) -> bool {
        let first = self.placed_at.is_none();
        self.placed_at.get_or_insert(at);
        first
    }

    /// Records a decision. `true` if it is the first; another one that differs is a dispute.
    pub fn decide(&mut self, decision: Decision) -> bool {
        if self.decision.is_none() {
            self.decision = Some(decision);
            return true;
        }
        if self.differs(decision) {
            self.disputes.get_or_insert_default().decided_again.get_or_insert(decision.at);
        }
        false
    }

    /// Whether this decision differs from the first.
    pub fn differs(&self, decision: Decision) -> bool {
        let differs = |known: Decision| (known.accepted, known.lines) != (decision.accepted, decision.lines);
        self.decision.is_some_and(differs)
    }

    /// Whether this says that it was delivered, although another event has said so.
    pub fn is_delivered_otherwise(&self, update: &DeliveryUpdate, event_id: &EventId) -> bool {
        let by = self.delivery.as_ref().and_then(|delivery| delivery.delivered);
        matches!(update, DeliveryUpdate::Delivered { .. }) && by.is_some_and(|by| by != hash(event_id))
    }

    /// Since when it is both placed and accepted: from then on what happens to its parcel counts.
    pub fn sold_since(&self) -> Option<Moment> {
        let accepted = self.decision.filter(|decision| decision.accepted)?;
        Some(self.placed_at?.max(accepted.at))
    }

    /// Keeps a step that has no effect before its cause is read.
    pub fn early(&mut self) -> &mut Disputes {
        self.disputes.get_or_insert_default()
    }

    /// Takes out what waited for the order to be placed.
    pub fn take_early_sale(&mut self) -> Option<Sale> {
        let sale = self.disputes.as_mut()?.early_sale.take();
        self.forget_nothing_rare();
        sale
    }

    /// Takes out what waited for the order to be placed and accepted.
    pub fn take_early_steps(&mut self) -> Vec<(Kind, Moment)> {
        let steps = self.disputes.as_mut().map(|rare| std::mem::take(&mut rare.early_steps)).unwrap_or_default();
        self.forget_nothing_rare();
        steps
    }

    fn forget_nothing_rare(&mut self) {
        if self.disputes.as_deref() == Some(&Disputes::default()) {
            self.disputes = None;
        }
    }

    /// Records bottles that were reserved or released. [`crate::shelf`] has filtered repeats by their sequence.
    pub fn stock(&mut self, change: StockChange, beer: &BeerId, bottles: Bottles, at: Moment) {
        match change {
            StockChange::Reserved => self.reserved.add(beer, bottles),
            StockChange::Released => self.released.add(beer, bottles),
            StockChange::Counted | StockChange::Received => return,
        }
        self.stocked_at = Some(at);
    }

    /// Records a step of its parcel. `false` if it changes nothing.
    pub fn deliver(&mut self, update: &DeliveryUpdate, event_id: &EventId, at: Moment) -> bool {
        let begin = || Delivery { progress: Progress::default(), at, delivered: None, returned: None };
        let is_first = self.delivery.is_none();
        let delivery = self.delivery.get_or_insert_with(begin);
        let is_new = match update {
            DeliveryUpdate::Delivered { .. } => match delivery.delivered {
                None => {
                    delivery.delivered = Some(hash(event_id));
                    delivery.at = at;
                    true
                }
                Some(known) if known == hash(event_id) => false,
                Some(_) => {
                    let disputes = self.disputes.get_or_insert_default();
                    let first = disputes.delivered_again.is_none();
                    disputes.delivered_again.get_or_insert(at);
                    first
                }
            },
            DeliveryUpdate::Returned { lines, .. } => {
                let first = delivery.returned.is_none();
                delivery.returned.get_or_insert_with(|| Box::new(Returned { at, lines: Case::of(lines) }));
                first
            }
            DeliveryUpdate::PickedUp { round, attempt, .. } => delivery.advance(*round, *attempt, Step::PickedUp, at),
            DeliveryUpdate::AttemptFailed { round, attempt, .. } => {
                delivery.advance(*round, *attempt, Step::Failed, at)
            }
            DeliveryUpdate::Stranded { round, attempts, .. } => delivery.advance(*round, *attempts, Step::Stranded, at),
            DeliveryUpdate::Redriven { round, .. } => delivery.advance(*round, 0, Step::Queued, at),
        };
        is_first || is_new
    }
}

impl Delivery {
    fn advance(&mut self, round: u32, attempt: u32, step: Step, at: Moment) -> bool {
        let progress = Progress { round, attempt, step };
        let is_new = progress > self.progress;
        if is_new {
            self.progress = progress;
            if self.delivered.is_none() {
                self.at = at;
            }
        }
        is_new
    }
}

/// FNV-1a, 64 bits: it only tells the events of one order apart.
fn hash(event_id: &EventId) -> NonZeroU64 {
    let bytes = event_id.as_str().bytes();
    let hash = bytes
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    NonZeroU64::new(hash).unwrap_or(NonZeroU64::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Moment {
        Moment::from_micros(second * 1_000_000)
    }

    fn picked_up(round: u32, attempt: u32) -> DeliveryUpdate {
        let order_id = "a".parse().unwrap();
        DeliveryUpdate::PickedUp { order_id, round, attempt, courier: "courier-1".into() }
    }

    fn redriven(round: u32) -> DeliveryUpdate {
        DeliveryUpdate::Redriven { order_id: "a".parse().unwrap(), round, address: "Gent".into() }
    }

    #[test]
    fn is_small() {
        assert_eq!(size_of::<Order>(), 128);
    }

    #[test]
    fn a_repeat_of_what_was_overtaken_changes_nothing() {
        let mut order = Order::default();
        let updates = [picked_up(1, 1), picked_up(1, 2), redriven(2), picked_up(2, 1)];
        for (n, update) in updates.iter().enumerate() {
            assert!(order.deliver(update, &EventId::new(n.to_string()), at(1)));
        }
        let before = order.clone();
        for (n, update) in updates.iter().enumerate() {
            assert!(!order.deliver(update, &EventId::new(n.to_string()), at(2)), "{update:?}");
        }
        assert_eq!(order, before);
    }

    #[test]
    fn a_decision_told_again_is_none_and_another_one_is_a_dispute() {
        let accepted = Decision { at: at(1), accepted: true, lines: Case::default() };
        let mut order = Order::default();
        assert!(order.decide(accepted));
        assert!(!order.decide(Decision { at: at(2), ..accepted }));
        assert_eq!(order.disputes, None);
        assert!(!order.decide(Decision { at: at(3), accepted: false, ..accepted }));
        assert_eq!(order.disputes.unwrap().decided_again, Some(at(3)));
        assert_eq!(order.decision, Some(accepted));
    }
}

//! What delivery publishes: updates, the next task of a parcel, and dead letters.

use events::{
    delivery::{DeadLetter, DeliveryOrder, DeliveryUpdate},
    ids::{Moment, OrderId},
    topics::{DEAD_LETTERS, DELIVERY_ORDERS, DELIVERY_UPDATES},
};
use store::{StoreError, Transaction, enqueue, enqueue_for_later};

use crate::round::Outcome;

/// An outcome in the words of the log.
pub(crate) fn in_words(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Delivered => "delivered",
        Outcome::Failed { .. } => "not delivered, tried again later",
        Outcome::Stranded { .. } => "stranded",
    }
}

pub(crate) fn picked_up(task: &DeliveryOrder, courier: &str) -> DeliveryUpdate {
    let DeliveryOrder { order_id, round, attempt, .. } = task;
    DeliveryUpdate::PickedUp {
        order_id: order_id.clone(),
        round: *round,
        attempt: *attempt,
        courier: courier.to_owned(),
    }
}

/// Enqueues what follows from an outcome: first the update, then the next task or the dead letter.
pub(crate) fn tell_outcome(
    transaction: &mut Transaction,
    outcome: &Outcome,
    task: &DeliveryOrder,
    courier: &str,
    now: Moment,
) -> Result<(), StoreError> {
    let DeliveryOrder { order_id, round, attempt, .. } = task;
    let (order_id, round, attempt, courier) = (order_id.clone(), *round, *attempt, courier.to_owned());
    match outcome {
        Outcome::Delivered => {
            let delivered = DeliveryUpdate::Delivered { order_id, round, attempt, courier };
            tell(transaction, &delivered, now)
        }
        Outcome::Failed { reason, next, delay_ms } => {
            let (reason, retry_at) = (*reason, now.plus_millis(*delay_ms));
            let failed = DeliveryUpdate::AttemptFailed { order_id, round, attempt, courier, reason, retry_at };
            tell(transaction, &failed, now)?;
            queue(transaction, next, now, Some(retry_at))
        }
        Outcome::Stranded { reason } => {
            let (reason, address) = (*reason, task.address.clone());
            let stranded = DeliveryUpdate::Stranded { order_id, round, attempts: attempt, courier, reason, address };
            tell(transaction, &stranded, now)?;
            let order_id = &task.order_id;
            let letter = DeadLetter { order_id: order_id.clone(), reason, attempts: attempt, payload: task.clone() };
            enqueue(transaction, DEAD_LETTERS, order_id.as_str(), now, &letter)
        }
    }
}

pub(crate) fn tell(transaction: &mut Transaction, update: &DeliveryUpdate, at: Moment) -> Result<(), StoreError> {
    let order_id: &OrderId = update.order_id();
    enqueue(transaction, DELIVERY_UPDATES, order_id.as_str(), at, update)
}

/// Enqueues a task for the couriers, to be delivered at once or at `deliver_at`.
pub(crate) fn queue(
    transaction: &mut Transaction,
    task: &DeliveryOrder,
    now: Moment,
    deliver_at: Option<Moment>,
) -> Result<(), StoreError> {
    let order_id = &task.order_id;
    enqueue_for_later(transaction, DELIVERY_ORDERS, order_id.as_str(), now, deliver_at, task)
}

//! The desk: where couriers have written down what became of their parcels.
//!
//! One transaction at a time can be written anyway; here it carries the reports of all who wait. Nobody is waited for:
//! a single courier's report is committed at once, and while that happens those of the others come together.

use std::future::pending;

use events::{
    delivery::{DeadLetter, DeliveryOrder, DeliveryUpdate},
    ids::{Moment, OrderId},
    received::{Position, Undecodable},
    topics::{DEAD_LETTERS, DELIVERY_ORDERS, DELIVERY_UPDATES},
};
use service::{Context, now};
use store::{OutboxHandle, Store, StoreError, Transaction, disbelieve, enqueue, enqueue_for_later, quarantine};
use tokio::sync::{mpsc, oneshot};
use tracing::debug;

use crate::{
    roster::NAMES,
    round::{self, NotItsTurn, Outcome, Parcel, Patience},
    store::{load, save},
};

/// Most reports that wait, and most in one transaction: every courier has one at a time.
const REPORTS_MAX: usize = NAMES.len();

/// What a courier has to say.
pub(crate) enum Report {
    /// A parcel was taken, and is on its way from now on.
    PickedUp { position: Position, task: DeliveryOrder },
    /// A parcel is where it should go.
    Tried {
        position: Position,
        task: DeliveryOrder,
        /// When it was taken, if that was not reported.
        picked_up_at: Option<Moment>,
    },
    /// Nobody can read what was handed out.
    Unreadable { position: Position, undecodable: Undecodable },
}

/// What the desk says to it, once it is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Bring it there.
    BringIt,
    /// It is written down as delivered.
    Delivered,
    /// Nothing more is to be done about it: it could not be delivered, or it had been handled before.
    NothingMore,
    /// It is untrue, and has no effect.
    NotBelieved,
}

struct Filed {
    courier: &'static str,
    report: Report,
    answer: oneshot::Sender<Answer>,
}

/// The way to the desk; cheap to clone.
#[derive(Clone)]
pub(crate) struct DeskHandle {
    reports: mpsc::Sender<Filed>,
}

impl DeskHandle {
    /// Has this written down, and returns when it is committed; what follows from it is published soon.
    ///
    /// Never returns when the desk has closed: the service is ending then, and what closed the desk says why.
    pub(crate) async fn report(&self, courier: &'static str, report: Report) -> Answer {
        let (answer, answered) = oneshot::channel();
        if self.reports.send(Filed { courier, report, answer }).await.is_err() {
            return pending().await;
        }
        match answered.await {
            Ok(answer) => answer,
            Err(_) => pending().await,
        }
    }
}

/// The desk.
pub(crate) struct Desk {
    context: Context,
    store: Store,
    outbox: OutboxHandle,
    patience: Patience,
    reports: mpsc::Receiver<Filed>,
}

impl Desk {
    pub(crate) fn new(context: Context, store: Store, outbox: OutboxHandle, patience: Patience) -> (Self, DeskHandle) {
        let (sender, reports) = mpsc::channel(REPORTS_MAX);
        (Desk { context, store, outbox, patience, reports }, DeskHandle { reports: sender })
    }

    /// Writes reports down until nobody can bring any more.
    pub(crate) async fn work(mut self) -> anyhow::Result<()> {
        let mut waiting = Vec::with_capacity(REPORTS_MAX);
        while self.reports.recv_many(&mut waiting, REPORTS_MAX).await > 0 {
            let now = now();
            let mut transaction = self.store.begin().await?;
            let mut answers = Vec::with_capacity(waiting.len());
            for filed in &waiting {
                answers.push(self.write(&mut transaction, filed, now).await?);
            }
            transaction.commit().await?;
            self.outbox.wake();
            if answers.contains(&Answer::NotBelieved) {
                self.context.say_what_is_disbelieved(&self.store).await?;
            }
            for (filed, answer) in waiting.drain(..).zip(answers) {
                // A courier who is gone does not listen: whoever gets the parcel next is told the same.
                let _gone = filed.answer.send(answer);
            }
        }
        Ok(())
    }

    async fn write(&self, transaction: &mut Transaction, filed: &Filed, now: Moment) -> Result<Answer, StoreError> {
        let courier = filed.courier;
        match &filed.report {
            Report::PickedUp { position, task } => {
                let parcel = load(transaction, &task.order_id).await?;
                match round::is_its_turn(parcel.as_ref(), task) {
                    Ok(()) => self.pick_up(transaction, courier, task, now).await,
                    Err(why) => self.leave_it(transaction, *position, parcel.as_ref(), task, why).await,
                }
            }
            Report::Tried { position, task, picked_up_at } => {
                let parcel = load(transaction, &task.order_id).await?;
                match round::decide(parcel.as_ref(), task, self.patience) {
                    Ok(outcome) => self.tried(transaction, courier, task, &outcome, *picked_up_at, now).await,
                    Err(why) => self.leave_it(transaction, *position, parcel.as_ref(), task, why).await,
                }
            }
            Report::Unreadable { position, undecodable } => {
                let (service, topic) = (self.context.service, DELIVERY_ORDERS.spec);
                quarantine(transaction, service, topic, *position, undecodable, now).await?;
                self.context.metrics.unreadable(topic.name, 1);
                Ok(Answer::NothingMore)
            }
        }
    }

    async fn pick_up(
        &self,
        transaction: &mut Transaction,
        courier: &str,
        task: &DeliveryOrder,
        now: Moment,
    ) -> Result<Answer, StoreError> {
        tell(transaction, &picked_up(task, courier), now)?;
        self.context.trail.note(&task.order_id, "picked up");
        Ok(Answer::BringIt)
    }

    async fn tried(
        &self,
        transaction: &mut Transaction,
        courier: &str,
        task: &DeliveryOrder,
        outcome: &Outcome,
        picked_up_at: Option<Moment>,
        now: Moment,
    ) -> Result<Answer, StoreError> {
        save(transaction, &task.order_id, &round::after(outcome, task), Some(courier)).await?;
        if let Some(at) = picked_up_at {
            tell(transaction, &picked_up(task, courier), at)?;
        }
        tell_outcome(transaction, outcome, task, courier, now)?;
        self.context.trail.note(&task.order_id, in_words(outcome));
        self.context.metrics.handled(DELIVERY_ORDERS.spec.name, 1);
        Ok(if *outcome == Outcome::Delivered { Answer::Delivered } else { Answer::NothingMore })
    }

    async fn leave_it(
        &self,
        transaction: &mut Transaction,
        position: Position,
        parcel: Option<&Parcel>,
        task: &DeliveryOrder,
        why: NotItsTurn,
    ) -> Result<Answer, StoreError> {
        if let Some(code) = why.untrue(parcel, task) {
            disbelieve(transaction, DELIVERY_ORDERS.spec, position, code).await?;
            return Ok(Answer::NotBelieved);
        }
        let DeliveryOrder { order_id, round, attempt, .. } = task;
        // Not louder: after the crash of a broker thousands may come again.
        debug!(%order_id, round, attempt, %why, "a parcel came again, and is left as it is");
        self.context.metrics.repeated(DELIVERY_ORDERS.spec.name, 1);
        Ok(Answer::NothingMore)
    }
}

/// An outcome as the log says it.
fn in_words(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Delivered => "delivered",
        Outcome::Failed { .. } => "not delivered, tried again later",
        Outcome::Stranded { .. } => "stranded",
    }
}

fn picked_up(task: &DeliveryOrder, courier: &str) -> DeliveryUpdate {
    let DeliveryOrder { order_id, round, attempt, .. } = task;
    DeliveryUpdate::PickedUp {
        order_id: order_id.clone(),
        round: *round,
        attempt: *attempt,
        courier: courier.to_owned(),
    }
}

/// Puts into the outbox what follows from an outcome: the update first, then the next task or the dead letter.
fn tell_outcome(
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
            enqueue(transaction, DEAD_LETTERS, order_id.as_str(), now, Some(order_id), &letter)
        }
    }
}

/// Puts an update into the outbox.
pub(crate) fn tell(transaction: &mut Transaction, update: &DeliveryUpdate, at: Moment) -> Result<(), StoreError> {
    let order_id: &OrderId = update.order_id();
    enqueue(transaction, DELIVERY_UPDATES, order_id.as_str(), at, Some(order_id), update)
}

/// Puts a task for the couriers into the outbox, to be handed out at once or at `deliver_at`.
pub(crate) fn queue(
    transaction: &mut Transaction,
    task: &DeliveryOrder,
    now: Moment,
    deliver_at: Option<Moment>,
) -> Result<(), StoreError> {
    let order_id = &task.order_id;
    enqueue_for_later(transaction, DELIVERY_ORDERS, order_id.as_str(), now, Some(order_id), deliver_at, task)
}

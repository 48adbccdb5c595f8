//! The handler of delivery's writer: couriers' reports, dead letters, and requests about stranded parcels.

use events::{
    delivery::{DeadLetter, DeliveryOrder, DeliveryRequest, DeliveryUpdate},
    ids::{EventId, Moment},
    received::Position,
    topics::DELIVERY_REQUESTS,
    unreadable::ReasonCode,
};
use service::{
    Batch, Context, Outcome,
    idempotent_consumer::{AcknowledgeAfter, Handler, Writer, WriterHandle},
    order_log::OrderLog,
};
use store::{OutboxHandle, Store};
use tracing::debug;

use crate::{
    round::{self, Decision, Ignored, NotItsTurn, Parcel, RetryPolicy},
    store::{load, save},
    updates::{in_words, picked_up, queue, tell, tell_outcome},
};

/// The writer of delivery. Each courier has one parcel, so it waits for the commit only: waiting for the broker as well would
/// make it slower by a round trip.
pub(crate) fn writer(
    context: &Context,
    store: &Store,
    outbox: &OutboxHandle,
    retry_policy: RetryPolicy,
) -> (Writer<Delivery>, WriterHandle<Delivery>) {
    let delivery = Delivery { retry_policy, order_log: context.order_log.clone() };
    Writer::new(context, store, outbox, AcknowledgeAfter::Commit, delivery)
}

/// What a message asks for.
pub(crate) enum Work {
    /// A courier took a parcel and is on the way.
    PickUp {
        courier: &'static str,
        task: DeliveryOrder,
    },
    /// A courier has arrived. `picked_up_at` says when the parcel was taken, if that is not recorded yet.
    Try {
        courier: &'static str,
        task: DeliveryOrder,
        picked_up_at: Option<Moment>,
    },
    Compare(DeadLetter),
    /// A person's request about a stranded parcel.
    Answer {
        position: Position,
        event_id: EventId,
        request: DeliveryRequest,
    },
}

/// The answer to a courier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    BringIt,
    Delivered,
    /// Nothing is left to do.
    Nothing,
}

/// The handler, with what it needs.
pub(crate) struct Delivery {
    retry_policy: RetryPolicy,
    order_log: OrderLog,
}

impl Handler for Delivery {
    type Work = Work;
    type Answer = Answer;

    fn id(work: &Work) -> Option<String> {
        match work {
            Work::Answer { event_id, .. } => Some(format!("request {event_id}")),
            // Round and attempt tell a repeated task; comparing a dead letter changes nothing.
            Work::PickUp { .. } | Work::Try { .. } | Work::Compare(_) => None,
        }
    }

    async fn handle(&mut self, work: &Work, batch: &mut Batch) -> anyhow::Result<Outcome<Answer>> {
        match work {
            Work::PickUp { courier, task } => self.pick_up(batch, courier, task).await,
            Work::Try { courier, task, picked_up_at } => self.attempt(batch, courier, task, *picked_up_at).await,
            Work::Compare(letter) => compare(batch, letter).await,
            Work::Answer { position, request, .. } => self.answer(batch, *position, request).await,
        }
    }
}

impl Delivery {
    async fn pick_up(&self, batch: &mut Batch, courier: &str, task: &DeliveryOrder) -> anyhow::Result<Outcome<Answer>> {
        let parcel = load(batch, &task.order_id).await?;
        if let Err(why) = round::is_its_turn(parcel.as_ref(), task) {
            return Ok(left_as_it_is(parcel.as_ref(), task, why));
        }
        let now = batch.now;
        tell(batch, &picked_up(task, courier), now)?;
        self.order_log.note(&task.order_id, batch.trace, "picked up");
        Ok(Outcome::Begun(Answer::BringIt))
    }

    async fn attempt(
        &self,
        batch: &mut Batch,
        courier: &str,
        task: &DeliveryOrder,
        picked_up_at: Option<Moment>,
    ) -> anyhow::Result<Outcome<Answer>> {
        let parcel = load(batch, &task.order_id).await?;
        let outcome = match round::decide(parcel.as_ref(), task, self.retry_policy) {
            Ok(outcome) => outcome,
            Err(why) => return Ok(left_as_it_is(parcel.as_ref(), task, why)),
        };
        save(batch, &task.order_id, &round::after(&outcome, task), Some(courier)).await?;
        if let Some(at) = picked_up_at {
            tell(batch, &picked_up(task, courier), at)?;
        }
        let now = batch.now;
        tell_outcome(batch, &outcome, task, courier, now)?;
        self.order_log.note(&task.order_id, batch.trace, in_words(&outcome));
        let is_delivered = outcome == round::Outcome::Delivered;
        Ok(Outcome::Handled(if is_delivered { Answer::Delivered } else { Answer::Nothing }))
    }

    /// Carries out a request, unless it would change nothing.
    async fn answer(
        &self,
        batch: &mut Batch,
        position: Position,
        request: &DeliveryRequest,
    ) -> anyhow::Result<Outcome<Answer>> {
        let (order_id, now) = (request.order_id(), batch.now);
        let parcel = load(batch, order_id).await?;
        let decision = match round::answer(parcel.as_ref(), request) {
            Ok(decision) => decision,
            Err(why) => {
                debug!(%order_id, %why, "a request changes nothing");
                return match why {
                    Ignored::NotStranded => Ok(Outcome::Handled(Answer::Nothing)),
                    Ignored::Unknown => Ok(Outcome::Untrue(ReasonCode::UnknownOrder)),
                    Ignored::Address(_) => {
                        let (topic, why) = (DELIVERY_REQUESTS.spec, (ReasonCode::OutOfRange, why.to_string()));
                        batch.quarantine_as(topic, position, why, request).await?;
                        Ok(Outcome::Quarantined)
                    }
                };
            }
        };
        save(batch, order_id, &decision.parcel(), None).await?;
        let order_id = order_id.clone();
        match decision {
            Decision::Redriven { task } => {
                let (round, address) = (task.round, task.address.clone());
                tell(batch, &DeliveryUpdate::Redriven { order_id, round, address }, now)?;
                queue(batch, &task, now, None)?;
                self.order_log.note(&task.order_id, batch.trace, "sent out again");
            }
            Decision::Returned { task } => {
                self.order_log.note(&order_id, batch.trace, "given up");
                tell(batch, &DeliveryUpdate::Returned { order_id, lines: task.lines }, now)?;
            }
        }
        Ok(Outcome::Handled(Answer::Nothing))
    }
}

/// Compares a dead letter with the database. Ours are known, since the outcome that stranded the parcel was written with the
/// letter; a letter that the database does not confirm is not believed.
async fn compare(batch: &mut Batch, letter: &DeadLetter) -> anyhow::Result<Outcome<Answer>> {
    let parcel = load(batch, &letter.order_id).await?;
    Ok(match round::judge_letter(parcel.as_ref(), letter) {
        Ok(()) => Outcome::Handled(Answer::Nothing),
        Err(code) => Outcome::Untrue(code),
    })
}

fn left_as_it_is(parcel: Option<&Parcel>, task: &DeliveryOrder, why: NotItsTurn) -> Outcome<Answer> {
    if let Some(code) = why.untrue(parcel, task) {
        return Outcome::Untrue(code);
    }
    let DeliveryOrder { order_id, round, attempt, .. } = task;
    // Only at debug level: after the crash of a broker thousands may be repeated.
    debug!(%order_id, round, attempt, %why, "a parcel came again, and is left as it is");
    Outcome::Repeated
}

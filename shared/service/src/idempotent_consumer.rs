//! The idempotent consumer: how at-least-once delivery becomes exactly one effect.
//!
//! A broker delivers each message at least once. After a crash, or when an acknowledgement is lost, it comes again. So a
//! service writes three things in one transaction: the effect of a message, the record that the message had it, and the
//! messages that follow from it. Only then does it acknowledge.
//!
//! ```text
//!  topics ──▶ readers ──┐                       one writer
//!                       ├── submit ──▶ Receive      what waits, from everybody
//!  queue ───▶ workers ──┘              Begin        a transaction; record the ids of all messages
//!                 ▲                    Handle       each: quarantine it, skip it, or have the service handle it
//!                 │                    Commit       records, effects and outgoing messages
//!  broker ◀───────┼─────────────────── Publish      the outbox
//!                 └────── answer ───── Acknowledge  each submission, whose reader acknowledges to the broker
//! ```
//!
//! A process may die between any two of these steps. `tests/idempotent_consumer.rs` makes it do so.
//!
//! | dies after | in the database | when the message comes again |
//! |---|---|---|
//! | Receive, Begin, Handle | nothing: the transaction is gone | it is handled |
//! | Commit | everything; the next process publishes the outbox, with the same event ids | its id is recorded: it is skipped |
//! | Publish | everything | it is skipped |
//! | Acknowledge | everything | it comes only if the acknowledgement was lost, and is skipped |
//!
//! If a step fails the service ends, and its next process goes on from what is committed. So state that a [`Handler`]
//! keeps in memory may run ahead of the database within a transaction.
//!
//! There is one writer because SQLite has one; and it makes batches by itself. Nothing waits for company: while one
//! transaction is written, what comes next gathers.

use std::{
    collections::{HashSet, VecDeque},
    future::pending,
};

use anyhow::Context as _;
use bus::ConsumerOptions;
use events::{
    received::Received,
    topics::{Topic, TopicSpec},
};
use serde::de::DeserializeOwned;
use store::{OutboxHandle, Store, record_all_once};
use tokio::sync::{mpsc, oneshot};

use crate::{Batch, Context, Outcome};

/// Most messages a reader submits at once.
const MESSAGES_MAX: usize = 256;
/// Most submissions that wait, and most in one transaction.
const SUBMISSIONS_MAX: usize = 64;

/// What a service does about its messages. The rest is the writer's.
pub trait Handler: Send + 'static {
    /// What a message asks for, whichever topic it comes from.
    type Work: Send + Sync + 'static;
    /// What the one who submitted a message is told.
    type Answer: Send + 'static;

    /// The id under which the effect is recorded. A message whose id was recorded before is skipped. `None` where the
    /// service's own tables tell a repeat.
    fn id(work: &Self::Work) -> Option<String>;

    /// Writes the effect of a message, and enqueues the messages that follow from it.
    fn handle(
        &mut self,
        work: &Self::Work,
        batch: &mut Batch,
    ) -> impl Future<Output = anyhow::Result<Outcome<Self::Answer>>> + Send;

    /// Writes what is written once for a whole batch, before it commits.
    fn conclude(&mut self, _batch: &mut Batch) -> impl Future<Output = anyhow::Result<()>> + Send {
        async { Ok(()) }
    }
}

/// A step of the writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Wait for a submission, and take all that are there.
    Receive,
    /// Begin a transaction and record the ids.
    Begin,
    /// Handle the next message.
    Handle,
    /// Commit the transaction.
    Commit,
    /// Wait until the outbox is published.
    Publish,
    /// Answer every submission.
    Acknowledge,
    /// Nobody can submit anything any more.
    End,
}

/// What decides which step comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Submissions that were taken; none when nobody can submit any more.
    pub submissions: usize,
    /// Messages of this batch that are not handled yet.
    pub left: usize,
    /// Whether to wait for the outbox before the answers.
    pub publishes: bool,
}

impl Step {
    /// The step after this one. Pure.
    pub fn next(self, Progress { submissions, left, publishes }: Progress) -> Step {
        match self {
            Step::Receive if submissions == 0 => Step::End,
            Step::Receive => Step::Begin,
            Step::Begin | Step::Handle if left > 0 => Step::Handle,
            Step::Begin | Step::Handle => Step::Commit,
            Step::Commit if publishes => Step::Publish,
            Step::Commit | Step::Publish => Step::Acknowledge,
            Step::Acknowledge => Step::Receive,
            Step::End => Step::End,
        }
    }
}

/// When the writer answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcknowledgeAfter {
    /// When what follows from a batch is published: a service takes no more than it can pass on.
    Publishing,
    /// When a batch is committed, for those who have one message each and would wait for the broker twice. What follows is
    /// in the outbox, and is published whatever happens.
    Commit,
}

/// Messages of one topic, on their way to the writer and back.
struct Submission<H: Handler> {
    topic: &'static TopicSpec,
    messages: VecDeque<Received<H::Work>>,
    answers: Vec<Option<H::Answer>>,
    reply: oneshot::Sender<Vec<Option<H::Answer>>>,
}

/// The one who writes.
pub struct Writer<H: Handler> {
    /// What the service does, with its state.
    pub handler: H,
    context: Context,
    store: Store,
    outbox: OutboxHandle,
    acknowledge_after: AcknowledgeAfter,
    submissions: mpsc::Receiver<Submission<H>>,
    step: Step,
    taken: Vec<Submission<H>>,
    batch: Option<Batch>,
    /// Ids of this batch that were not recorded before, and whose messages are still to be handled.
    new: HashSet<String>,
    publishes: bool,
}

impl<H: Handler> Writer<H> {
    /// A writer into this store, and the way to it.
    pub fn new(
        context: &Context,
        store: &Store,
        outbox: &OutboxHandle,
        acknowledge_after: AcknowledgeAfter,
        handler: H,
    ) -> (Self, WriterHandle<H>) {
        let (sender, submissions) = mpsc::channel(SUBMISSIONS_MAX);
        let writer = Writer {
            handler,
            context: context.clone(),
            store: store.clone(),
            outbox: outbox.clone(),
            acknowledge_after,
            submissions,
            step: Step::Receive,
            taken: Vec::new(),
            batch: None,
            new: HashSet::new(),
            publishes: false,
        };
        (writer, WriterHandle(sender))
    }

    /// Writes until nobody can submit anything any more.
    ///
    /// # Errors
    /// What the step that failed says.
    pub async fn work(&mut self) -> anyhow::Result<()> {
        while self.step().await? != Step::End {}
        Ok(())
    }

    /// Performs the steps from [`Step::Begin`] to [`Step::Acknowledge`] for what was received.
    ///
    /// # Errors
    /// What the step that failed says.
    pub async fn write(&mut self) -> anyhow::Result<()> {
        while !matches!(self.step, Step::Receive | Step::End) {
            self.step().await?;
        }
        Ok(())
    }

    /// Performs the next step, and says which it was. Only [`Step::Receive`] can be cancelled.
    ///
    /// # Errors
    /// If the database fails, or the handler.
    pub async fn step(&mut self) -> anyhow::Result<Step> {
        let performed = self.step;
        match performed {
            Step::Receive => {
                self.submissions.recv_many(&mut self.taken, SUBMISSIONS_MAX).await;
            }
            Step::Begin => self.begin().await?,
            Step::Handle => self.handle_next().await?,
            Step::Commit => self.commit().await?,
            Step::Publish => {
                if !self.outbox.flush().await {
                    // It has failed, and its error ends the service.
                    pending().await
                }
            }
            Step::Acknowledge => self.answer(),
            Step::End => {}
        }
        self.step = performed.next(Progress {
            submissions: self.taken.len(),
            left: self.taken.iter().map(|submission| submission.messages.len()).sum(),
            publishes: self.publishes,
        });
        Ok(performed)
    }

    async fn begin(&mut self) -> anyhow::Result<()> {
        let mut batch = Batch::begin(self.context.service, &self.store).await?;
        let messages = self.taken.iter().flat_map(|submission| &submission.messages);
        let readable = messages.filter_map(|received| received.message.as_ref().ok());
        let ids: Vec<String> = readable.filter_map(H::id).collect();
        if !ids.is_empty() {
            self.new = record_all_once(&mut batch, &ids).await?;
        }
        self.batch = Some(batch);
        Ok(())
    }

    async fn handle_next(&mut self) -> anyhow::Result<()> {
        let batch = self.batch.as_mut().context("no transaction has begun")?;
        for submission in &mut self.taken {
            let Some(Received { message, position, .. }) = submission.messages.pop_front() else { continue };
            let outcome = match message {
                Err(undecodable) => {
                    batch.quarantine(submission.topic, position, &undecodable).await?;
                    Outcome::Quarantined
                }
                Ok(work) => match H::id(&work) {
                    Some(id) if !self.new.remove(&id) => Outcome::Repeated,
                    _ => self.handler.handle(&work, batch).await?,
                },
            };
            submission.answers.push(batch.settle(submission.topic, position, outcome).await?);
            break;
        }
        Ok(())
    }

    async fn commit(&mut self) -> anyhow::Result<()> {
        let mut batch = self.batch.take().context("no transaction has begun")?;
        self.handler.conclude(&mut batch).await?;
        let publishes = batch.commit(&self.context, &self.store).await?;
        self.publishes = publishes && self.acknowledge_after == AcknowledgeAfter::Publishing;
        if publishes {
            self.outbox.wake();
        }
        Ok(())
    }

    fn answer(&mut self) {
        for Submission { answers, reply, .. } in self.taken.drain(..) {
            // One who is gone does not acknowledge; the messages come again, and are skipped.
            drop(reply.send(answers));
        }
    }
}

/// The way to the writer.
pub struct WriterHandle<H: Handler>(mpsc::Sender<Submission<H>>);

impl<H: Handler> Clone for WriterHandle<H> {
    fn clone(&self) -> Self {
        WriterHandle(self.0.clone())
    }
}

impl<H: Handler> WriterHandle<H> {
    /// Has these messages of a topic written, and returns the answers when they may be acknowledged: `None` for one that
    /// had no effect, or had it before.
    ///
    /// Does not return if the writer has failed: its error ends the service.
    pub async fn submit(&self, topic: &'static TopicSpec, messages: Vec<Received<H::Work>>) -> Vec<Option<H::Answer>> {
        let (reply, answers) = oneshot::channel();
        let submission = Submission { topic, messages: messages.into(), answers: Vec::new(), reply };
        if self.0.send(submission).await.is_err() {
            return pending().await;
        }
        match answers.await {
            Ok(answers) => answers,
            Err(_) => pending().await,
        }
    }

    /// Reads a topic, and acknowledges what is written. Reads nothing while the service is paused.
    ///
    /// # Errors
    /// If the service does not read this topic.
    pub async fn read<M: DeserializeOwned + Send>(
        self,
        context: Context,
        topic: Topic<M>,
        work: fn(Received<M>) -> Received<H::Work>,
    ) -> anyhow::Result<()> {
        let mut consumer = context.bus.consumer(topic, context.service, ConsumerOptions::default())?;
        let mut pause = context.pause();
        loop {
            let works = !pause.is_on();
            context.board.paused(!works);
            let batch = tokio::select! {
                // First, so that nothing is taken once the pause is known.
                biased;
                () = pause.changed() => continue,
                batch = consumer.receive(MESSAGES_MAX), if works => batch,
            };
            let positions: Vec<_> = batch.iter().map(|received| received.position).collect();
            self.submit(topic.spec, batch.into_iter().map(work).collect()).await;
            consumer.acknowledge(&positions).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The steps of one batch of two messages, to the next batch.
    fn steps(publishes: bool) -> Vec<Step> {
        let (mut step, mut left, mut steps) = (Step::Receive, 2, Vec::new());
        loop {
            steps.push(step);
            left -= usize::from(step == Step::Handle);
            step = step.next(Progress { submissions: 1, left, publishes });
            if step == Step::Receive {
                return steps;
            }
        }
    }

    #[test]
    fn acknowledges_last_and_publishes_only_what_is_committed() {
        use Step::{Acknowledge, Begin, Commit, Handle, Publish, Receive};
        assert_eq!(steps(true), [Receive, Begin, Handle, Handle, Commit, Publish, Acknowledge]);
        assert_eq!(steps(false), [Receive, Begin, Handle, Handle, Commit, Acknowledge]);
    }

    #[test]
    fn ends_when_nobody_can_submit_any_more() {
        let nothing = Progress { submissions: 0, left: 0, publishes: false };
        assert_eq!(Step::Receive.next(nothing), Step::End);
        assert_eq!(Step::End.next(nothing), Step::End);
    }

    #[test]
    fn a_submission_without_messages_is_answered() {
        let empty = Progress { submissions: 1, left: 0, publishes: false };
        assert_eq!(Step::Receive.next(empty), Step::Begin);
        assert_eq!(Step::Begin.next(empty), Step::Commit);
    }
}

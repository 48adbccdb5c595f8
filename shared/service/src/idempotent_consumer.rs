//! The idempotent consumer: how at-least-once delivery becomes exactly one effect.
//!
//! A broker delivers each message at least once: after a crash, or when an acknowledgement is lost, it is redelivered. So a
//! service writes three things in one transaction: the effect of a message, the record that it had this effect, and the
//! messages that follow from it. It acknowledges only after that.
//!
//! ```text
//!  topics ──▶ readers ──┐                       one writer
//!  queue ───▶ workers ──┼── submit ──▶ Receive      what waits, from everybody
//!  people ──▶ requests ─┘              Begin        a transaction; record the ids of all messages
//!                 ▲                    Handle       each: quarantine it, skip it, or have the service handle it
//!                 │                    Commit       records, effects and outgoing messages
//!  broker ◀───────┼─────────────────── Publish      the outbox; some services do not wait for it, see `AcknowledgeAfter`
//!                 └────── answer ───── Acknowledge  each submission, whose reader acknowledges to the broker
//! ```
//!
//! A process may die between any two of these steps, and `tests/idempotent_consumer.rs` makes it die after each.
//!
//! | dies after | in the database | when the message is redelivered |
//! |---|---|---|
//! | Receive, Begin, Handle | nothing: the transaction is rolled back | it is handled |
//! | Commit | everything; the next process publishes the outbox, with the same event ids | its id is recorded: it is skipped |
//! | Publish | everything | it is skipped |
//! | Acknowledge | everything | it is redelivered only if the acknowledgement was lost, and is skipped |
//!
//! If a step fails the service ends, and its next process continues from what is committed. So the state that a [`Handler`]
//! keeps in memory may be ahead of the database during a transaction.
//!
//! A request is work that comes from no topic: a person waits for the answer, and nothing redelivers it. The answer
//! means that it is committed. A request may have a time after which it is no longer handled.
//!
//! There is one writer because SQLite has one, and that forms batches by itself. No message waits for a batch to fill: while
//! one transaction is written, the next submissions gather.
//!
//! To use it, implement [`Handler`], run [`Writer::work`] as a task, and [`WriterHandle::read`] as a task per topic.
//! `services/warehouse/src/consume.rs` is an example.

mod observed;
mod step;

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
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout_at},
};
use tracing::{Instrument as _, Span};

pub use step::{AcknowledgeAfter, Progress, Step};

use crate::{Batch, Context, Outcome, metrics::Metrics};

/// Most messages a reader submits at once.
const MESSAGES_MAX: usize = 256;
/// Most submissions that wait for the writer.
const SUBMISSIONS_MAX: usize = 1_000;
/// Most submissions in one transaction.
const TAKEN_MAX: usize = 256;

/// What a service does about its messages. The rest is the writer's.
pub trait Handler: Send + 'static {
    /// What a message asks for, whichever topic it comes from.
    type Work: Send + Sync + 'static;
    /// The answer to the submitter of a message.
    type Answer: Send + 'static;

    /// The id under which the effect is recorded; a message whose id is recorded already is skipped. `None` if the
    /// service's own tables tell a repeat.
    fn id(work: &Self::Work) -> Option<String>;

    /// Reads what a batch is about, in as few statements as possible, before any of it is handled.
    fn prepare(
        &mut self,
        _works: &[&Self::Work],
        _batch: &mut Batch,
    ) -> impl Future<Output = anyhow::Result<()>> + Send {
        async { Ok(()) }
    }

    /// Writes the effect of a message, and enqueues the messages that follow from it.
    fn handle(
        &mut self,
        work: &Self::Work,
        batch: &mut Batch,
    ) -> impl Future<Output = anyhow::Result<Outcome<Self::Answer>>> + Send;

    /// Writes what is needed once per batch, before it commits.
    fn conclude(&mut self, _batch: &mut Batch) -> impl Future<Output = anyhow::Result<()>> + Send {
        async { Ok(()) }
    }

    /// Tells the rest of the process what is committed.
    fn committed(&mut self) {}
}

/// One piece of work, and where it comes from.
enum Item<W> {
    Message(&'static TopicSpec, Received<W>),
    Request(W),
}

impl<W> Item<W> {
    /// The work; `None` if the message cannot be read.
    fn work(&self) -> Option<&W> {
        match self {
            Item::Message(_, received) => received.message.as_ref().ok(),
            Item::Request(work) => Some(work),
        }
    }
}

/// The answers to a submission, in order: `None` for a message without an effect, or with an earlier one.
type Answers<H> = Vec<Option<<H as Handler>::Answer>>;

/// Work that is submitted together, on its way to the writer and back.
struct Submission<H: Handler> {
    items: VecDeque<Item<H::Work>>,
    /// A transaction that begins later skips it.
    until: Option<Instant>,
    answers: Answers<H>,
    /// They end when it is answered.
    spans: Vec<Span>,
    reply: oneshot::Sender<Answers<H>>,
}

/// The writer did not take the request in time, or has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the writer does not accept it")]
pub struct NotTaken;

/// Performs the steps. There is one per database.
pub struct Writer<H: Handler> {
    /// The service's handler, with its state.
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
        (writer, WriterHandle { submissions: sender, metrics: context.metrics.clone() })
    }

    /// Writes until all handles are dropped.
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
                self.submissions.recv_many(&mut self.taken, TAKEN_MAX).await;
            }
            Step::Begin => self.begin().await?,
            Step::Handle => self.handle_next().await?,
            Step::Commit => self.commit().await?,
            Step::Publish => {
                if !self.outbox.flush().await {
                    // The outbox has failed, and its error ends the service.
                    pending().await
                }
            }
            Step::Acknowledge => self.answer(),
            Step::End => {}
        }
        self.step = performed.next(Progress {
            submissions: self.taken.len(),
            left: self.taken.iter().map(|submission| submission.items.len()).sum(),
            publishes: self.publishes,
        });
        Ok(performed)
    }

    async fn begin(&mut self) -> anyhow::Result<()> {
        let mut batch = Batch::begin(self.context.service, &self.store).await?;
        // After waiting for the database, since the sender may have given up meanwhile.
        let now = Instant::now();
        self.taken.retain(|submission| submission.until.is_none_or(|until| now < until));
        let works: Vec<&H::Work> =
            self.taken.iter().flat_map(|submission| &submission.items).filter_map(Item::work).collect();
        let ids: Vec<String> = works.iter().filter_map(|work| H::id(work)).collect();
        if !ids.is_empty() {
            self.new = record_all_once(&mut batch, &ids).await?;
        }
        self.handler.prepare(&works, &mut batch).await?;
        self.batch = Some(batch);
        Ok(())
    }

    async fn handle_next(&mut self) -> anyhow::Result<()> {
        let batch = self.batch.as_mut().context("no transaction has begun")?;
        for submission in &mut self.taken {
            let Some(item) = submission.items.pop_front() else { continue };
            batch.trace = None;
            let answer = match item {
                Item::Request(work) => once(&mut self.handler, &mut self.new, &work, batch).await?.answer(),
                Item::Message(topic, received) => {
                    let span = observed::begin(batch, topic, self.context.service, &received);
                    let Received { message, position, .. } = received;
                    let outcome = match message {
                        Ok(work) => {
                            once(&mut self.handler, &mut self.new, &work, batch).instrument(span.clone()).await?
                        }
                        Err(undecodable) => {
                            batch.quarantine(topic, position, &undecodable).await?;
                            Outcome::Quarantined
                        }
                    };
                    observed::note(&span, &outcome);
                    submission.spans.extend(Some(span).filter(|span| !span.is_disabled()));
                    batch.settle(topic, position, outcome).await?
                }
            };
            submission.answers.push(answer);
            break;
        }
        Ok(())
    }

    async fn commit(&mut self) -> anyhow::Result<()> {
        let mut batch = self.batch.take().context("no transaction has begun")?;
        batch.trace = None;
        self.handler.conclude(&mut batch).await?;
        let publishes = batch.commit(&self.context, &self.store).await?;
        self.publishes = publishes && self.acknowledge_after == AcknowledgeAfter::Publishing;
        // Otherwise the wait for the outbox wakes it.
        if publishes && !self.publishes {
            self.outbox.wake();
        }
        self.handler.committed();
        Ok(())
    }

    fn answer(&mut self) {
        for Submission { answers, reply, .. } in self.taken.drain(..) {
            // A submitter that is gone does not acknowledge; its messages are redelivered and skipped.
            drop(reply.send(answers));
        }
    }
}

/// Handles work, unless it had its effect before.
async fn once<H: Handler>(
    handler: &mut H,
    new: &mut HashSet<String>,
    work: &H::Work,
    batch: &mut Batch,
) -> anyhow::Result<Outcome<H::Answer>> {
    match H::id(work) {
        Some(id) if !new.remove(&id) => Ok(Outcome::Repeated),
        _ => handler.handle(work, batch).await,
    }
}

/// Submits work to the writer.
pub struct WriterHandle<H: Handler> {
    submissions: mpsc::Sender<Submission<H>>,
    metrics: Metrics,
}

impl<H: Handler> Clone for WriterHandle<H> {
    fn clone(&self) -> Self {
        WriterHandle { submissions: self.submissions.clone(), metrics: self.metrics.clone() }
    }
}

impl<H: Handler> WriterHandle<H> {
    /// Submits messages of a topic, and returns the answers when the messages may be acknowledged.
    ///
    /// Never returns if the writer has failed: its error ends the service.
    pub async fn submit(&self, topic: &'static TopicSpec, messages: Vec<Received<H::Work>>) -> Answers<H> {
        let times = observed::Times::begin(&messages);
        let items = messages.into_iter().map(|received| Item::Message(topic, received)).collect();
        let Ok(answers) = self.queue(items, None).await else { return pending().await };
        let Ok(answers) = answers.await else { return pending().await };
        times.end(&self.metrics, topic, &answers);
        answers
    }

    /// Submits a request, and returns its answer when it is committed: `None` if it has no effect, or had it before.
    ///
    /// # Errors
    /// If no transaction took it by `until`, in which case it has no effect; or if the writer ended before it answered.
    pub async fn request(&self, work: H::Work, until: Instant) -> Result<Option<H::Answer>, NotTaken> {
        let queued = self.queue([Item::Request(work)].into(), Some(until));
        let answers = timeout_at(until, queued).await.map_err(|_| NotTaken)??;
        Ok(answers.await.map_err(|_| NotTaken)?.pop().flatten())
    }

    /// Submits a request without waiting for its answer, only for room in the queue.
    ///
    /// # Errors
    /// If the writer has ended.
    pub async fn hand_in(&self, work: H::Work) -> Result<(), NotTaken> {
        self.queue([Item::Request(work)].into(), None).await.map(drop)
    }

    async fn queue(
        &self,
        items: VecDeque<Item<H::Work>>,
        until: Option<Instant>,
    ) -> Result<oneshot::Receiver<Answers<H>>, NotTaken> {
        let (reply, answers) = oneshot::channel();
        let submission = Submission { items, until, answers: Vec::new(), spans: Vec::new(), reply };
        self.submissions.send(submission).await.map_err(|_| NotTaken)?;
        Ok(answers)
    }

    /// Reads a topic, and acknowledges what is written. Pauses with the service.
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
            context.presence.paused(!works);
            let batch = tokio::select! {
                // First, so that nothing is received once a pause is known.
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

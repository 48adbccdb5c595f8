//! Bounded replays: a topic from its first message up to a position, read once, without a permanent subscription.

use std::{marker::PhantomData, sync::atomic::AtomicU64, time::Duration};

use events::{
    received::{Position, Received},
    topics::{Topic, TopicSpec},
};
use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture};
use pulsar::{
    ConsumerOptions, Payload, SubType, TokioExecutor,
    consumer::InitialPosition,
    unpacking::{ENTRY_MAX, MESSAGE_MAX},
};
use serde::de::DeserializeOwned;
use tracing::warn;

use crate::{
    Bus, BusError,
    client::Purpose,
    errors::uncancelled,
    message::{entry_id, position_of, received},
};

/// Permits of a replay: with 1,000 it reads at 11 k messages/s, with this many at 18 k, and with 10,000 no faster, but
/// holds tens of MiB of messages.
const PERMITS: u32 = 2_000;
/// Most memory for messages sent ahead, in bytes, if every message has the largest size.
const SENT_AHEAD_MAX: usize = 130 * 1024 * 1024;
const _: () = assert!(PERMITS as usize * MESSAGE_MAX + ENTRY_MAX <= SENT_AHEAD_MAX);
/// Most messages returned at once.
const BATCH_MAX: usize = 2_000;
/// A replay that receives nothing for this long has failed, since it reads only existing messages.
const SILENCE_MAX: Duration = Duration::from_secs(15);

/// Where a replay ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// At this message, inclusive.
    Position(Position),
    /// At the message that is the last one when the replay begins.
    Now,
}

/// A replay under way.
pub struct Replay<M> {
    raw: Raw,
    message: PhantomData<fn() -> M>,
}

impl<M: DeserializeOwned> Replay<M> {
    pub(crate) fn new(bus: Bus, topic: Topic<M>, until: Until) -> Self {
        let topic = topic.spec;
        let compacted = topic.compacted;
        let raw = Raw { bus, topic, compacted, after: None, until, end: None, last: None, inner: None, read: 0 };
        Replay { raw, message: PhantomData }
    }

    /// Includes messages that compaction has removed.
    #[must_use]
    pub fn uncompacted(mut self) -> Self {
        self.raw.compacted = false;
        self
    }

    /// Begins after this message instead of at the first, for a reader that kept the result up to it.
    #[must_use]
    pub fn after(mut self, position: Position) -> Self {
        self.raw.after = Some(position);
        self.raw.last = Some(position);
        self
    }

    /// How many messages it has read.
    pub fn messages_read(&self) -> u64 {
        self.raw.read
    }

    /// The next messages, in order; `None` at the end.
    ///
    /// # Errors
    /// If the broker cannot be reached, or nothing comes for 15 s.
    pub async fn next(&mut self) -> Result<Option<Vec<Received<M>>>, BusError> {
        let batch = self.raw.next().await?;
        // They were counted when they were first read.
        let replaced = AtomicU64::new(0);
        let topic = self.raw.topic;
        let read = |(position, payload): &(Position, Payload)| received(topic, *position, payload, &replaced);
        Ok(batch.map(|batch| batch.iter().map(read).collect()))
    }
}

type Batch = Vec<(Position, Payload)>;

/// The replay without the type of its messages.
struct Raw {
    bus: Bus,
    topic: &'static TopicSpec,
    compacted: bool,
    after: Option<Position>,
    until: Until,
    end: Option<Position>,
    last: Option<Position>,
    inner: Option<pulsar::Consumer<Vec<u8>, TokioExecutor>>,
    read: u64,
}

impl Raw {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Batch>, BusError>> {
        Box::pin(self.next_batch())
    }

    async fn next_batch(&mut self) -> Result<Option<Batch>, BusError> {
        loop {
            if self.inner.is_none() && !self.begin().await? {
                return Ok(None);
            }
            if self.last >= self.end || self.last.is_some_and(|last| is_at_end(self.until, self.end, last)) {
                return Ok(None);
            }
            let batch = self.read_batch().await?;
            if !batch.is_empty() {
                return Ok(Some(batch));
            }
        }
    }

    /// Connects and finds the end; `false` if there is nothing to read.
    async fn begin(&mut self) -> Result<bool, BusError> {
        let (bus, topic, compacted, after) = (self.bus.clone(), self.topic, self.compacted, self.after);
        let mut inner = match uncancelled(async move { subscribe(&bus, topic, compacted, after).await }).await {
            Ok(inner) => inner,
            Err(error) => {
                self.bus.clients.forget(Purpose::Replaying).await;
                return Err(error.into());
            }
        };
        if self.end.is_none() {
            self.end = match self.until {
                Until::Position(position) => Some(position),
                // Asked before reading: while its queue is full the client does not answer.
                Until::Now => inner
                    .get_last_message_id()
                    .await?
                    .first()
                    .filter(|id| id.entry_id != u64::MAX && id.ledger_id != u64::MAX)
                    .map(|id| Position { batch_index: u32::MAX, ..position_of(id, None) }),
            };
        }
        self.inner = Some(inner);
        Ok(self.end.is_some())
    }

    async fn read_batch(&mut self) -> Result<Batch, BusError> {
        let mut batch = Vec::new();
        let Some(inner) = &mut self.inner else { return Ok(batch) };
        let first = tokio::time::timeout(SILENCE_MAX, inner.next()).await;
        let Ok(mut next) = first else {
            let seconds = SILENCE_MAX.as_secs();
            return Err(BusError::ReplayStalled { topic: self.topic.name, seconds, read: self.read });
        };
        loop {
            match next {
                Some(Ok(message)) => {
                    let size = message.payload.metadata.num_messages_in_batch;
                    let position = position_of(message.message_id(), size);
                    // After a reconnection the topic is read from the beginning: known messages are skipped.
                    if Some(position) > self.last {
                        self.last = Some(position);
                        self.read += 1;
                        batch.push((position, message.payload));
                    }
                    if is_at_end(self.until, self.end, position) {
                        self.end = self.last;
                        return Ok(batch);
                    }
                }
                Some(Err(error)) => warn!(topic = self.topic.name, %error, "a message could not be unpacked"),
                None => {
                    self.inner = None;
                    return Ok(batch);
                }
            }
            if batch.len() >= BATCH_MAX {
                return Ok(batch);
            }
            match inner.next().now_or_never() {
                Some(more) => next = more,
                None => return Ok(batch),
            }
        }
    }
}

/// Whether nothing is left to read after this message. An end that the broker reported has ledger and entry only, and
/// that entry may hold several messages.
fn is_at_end(until: Until, end: Option<Position>, position: Position) -> bool {
    end.is_some_and(|end| match until {
        Until::Position(_) => position >= end,
        Until::Now => {
            let (here, there) = ((position.ledger, position.entry), (end.ledger, end.entry));
            here > there || (here == there && position.ends_entry())
        }
    })
}

async fn subscribe(
    bus: &Bus,
    topic: &'static TopicSpec,
    compacted: bool,
    after: Option<Position>,
) -> Result<pulsar::Consumer<Vec<u8>, TokioExecutor>, pulsar::Error> {
    let client = bus.clients.shared(Purpose::Replaying).await?;
    let mut options = ConsumerOptions::default()
        .durable(false)
        .read_compacted(compacted)
        .with_receiver_queue_size(PERMITS)
        .with_initial_position(InitialPosition::Earliest);
    if let Some(after) = after {
        // The broker may send this message again; it is skipped.
        options = options.starting_on_message(entry_id(after));
    }
    client
        .consumer()
        .with_topic(bus.topic_address(topic))
        .with_subscription(format!("replay-{:08x}", rand::random::<u32>()))
        .with_subscription_type(SubType::Exclusive)
        .with_batch_size(PERMITS)
        .with_options(options)
        .build()
        .await
}

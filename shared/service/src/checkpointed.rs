//! A topic that is folded into memory: its messages are acknowledged together, when a checkpoint includes them.
//!
//! The reader writes its state and the position of the last message in one transaction, and then acknowledges. If the
//! process dies before that transaction, the messages are redelivered to the earlier state. If it dies after it, they are
//! redelivered as well, but lie before the stored position and are skipped.

use bus::spans;
use bus::{BusError, Consumer, ConsumerOptions};
use events::{
    ids::Moment,
    received::{Position, Received},
    topics::Topic,
};
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use tracing::Span;

use crate::{Context, clock, metrics::Metrics};

/// What was received and is in no checkpoint yet.
#[derive(Default)]
struct Pending {
    /// They end with it.
    spans: Vec<Span>,
    /// When what the messages tell happened.
    happened: Vec<Moment>,
    /// When each batch came, and how many messages it had.
    batches: Vec<(Instant, usize)>,
}

/// One topic and its consumer.
pub struct Checkpointed<M> {
    consumer: Consumer<M>,
    topic: Topic<M>,
    subscription: &'static str,
    metrics: Metrics,
    /// The last message that may be acknowledged: the last one of its entry.
    folded: Option<Position>,
    /// What was received since the last checkpoint.
    pending: Pending,
}

impl<M: DeserializeOwned> Checkpointed<M> {
    /// Subscribes to a topic.
    ///
    /// # Errors
    /// If the service has no subscription.
    pub fn new(context: &Context, topic: Topic<M>, options: ConsumerOptions) -> Result<Self, BusError> {
        let subscription = topic.spec.subscription_of(context.service, options.subscription).map_or("", |own| own.name);
        let (metrics, pending) = (context.metrics.clone(), Pending::default());
        let consumer = context.bus.consumer(topic, context.service, options)?;
        Ok(Checkpointed { consumer, topic, subscription, metrics, folded: None, pending })
    }

    /// Waits for messages. They must be folded before the next checkpoint.
    ///
    /// Can be cancelled.
    pub async fn receive(&mut self, most: usize) -> Vec<Received<M>> {
        let batch = self.consumer.receive(most).await;
        if let Some(last) = batch.iter().rev().find(|received| received.position.ends_entry()) {
            self.folded = Some(last.position);
        }
        let of_message = |received| spans::of_received(self.topic.spec, self.subscription, received);
        self.pending.spans.extend(batch.iter().map(of_message).filter(|span| !span.is_disabled()));
        self.pending
            .happened
            .extend(batch.iter().filter(|received| received.message.is_ok()).map(|received| received.at));
        self.pending.batches.push((Instant::now(), batch.len()));
        batch
    }

    /// Acknowledges everything received; call this when a checkpoint includes it.
    pub async fn acknowledge(&mut self) {
        let (pending, topic, now) = (std::mem::take(&mut self.pending), self.topic.spec.name, clock::now());
        self.metrics.reached(topic, pending.happened.into_iter().map(|at| now.micros_since(at)));
        for (since, count) in pending.batches {
            self.metrics.took(topic, count, since.elapsed());
        }
        if let Some(position) = self.folded.take() {
            self.consumer.acknowledge(&[position]).await;
        }
    }
}

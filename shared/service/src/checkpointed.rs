//! A topic that is folded into memory: its messages are acknowledged together, when a checkpoint includes them.
//!
//! The reader writes its state and the position of the last message in one transaction, and then acknowledges. If the
//! process dies before that transaction, the messages are redelivered to the earlier state. If it dies after it, they are
//! redelivered as well, but lie before the stored position and are skipped.

use bus::{BusError, Consumer, ConsumerOptions};
use events::{
    received::{Position, Received},
    topics::Topic,
};
use serde::de::DeserializeOwned;

use crate::Context;

/// One topic and its consumer.
pub struct Checkpointed<M> {
    consumer: Consumer<M>,
    /// The last message that may be acknowledged: no other of its entry follows.
    folded: Option<Position>,
}

impl<M: DeserializeOwned> Checkpointed<M> {
    /// Subscribes to a topic.
    ///
    /// # Errors
    /// If the service has no subscription.
    pub fn new(context: &Context, topic: Topic<M>, options: ConsumerOptions) -> Result<Self, BusError> {
        Ok(Checkpointed { consumer: context.bus.consumer(topic, context.service, options)?, folded: None })
    }

    /// Waits for messages. They must be folded before the next checkpoint.
    ///
    /// Can be cancelled.
    pub async fn receive(&mut self, most: usize) -> Vec<Received<M>> {
        let batch = self.consumer.receive(most).await;
        if let Some(last) = batch.iter().rev().find(|received| received.position.ends_entry()) {
            self.folded = Some(last.position);
        }
        batch
    }

    /// Acknowledges everything received; call this when a checkpoint includes it.
    pub async fn acknowledge(&mut self) {
        if let Some(position) = self.folded.take() {
            self.consumer.acknowledge(&[position]).await;
        }
    }
}

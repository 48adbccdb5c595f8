//! A topic that is folded into memory: its messages are acknowledged together, when a checkpoint holds what they changed.
//!
//! The one who folds writes its state and the position of the last message in one transaction, and then acknowledges. A
//! process that dies before that gets the messages again, and its state is as it was. One that dies after it gets them
//! again as well: they lie before the position it stored, and are skipped.

use bus::{BusError, Consumer, ConsumerOptions};
use events::{
    received::{Position, Received},
    topics::Topic,
};
use serde::de::DeserializeOwned;

use crate::Context;

/// One topic as it is read.
pub struct Checkpointed<M> {
    consumer: Consumer<M>,
    /// The last message that may be acknowledged: no other of its entry follows.
    folded: Option<Position>,
}

impl<M: DeserializeOwned> Checkpointed<M> {
    /// Reads a topic.
    ///
    /// # Errors
    /// If the service does not read it.
    pub fn new(context: &Context, topic: Topic<M>, options: ConsumerOptions) -> Result<Self, BusError> {
        Ok(Checkpointed { consumer: context.bus.consumer(topic, context.service, options)?, folded: None })
    }

    /// Waits for messages. They have to be folded before the next checkpoint.
    ///
    /// Can be cancelled.
    pub async fn receive(&mut self, most: usize) -> Vec<Received<M>> {
        let batch = self.consumer.receive(most).await;
        if let Some(last) = batch.iter().rev().find(|received| received.position.ends_entry()) {
            self.folded = Some(last.position);
        }
        batch
    }

    /// Acknowledges everything that was received; to be called when a checkpoint holds it.
    pub async fn acknowledge(&mut self) {
        if let Some(position) = self.folded.take() {
            self.consumer.acknowledge(&[position]).await;
        }
    }
}

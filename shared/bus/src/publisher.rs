//! Producers for all topics.

use std::collections::HashMap;

use events::{topics::TopicSpec, trace::TraceContext};
use futures_util::future::BoxFuture;
use pulsar::{
    Error, Producer, ProducerOptions, SerializeMessage as _, TokioExecutor,
    error::{ConnectionError, ProducerError},
    message::proto::ServerError,
    producer,
};

use crate::{
    Bus,
    client::Purpose,
    errors::uncancelled,
    message::{Outgoing, position_of},
    spans::Sending,
};

/// Pulsar's access mode "exclusive with fencing": the newest producer writes, the previous one no longer can.
const EXCLUSIVE_WITH_FENCING: i32 = 3;

/// Most messages sent before their receipts are awaited.
pub const IN_FLIGHT_MAX: usize = 500;

/// Publishes to any topic; a producer is created when its topic is first used.
pub struct Publisher {
    bus: Bus,
    producers: HashMap<&'static str, Producer<TokioExecutor>>,
}

/// Not everything was published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The broker did not confirm everything in time. An unconfirmed message may be there or not: send again, in
    /// order, from the first unconfirmed one.
    #[error("only {confirmed} messages were confirmed")]
    Unconfirmed {
        /// How many messages, from the first, are confirmed.
        confirmed: usize,
        #[source]
        cause: Error,
    },
    /// Another process writes this topic now, and only one may.
    #[error("another producer took over {topic}")]
    Fenced { topic: &'static str },
}

impl Publisher {
    pub(crate) fn new(bus: Bus) -> Self {
        Publisher { bus, producers: HashMap::new() }
    }

    /// Publishes these messages in order and returns when the broker has confirmed all of them.
    ///
    /// # Errors
    /// See [`PublishError`]. The producers are then rebuilt, so that calling again with the unconfirmed messages
    /// keeps the order.
    pub fn publish<'a>(&'a mut self, messages: &'a [Outgoing]) -> BoxFuture<'a, Result<(), PublishError>> {
        Box::pin(self.publish_all(messages))
    }

    async fn publish_all(&mut self, messages: &[Outgoing]) -> Result<(), PublishError> {
        let mut confirmed = 0;
        for chunk in messages.chunks(IN_FLIGHT_MAX) {
            if let Err((in_chunk, error)) = self.publish_chunk(chunk).await {
                self.producers.clear();
                if is_fenced(&error) {
                    return Err(PublishError::Fenced { topic: chunk.get(in_chunk).map_or("", |m| m.topic.name) });
                }
                self.bus.clients.forget(Purpose::Producing).await;
                return Err(PublishError::Unconfirmed { confirmed: confirmed + in_chunk, cause: error });
            }
            confirmed += chunk.len();
        }
        Ok(())
    }

    /// Sends all of them, then awaits the receipts in order; an error comes with the number of confirmed messages before it.
    async fn publish_chunk(&mut self, chunk: &[Outgoing]) -> Result<(), (usize, Error)> {
        let mut receipts = Vec::with_capacity(chunk.len());
        let mut not_sent = None;
        for message in chunk {
            let sending = Sending::begin(message);
            match self.send(message, sending.context().or(message.trace)).await {
                Ok(receipt) => receipts.push((receipt, sending)),
                Err(error) => {
                    not_sent = Some((receipts.len(), error));
                    break;
                }
            }
        }
        for (index, (receipt, sending)) in receipts.into_iter().enumerate() {
            match receipt.await {
                Ok(receipt) => sending.confirmed(receipt.message_id.map(|id| position_of(&id, None))),
                Err(error) => return Err((index, error)),
            }
        }
        not_sent.map_or(Ok(()), Err)
    }

    async fn send(&mut self, message: &Outgoing, trace: Option<TraceContext>) -> Result<producer::SendFuture, Error> {
        let content = producer::Message::serialize_message(message.to_pulsar(trace))?;
        self.producer(message.topic).await?.send_non_blocking(content).await
    }

    async fn producer(&mut self, topic: &'static TopicSpec) -> Result<&mut Producer<TokioExecutor>, Error> {
        if !self.producers.contains_key(topic.name) {
            let bus = self.bus.clone();
            let made = uncancelled(async move { make(&bus, topic).await }).await?;
            self.producers.insert(topic.name, made);
        }
        self.producers.get_mut(topic.name).ok_or_else(|| Error::Custom("no producer".to_owned()))
    }
}

async fn make(bus: &Bus, topic: &'static TopicSpec) -> Result<Producer<TokioExecutor>, Error> {
    let client = bus.clients.shared(Purpose::Producing).await?;
    let options = ProducerOptions {
        access_mode: topic.one_writer.then_some(EXCLUSIVE_WITH_FENCING),
        block_queue_if_full: true,
        ..ProducerOptions::default()
    };
    client.producer().with_topic(bus.topic_address(topic)).with_options(options).build().await
}

/// The client wraps this refusal in more than one way.
fn is_fenced(error: &Error) -> bool {
    let refused = match error {
        Error::Producer(ProducerError::Fenced) => return true,
        Error::Producer(ProducerError::Batch(error)) => return is_fenced(error),
        Error::Producer(ProducerError::Connection(refused)) | Error::Connection(refused) => refused,
        _ => return false,
    };
    matches!(refused, ConnectionError::PulsarError(Some(ServerError::ProducerFenced), _))
}

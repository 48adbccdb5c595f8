//! Pulsar, as the services see it: typed producers, consumers and bounded replays, made from the topics of the contract.
//!
//! What this crate adds to the `pulsar` crate: everything reconnects by itself, also when the stream of a consumer
//! ends or its messages stop coming; a message is checked for readability before it reaches a service; an entry
//! with several messages is acknowledged only when all of them are done; producing and consuming never share a
//! connection (the client does not set TCP_NODELAY, and an acknowledgement followed by a send then costs 44 ms), and
//! neither do two consumers.
//!
//! Deliberately absent: schemas in the broker, transactions, dead-letter policies of the client, batching producers
//! (they lose keys and delays), and any knowledge of a service. The pattern that makes an effect happen once is in
//! `service`, file `idempotent_consumer.rs`.
//!
//! The functions that do the work return boxed futures, so that their bodies, and the client's, are compiled once, here, and
//! not in every service.
//!
//! In reading order:

mod errors;
pub use errors::{uncancelled, with_causes};

mod address;
pub use address::{Broker, Scope};

mod client;

mod message;
pub use message::Outgoing;

pub mod spans;

mod publisher;
pub use publisher::{PublishError, Publisher};

mod flow;

mod subscription;

mod consumer;
pub use consumer::{Consumer, ConsumerOptions};

mod replay;
pub use replay::{Replay, Until};

mod http;
pub use http::http_client;

mod admin;
pub use admin::{Admin, AdminError, Examined};

mod set_up;
pub use set_up::{SetUpError, compact, episodes, forget_earlier_episodes, set_up, set_up_stage};

use std::sync::{Arc, atomic::Ordering};

use events::{
    ids::Service,
    topics::{Subscription, Topic, TopicSpec},
};
use serde::de::DeserializeOwned;

/// A connection to one broker, for one tenant and episode. Cheap to clone; connects when it is first used.
#[derive(Clone, Debug)]
pub struct Bus {
    scope: Scope,
    clients: Arc<client::Clients>,
}

/// What can go wrong with the broker. Consumers and outboxes do not return these: they retry.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    #[error(transparent)]
    Client(#[from] pulsar::Error),
    /// A reader asked for a topic to which the contract gives it no subscription.
    #[error("{reader} has no subscription on {topic}")]
    NoSubscription { reader: Service, topic: &'static str },
    /// A replay received nothing for too long.
    #[error("the replay of {topic} stopped: nothing came for {seconds} s, {read} messages read")]
    ReplayStalled { topic: &'static str, seconds: u64, read: u64 },
}

impl Bus {
    /// The bus of this scope on this broker.
    pub fn new(broker: Broker, scope: Scope) -> Self {
        Bus { scope, clients: Arc::new(client::Clients::new(broker)) }
    }

    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    pub fn broker(&self) -> &Broker {
        self.clients.broker()
    }

    /// The same broker and tenant in another episode; connections are shared.
    pub fn in_episode(&self, episode: u32) -> Self {
        Bus { scope: Scope { episode, ..self.scope.clone() }, clients: Arc::clone(&self.clients) }
    }

    /// Whether all consumers are connected. True while there is none.
    pub fn is_connected(&self) -> bool {
        self.clients.all_connected()
    }

    /// The topics on which a subscription of this process stands still: messages wait and its consumers get none, or subscribing
    /// has failed for some seconds. Such consumers are rebuilt; a topic stays listed until a message
    /// comes, or none waits any more.
    pub fn standing_still(&self) -> Vec<&'static str> {
        self.clients.flows.standing_still()
    }

    /// How many messages had an implausible time, which was replaced by the time of publication.
    pub fn times_replaced(&self) -> u64 {
        self.clients.times_replaced.load(Ordering::Relaxed)
    }

    /// A publisher to any topic.
    pub fn publisher(&self) -> Publisher {
        Publisher::new(self.clone())
    }

    /// A consumer for the subscription of `reader` on this topic.
    ///
    /// # Errors
    /// [`BusError::NoSubscription`] if it has none. If the broker is away, the consumer connects when it is back.
    pub fn consumer<M: DeserializeOwned>(
        &self,
        topic: Topic<M>,
        reader: Service,
        options: ConsumerOptions,
    ) -> Result<Consumer<M>, BusError> {
        Consumer::new(self.clone(), topic, reader, options)
    }

    /// Reads a topic from its first message up to `until`, without a permanent subscription.
    pub fn replay<M: DeserializeOwned>(&self, topic: Topic<M>, until: Until) -> Replay<M> {
        Replay::new(self.clone(), topic, until)
    }

    /// The last readable message of a topic where only the last one counts, such as the settings.
    ///
    /// # Errors
    /// If the broker cannot be asked, or the topic does not exist yet.
    pub async fn newest<M: DeserializeOwned>(&self, topic: Topic<M>) -> Result<Option<M>, BusError> {
        match last(self.replay(topic, Until::Now)).await? {
            (newest, true) => Ok(newest),
            // Compaction keeps the last message of a key, readable or not; the earlier ones are still in the topic.
            (_, false) => Ok(last(self.replay(topic, Until::Now).uncompacted()).await?.0),
        }
    }

    /// Deletes an on-demand subscription with its position. It is no error if it does not exist.
    ///
    /// # Errors
    /// If the broker cannot be asked, or refuses.
    pub async fn forget_subscription(&self, topic: &TopicSpec, subscription: &Subscription) -> Result<(), AdminError> {
        let path = topic.admin_path(&self.scope.tenant, self.scope.episode);
        let admin = Admin::new(self.broker())?;
        admin.delete(&format!("{path}/subscription/{}?force=true", subscription.name)).await
    }

    fn topic_address(&self, topic: &TopicSpec) -> String {
        topic.address(&self.scope.tenant, self.scope.episode)
    }
}

/// The last readable message of a replay, and whether it is the last message of all.
async fn last<M: DeserializeOwned>(mut replay: Replay<M>) -> Result<(Option<M>, bool), BusError> {
    let (mut last, mut is_the_end) = (None, true);
    while let Some(batch) = replay.next().await? {
        for received in batch {
            is_the_end = received.message.is_ok();
            last = received.message.ok().or(last);
        }
    }
    Ok((last, is_the_end))
}

//! Pulsar, as the services see it: typed producers, consumers and bounded replays, made from the topics of the contract.
//!
//! What this crate adds to the `pulsar` crate: everything reconnects by itself, also when the stream of a consumer
//! ends, and when its messages stop coming; a message is judged readable or not before it reaches a service; an entry
//! that holds several messages is acknowledged only when all of them are done; producing and consuming never share a
//! connection (the client does not set TCP_NODELAY, and an acknowledgement followed by a send then costs 44 ms), and
//! neither do two consumers.
//!
//! Deliberately absent: schemas in the broker, transactions, dead-letter policies of the client, batching producers
//! (they lose keys and delays), and any knowledge of a service. What makes an effect happen once is in
//! `service`, file `idempotent_consumer.rs`.
//!
//! The functions that do the work return boxed futures: so their bodies, and the client's, are compiled once, here, and
//! not again in every service.
//!
//! In reading order:

mod errors;
pub use errors::{uncancelled, with_causes};

mod address;
pub use address::{Broker, Scope};

mod client;

mod message;
pub use message::Outgoing;

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

/// The way to one broker, for one tenant and episode. Cheap to clone; connects when it is first used.
#[derive(Clone, Debug)]
pub struct Bus {
    scope: Scope,
    clients: Arc<client::Clients>,
}

/// What can go wrong on the way to the broker. Consumers and outboxes do not show these: they try again.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// The client said so.
    #[error(transparent)]
    Client(#[from] pulsar::Error),
    /// A reader asked for a topic that it does not subscribe to, as the contract has it.
    #[error("{reader} has no subscription on {topic}")]
    NoSubscription { reader: Service, topic: &'static str },
    /// A replay got nothing for too long.
    #[error("the replay of {topic} stopped: nothing came for {seconds} s, {read} messages read")]
    ReplayStalled {
        topic: &'static str,
        /// How long it waited.
        seconds: u64,
        /// How far it came.
        read: u64,
    },
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

    /// Whether every consumer that was asked for is connected. True while there is none.
    pub fn is_connected(&self) -> bool {
        self.clients.all_connected()
    }

    /// The topics on which messages wait for a subscription of this process that gets none, although all its consumers
    /// wait, or that could not be subscribed to for some seconds. Such consumers are made anew; a topic stays listed until
    /// something comes, or nothing waits any more.
    pub fn standing_still(&self) -> Vec<&'static str> {
        self.clients.flows.standing_still()
    }

    /// How many messages came whose own time was not believed; when they were published is taken instead.
    pub fn times_replaced(&self) -> u64 {
        self.clients.times_replaced.load(Ordering::Relaxed)
    }

    /// A publisher to any topic.
    pub fn publisher(&self) -> Publisher {
        Publisher::new(self.clone())
    }

    /// A consumer of the subscription that `reader` has on this topic.
    ///
    /// # Errors
    /// [`BusError::NoSubscription`] if it has none. A broker that is not there is no error: it connects when it is.
    pub fn consumer<M: DeserializeOwned>(
        &self,
        topic: Topic<M>,
        reader: Service,
        options: ConsumerOptions,
    ) -> Result<Consumer<M>, BusError> {
        Consumer::new(self.clone(), topic, reader, options)
    }

    /// Reads a topic again from its first message up to `until`, without a subscription that stays.
    pub fn replay<M: DeserializeOwned>(&self, topic: Topic<M>, until: Until) -> Replay<M> {
        Replay::new(self.clone(), topic, until)
    }

    /// The last readable message of a topic of which only the last one counts, such as the settings.
    ///
    /// # Errors
    /// If the broker cannot be asked, or the topic does not exist yet.
    pub async fn newest<M: DeserializeOwned>(&self, topic: Topic<M>) -> Result<Option<M>, BusError> {
        match last(self.replay(topic, Until::Now)).await? {
            (newest, true) => Ok(newest),
            // Compaction keeps the last message of a key, readable or not: what it left out is still in the topic.
            (_, false) => Ok(last(self.replay(topic, Until::Now).uncompacted()).await?.0),
        }
    }

    /// Deletes a subscription that is made on demand, with its position in the topic. That it is not there is as good.
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

/// The last readable message of a replay, and whether none came after it that is not.
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

//! What there is to specify about a topic.

use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use crate::ids::Service;

/// The three namespaces. The first two are made afresh for each episode (`shop-3`, `stock-3`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Namespace {
    /// Queues and what surrounds them; kept as long as the episode, not deduplicated.
    Shop,
    /// The log and what is folded from it; kept as long as the episode, deduplicated.
    Stock,
    /// Outside of the episodes.
    Stage,
}

impl Namespace {
    /// Its name without the episode.
    pub const fn name(self) -> &'static str {
        match self {
            Namespace::Shop => "shop",
            Namespace::Stock => "stock",
            Namespace::Stage => "stage",
        }
    }

    /// Its name on the broker, in this episode.
    pub fn in_episode(self, episode: u32) -> String {
        match self {
            Namespace::Stage => self.name().to_owned(),
            Namespace::Shop | Namespace::Stock => format!("{}-{episode}", self.name()),
        }
    }
}

/// How a subscription spreads its messages over its consumers, in Pulsar's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SubscriptionType {
    /// All to one, in order; another consumer takes over when it goes.
    Failover,
    /// Each to any consumer that is free.
    Shared,
    /// All of a key to the same consumer, in order.
    #[serde(rename = "Key_Shared")]
    KeyShared,
}

impl SubscriptionType {
    /// Pulsar's name for it.
    pub const fn name(self) -> &'static str {
        match self {
            SubscriptionType::Failover => "Failover",
            SubscriptionType::Shared => "Shared",
            SubscriptionType::KeyShared => "Key_Shared",
        }
    }
}

/// Which processes use a subscription, and how long it lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lifetime {
    /// All processes of its reader, for as long as the topic lasts: it is made with the topic.
    Permanent(SubscriptionType),
    /// The same, but it is made when it is attached and deleted when it is detached.
    OnDemand(SubscriptionType),
    /// Each process that listens has one of its own, which goes with it.
    PerProcess,
}

impl Lifetime {
    /// The type of the subscription; `None` where only one consumer ever uses it.
    pub const fn subscription_type(self) -> Option<SubscriptionType> {
        match self {
            Lifetime::Permanent(kind) | Lifetime::OnDemand(kind) => Some(kind),
            Lifetime::PerProcess => None,
        }
    }
}

/// A subscription that the suite may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Subscription {
    /// Its name on the broker; where each process has its own, the name's beginning.
    pub name: &'static str,
    /// The service that reads it.
    pub reader: Service,
    /// Who shares it, and for how long.
    pub lifetime: Lifetime,
}

impl Subscription {
    /// Whether set-up makes it with the topic: what is published before its first consumer comes then waits for it.
    pub const fn is_permanent(&self) -> bool {
        matches!(self.lifetime, Lifetime::Permanent(_))
    }
}

/// What a topic is: where it lies, who writes and reads it, and how long its messages are kept.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct TopicSpec {
    /// The topic's name, without its namespace.
    pub name: &'static str,
    /// The namespace it is in.
    pub namespace: Namespace,
    /// The messages on it, for the documents.
    pub messages: &'static str,
    /// What a message's key is, for the documents.
    pub key: &'static str,
    /// The services that write to it; on `orders` also any outside client.
    pub producers: &'static [Service],
    /// The subscriptions it has.
    pub subscriptions: &'static [Subscription],
    /// Whether messages are stored; if not, only those who listen at that moment get them.
    pub stored: bool,
    /// Whether only the newest message of a key counts.
    pub compacted: bool,
    /// Whether it has one producer at a time, which fences off the one before.
    pub one_writer: bool,
}

impl TopicSpec {
    /// What most topics are.
    pub(super) const USUAL: TopicSpec = TopicSpec {
        name: "",
        namespace: Namespace::Shop,
        messages: "",
        key: "order",
        producers: &[],
        subscriptions: &[],
        stored: true,
        compacted: false,
        one_writer: false,
    };

    /// The full name of the topic, for this tenant and episode.
    pub fn address(&self, tenant: &str, episode: u32) -> String {
        let scheme = if self.stored { "persistent" } else { "non-persistent" };
        format!("{scheme}://{tenant}/{}/{}", self.namespace.in_episode(episode), self.name)
    }

    /// The topic as the admin REST API names it in its paths.
    pub fn admin_path(&self, tenant: &str, episode: u32) -> String {
        self.address(tenant, episode).replacen("://", "/", 1)
    }

    /// The subscription of this reader, if it has one; of several the one with this name.
    pub fn subscription_of(&self, reader: Service, name: Option<&str>) -> Option<&'static Subscription> {
        let is_meant = |subscription: &&Subscription| name.is_none_or(|name| name == subscription.name);
        self.subscriptions.iter().filter(|subscription| subscription.reader == reader).find(is_meant)
    }
}

/// A topic: its specification, and the type of its messages.
#[derive(Debug)]
pub struct Topic<M> {
    pub spec: &'static TopicSpec,
    message: PhantomData<fn() -> M>,
}

impl<M> Clone for Topic<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Topic<M> {}

impl<M> Topic<M> {
    pub(super) const fn new(spec: &'static TopicSpec) -> Self {
        Topic { spec, message: PhantomData }
    }
}

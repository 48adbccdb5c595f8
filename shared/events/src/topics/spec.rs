//! The specification of a topic.

use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use crate::ids::Service;

/// The three namespaces. Each episode has its own of the first two (`shop-3`, `stock-3`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Namespace {
    /// Orders, decisions and the work queue; kept as long as the episode, not deduplicated.
    Shop,
    /// The log and the results of folding it; kept as long as the episode, deduplicated.
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

/// How a subscription distributes messages to its consumers, in Pulsar's terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SubscriptionType {
    /// All to one, in order; another consumer takes over when it leaves.
    Failover,
    /// Each to any free consumer.
    Shared,
    /// All messages of a key to the same consumer, in order.
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
    /// All processes of its reader, as long as the topic exists: it is created with the topic.
    Permanent(SubscriptionType),
    /// The same, but it is created when it is attached and deleted when it is detached.
    OnDemand(SubscriptionType),
    /// Each process has its own, which ends with it.
    PerProcess,
}

impl Lifetime {
    /// The type of the subscription; `None` if it has only one consumer.
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
    /// Its name on the broker, or the beginning of the name if each process has its own.
    pub name: &'static str,
    /// The service that reads it.
    pub reader: Service,
    /// Which processes share it, and for how long.
    pub lifetime: Lifetime,
}

impl Subscription {
    /// Whether set-up creates it with the topic, so that messages wait for its first consumer.
    pub const fn is_permanent(&self) -> bool {
        matches!(self.lifetime, Lifetime::Permanent(_))
    }
}

/// The specification of a topic: its place, its producers and readers, and how long its messages are kept.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct TopicSpec {
    /// The topic's name, without its namespace.
    pub name: &'static str,
    /// The namespace it is in.
    pub namespace: Namespace,
    /// Its messages, for the documentation.
    pub messages: &'static str,
    /// The key of its messages, for the documentation.
    pub key: &'static str,
    /// The services that write to it.
    pub producers: &'static [Service],
    /// Whether any outside client may write to it as well.
    pub open: bool,
    /// The subscriptions it has.
    pub subscriptions: &'static [Subscription],
    /// Whether messages are stored; if not, only connected consumers get them.
    pub stored: bool,
    /// Whether only the newest message of a key counts.
    pub compacted: bool,
    /// Whether it has one producer at a time, which fences off the previous one.
    pub one_writer: bool,
}

impl TopicSpec {
    /// The defaults of most topics.
    pub(super) const USUAL: TopicSpec = TopicSpec {
        name: "",
        namespace: Namespace::Shop,
        messages: "",
        key: "order",
        producers: &[],
        open: false,
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

    /// The path of the topic in the admin REST API.
    pub fn admin_path(&self, tenant: &str, episode: u32) -> String {
        self.address(tenant, episode).replacen("://", "/", 1)
    }

    /// The subscription of this reader, if any; if there are several, the one with this name.
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

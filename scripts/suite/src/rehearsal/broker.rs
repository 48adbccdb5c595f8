//! The broker from outside: what only its REST API knows.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use bus::Admin;
use events::topics::{Namespace, TOPICS, TopicSpec};
use serde_json::Value;

/// The subscriptions of a topic by name, each with its consumers: their names and when they connected.
pub(super) type Subscriptions = BTreeMap<String, BTreeSet<String>>;

/// A broker's REST API, used as the services use it.
pub(crate) struct Broker {
    admin: Admin,
    address: String,
    tenant: String,
}

impl Broker {
    pub(super) fn new(broker: &bus::Broker, tenant: String) -> Result<Self> {
        Ok(Broker { admin: Admin::new(broker)?, address: broker.admin_url.clone(), tenant })
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    pub(super) async fn version(&self) -> Result<String> {
        Ok(self.admin.text("brokers/version").await?.trim_matches(['"', '\n', ' ']).to_owned())
    }

    pub(super) async fn is_ready(&self) -> bool {
        self.admin.is_ready().await
    }

    /// The subscriptions of a topic of the shop.
    pub(super) async fn subscriptions(&self, episode: u64, topic: &str) -> Result<Subscriptions> {
        let stats: Value = self.admin.get(&format!("persistent/{}/shop-{episode}/{topic}/stats", self.tenant)).await?;
        let all = stats["subscriptions"].as_object().context("statistics without subscriptions")?;
        Ok(all.iter().map(|(name, subscription)| (name.clone(), consumers(subscription))).collect())
    }

    /// The stored topics of an episode to which services subscribe, with the broker's statistics.
    pub(crate) async fn topics(&self, episode: u64) -> Result<Vec<(&'static TopicSpec, Value)>> {
        let mut topics = Vec::new();
        for topic in TOPICS.into_iter().filter(|topic| topic.stored && topic.namespace != Namespace::Stage) {
            let path = topic.admin_path(&self.tenant, u32::try_from(episode)?);
            topics.push((topic, self.admin.get(&format!("{path}/stats")).await?));
        }
        Ok(topics)
    }
}

fn consumers(subscription: &Value) -> BTreeSet<String> {
    let consumers = subscription["consumers"].as_array().into_iter().flatten();
    consumers.map(|consumer| format!("{} since {}", consumer["consumerName"], consumer["connectedSince"])).collect()
}

//! The broker from outside: what only its REST API knows.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, ensure};
use events::topics::{Entry, Space, TABLE};
use reqwest::Client;
use serde_json::Value;

/// The subscriptions of a topic by name, each with its consumers: name, and since when it is connected.
pub(super) type Subscriptions = BTreeMap<String, BTreeSet<String>>;

/// A broker's REST API.
pub(crate) struct Broker {
    http: Client,
    address: String,
    tenant: String,
    token: Option<String>,
}

impl Broker {
    pub(super) fn new(http: &Client, address: &str, tenant: &str, token: Option<String>) -> Self {
        let address = address.trim_end_matches('/').to_owned();
        Broker { http: http.clone(), address, tenant: tenant.to_owned(), token }
    }

    /// Where it is.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Its version.
    pub(super) async fn version(&self) -> Result<String> {
        Ok(self.read("brokers/version").await?.trim_matches(['"', '\n', ' ']).to_owned())
    }

    /// Whether it says that it is ready.
    pub(super) async fn is_ready(&self) -> bool {
        self.read("brokers/ready").await.is_ok()
    }

    /// The subscriptions of a topic of the shop.
    pub(super) async fn subscriptions(&self, episode: u64, topic: &str) -> Result<Subscriptions> {
        let stats = self.read(&format!("persistent/{}/shop-{episode}/{topic}/stats", self.tenant)).await?;
        let stats: Value = serde_json::from_str(&stats)?;
        let all = stats["subscriptions"].as_object().context("statistics without subscriptions")?;
        Ok(all.iter().map(|(name, subscription)| (name.clone(), consumers(subscription))).collect())
    }

    /// The stored topics of an episode that services subscribe to, with what the broker says of them.
    pub(crate) async fn topics(&self, episode: u64) -> Result<Vec<(&'static Entry, Value)>> {
        let mut topics = Vec::new();
        for entry in TABLE.iter().filter(|entry| entry.stored && entry.space != Space::Stage) {
            let topic = entry.address(&self.tenant, u32::try_from(episode)?).replacen("://", "/", 1);
            topics.push((entry, serde_json::from_str(&self.read(&format!("{topic}/stats")).await?)?));
        }
        Ok(topics)
    }

    async fn read(&self, path: &str) -> Result<String> {
        let mut request = self.http.get(format!("{}/admin/v2/{path}", self.address));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await?;
        let status = answer.status();
        ensure!(status.is_success(), "{path} answers {status}");
        Ok(answer.text().await?)
    }
}

fn consumers(subscription: &Value) -> BTreeSet<String> {
    let consumers = subscription["consumers"].as_array().into_iter().flatten();
    consumers.map(|consumer| format!("{} since {}", consumer["consumerName"], consumer["connectedSince"])).collect()
}

//! Orders over the shop's HTTP API, as any customer does. The crowd and all steps with orders use it, also while Pulsar
//! is away.

use std::time::Duration;

use bus::http_client;
use events::orders::PlaceOrder;
use reqwest::{Client, header};
use serde_json::json;
use web::{http::stage_key::StageKey, pure::address::Address};

/// How long the shop may take to accept a connection.
const CONNECTED_WITHIN: Duration = Duration::from_secs(2);
/// How long it may take to confirm an order.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// Idle connections that are kept for the next orders.
const KEPT_OPEN: usize = 64;

pub struct Shop {
    http: Client,
    orders: String,
    key: StageKey,
}

impl Shop {
    /// The shop at this address, which recognises the stage by this key.
    ///
    /// # Errors
    /// If no HTTP client can be made.
    pub fn at(address: &Address, key: StageKey) -> anyhow::Result<Self> {
        let url = address.url();
        let client = http_client(url).connect_timeout(CONNECTED_WITHIN).timeout(ANSWER_WITHIN);
        let http = client.pool_max_idle_per_host(KEPT_OPEN).build()?;
        Ok(Shop { http, orders: format!("{url}/api/orders"), key })
    }

    /// Places an order and waits until it is safe.
    ///
    /// # Errors
    /// If the shop does not take it.
    pub async fn order(&self, order: &PlaceOrder) -> Result<(), NotTaken> {
        let body = json!({"customer": order.customer, "address": order.address, "lines": order.lines});
        let request = self.http.post(&self.orders).header(header::AUTHORIZATION, self.key.authorization());
        request.json(&body).send().await?.error_for_status()?;
        Ok(())
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the shop does not accept the order")]
pub struct NotTaken(#[from] reqwest::Error);

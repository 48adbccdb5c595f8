//! The shop (the service `website`), as its customers use it.

use std::ops::Deref;

use anyhow::{Context as _, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use crate::site::Site;

#[derive(Clone)]
pub struct Shop(Site);

/// A line of an order.
pub fn line(beer: &str, bottles: u32) -> Value {
    json!({"beer": beer, "bottles": bottles})
}

impl Deref for Shop {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.0
    }
}

impl Shop {
    pub fn new(address: &str) -> Result<Self> {
        Ok(Shop(Site::new(address)?))
    }

    /// Places an order and returns its id.
    pub async fn order(&self, address: &str, lines: &[Value]) -> Result<String> {
        self.order_as("Ada", address, lines).await
    }

    /// Places an order in somebody's name and returns its id.
    pub async fn order_as(&self, customer: &str, address: &str, lines: &[Value]) -> Result<String> {
        let order = json!({"customer": customer, "address": address, "lines": lines});
        let answer = self.call(Method::POST, "/api/orders", Some(&order)).await?;
        let status = answer.status();
        let body: Value = answer.json().await?;
        ensure!(status == 202, "an order is answered {status}: {body}");
        body["order_id"].as_str().map(str::to_owned).context("an order without an id")
    }
}

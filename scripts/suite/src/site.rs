//! What shop and stage have in common: a site at an address.

use std::{future::Future, time::Duration};

use anyhow::{Context as _, Result, ensure};
use bus::http_client;
use reqwest::{Client, Method, Response};
use serde_json::Value;
use tokio::time::Instant;

/// The interval of polling.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// The longest time for one call.
pub(crate) const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// The shop or the stage, as any HTTP client sees it.
#[derive(Clone)]
pub struct Site {
    http: Client,
    address: String,
}

impl Site {
    pub fn new(address: &str) -> Result<Self> {
        let http = http_client(address).timeout(ANSWER_WITHIN).build()?;
        Ok(Site { http, address: address.trim_end_matches('/').to_owned() })
    }

    /// The address, without a slash at its end.
    pub fn address(&self) -> &str {
        &self.address
    }

    pub fn http(&self) -> &Client {
        &self.http
    }

    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Response> {
        let mut request = self.http.request(method, format!("{}{path}", self.address));
        if let Some(body) = body {
            request = request.json(body);
        }
        Ok(request.send().await?)
    }

    /// Reads JSON.
    ///
    /// # Errors
    /// If there is no answer, or one other than 200.
    pub async fn get(&self, path: &str) -> Result<Value> {
        let answer = self.call(Method::GET, path, None).await?;
        let status = answer.status();
        let text = answer.text().await?;
        ensure!(status.is_success(), "{path} answers {status}: {text}");
        serde_json::from_str(&text).with_context(|| text)
    }

    /// Reads JSON. The path is owned, for closures that are called often.
    ///
    /// # Errors
    /// As [`Site::get`].
    pub async fn get_owned(&self, path: String) -> Result<Value> {
        self.get(&path).await
    }

    /// Waits until this site shows an order with this status, and returns the order: from the shop with the customer's
    /// hops, from the stage with all of them. Each reads the topics by itself, so one may know a status before the
    /// other.
    pub async fn until_status(&self, order_id: &str, status: &str, within: Duration) -> Result<Value> {
        let path = format!("/api/orders/{order_id}");
        until(&format!("{order_id} to be {status}"), within, || async {
            let order = self.get(&path).await?;
            if order["status"] == status { Ok(order) } else { anyhow::bail!("{order}") }
        })
        .await
    }
}

/// Polls until `look` succeeds.
///
/// # Errors
/// The last error, when the time is over.
pub async fn until<T, Looking>(what: &str, within: Duration, mut look: impl FnMut() -> Looking) -> Result<T>
where
    Looking: Future<Output = Result<T>>,
{
    let deadline = Instant::now() + within;
    loop {
        match look().await {
            Ok(found) => return Ok(found),
            Err(error) if Instant::now() > deadline => {
                return Err(error.context(format!("waited {} s for {what}", within.as_secs())));
            }
            Err(_) => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
}

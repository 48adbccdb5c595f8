//! The website's API, as anybody may use it.

use std::{future::Future, time::Duration};

use anyhow::{Context as _, Result, ensure};
use bus::http_client;
use reqwest::{Client, Method, Response, header, redirect::Policy};
use serde_json::{Value, json};
use tokio::time::Instant;

/// How often something is looked at while it is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long one call may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// A shop, by its address.
#[derive(Clone)]
pub struct Shop {
    http: Client,
    address: String,
    token: String,
}

/// A line of an order.
pub fn line(beer: &str, bottles: u32) -> Value {
    json!({"beer": beer, "bottles": bottles})
}

impl Shop {
    /// The shop at this address, with the presenter's token.
    ///
    /// # Errors
    /// If no HTTP client can be made.
    pub fn new(address: &str, token: &str) -> Result<Self> {
        let http = http_client(address).timeout(ANSWER_WITHIN).build()?;
        Ok(Shop { http, address: address.trim_end_matches('/').to_owned(), token: token.to_owned() })
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    /// The presenter's token it was given.
    pub fn token(&self) -> &str {
        &self.token
    }

    pub fn http(&self) -> &Client {
        &self.http
    }

    /// Calls the API.
    ///
    /// # Errors
    /// If there is no answer.
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
    /// If there is no answer, or another than 200.
    pub async fn get(&self, path: &str) -> Result<Value> {
        let answer = self.call(Method::GET, path, None).await?;
        let status = answer.status();
        let text = answer.text().await?;
        ensure!(status.is_success(), "{path} answers {status}: {text}");
        serde_json::from_str(&text).with_context(|| text)
    }

    /// Reads JSON from a path that is handed over, as a closure that is called often needs it.
    ///
    /// # Errors
    /// As [`Shop::get`].
    pub async fn get_owned(&self, path: String) -> Result<Value> {
        self.get(&path).await
    }

    /// Places an order and gives its id.
    ///
    /// # Errors
    /// If it is not taken.
    pub async fn order(&self, address: &str, lines: &[Value]) -> Result<String> {
        self.order_as("Ada", address, lines).await
    }

    /// Places an order in somebody's name and gives its id.
    ///
    /// # Errors
    /// If it is not taken.
    pub async fn order_as(&self, customer: &str, address: &str, lines: &[Value]) -> Result<String> {
        let order = json!({"customer": customer, "address": address, "lines": lines});
        let answer = self.call(Method::POST, "/api/orders", Some(&order)).await?;
        let status = answer.status();
        let body: Value = answer.json().await?;
        ensure!(status == 202, "an order is answered {status}: {body}");
        body["order_id"].as_str().map(str::to_owned).context("an order without an id")
    }

    /// Signs the presenter in with the form, as a browser does; the cookie of the session, as it is set.
    ///
    /// # Errors
    /// If the token is not taken.
    pub async fn sign_in(&self, headers: &[(&str, &str)]) -> Result<String> {
        let staying = http_client(&self.address).timeout(ANSWER_WITHIN).redirect(Policy::none()).build()?;
        let form = [(header::CONTENT_TYPE.as_str(), "application/x-www-form-urlencoded")];
        let mut request = staying.post(format!("{}/sign-in", self.address)).body(format!("token={}", self.token));
        for (name, value) in form.iter().chain(headers) {
            request = request.header(*name, *value);
        }
        let answer = request.send().await?;
        let cookie = answer.headers().get(header::SET_COOKIE).context("no cookie is set: the token is not taken")?;
        Ok(cookie.to_str()?.to_owned())
    }

    /// Posts with the presenter's token.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn post_as_presenter(&self, path: &str, body: Option<&Value>) -> Result<Response> {
        let mut request = self.http.post(format!("{}{path}", self.address)).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        Ok(request.send().await?)
    }

    /// Changes the settings with the presenter's token, and gives them as they are then.
    ///
    /// # Errors
    /// If they are not changed.
    pub async fn set(&self, patch: &Value) -> Result<Value> {
        let address = format!("{}/api/settings", self.address);
        let answer = self.http.patch(address).bearer_auth(&self.token).json(patch).send().await?;
        let status = answer.status();
        let body: Value = answer.json().await?;
        ensure!(status.is_success(), "{patch} is answered {status}: {body}");
        Ok(body)
    }

    /// Does something as the presenter, and gives the answer.
    ///
    /// # Errors
    /// If it is refused.
    pub async fn direct(&self, path: &str, body: Option<&Value>) -> Result<Value> {
        let answer = self.post_as_presenter(path, body).await?;
        let status = answer.status();
        let body: Value = answer.json().await?;
        ensure!(status.is_success(), "{path} is answered {status}: {body}");
        Ok(body)
    }

    /// Presses a key of the console: `next`, `back`, `again`, or a step as `steps/2`. Names where the stage is, as the console
    /// does, and gives where it is then.
    ///
    /// # Errors
    /// If it is refused, or somebody else has pressed meanwhile.
    pub async fn press(&self, key: &str) -> Result<Value> {
        let played = self.direct(&format!("/api/stage/{key}"), Some(&self.position().await?)).await?;
        ensure!(played["done"] == true, "{key} came too late: {played}");
        Ok(played)
    }

    /// Where the stage is: its act, null before the first one, and the step.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn position(&self) -> Result<Value> {
        let settings = self.get("/api/settings").await?;
        Ok(json!({"act": settings["act"], "step": settings["step"]}))
    }

    /// Waits until an order has this status and gives it.
    ///
    /// # Errors
    /// If it has not within the limit.
    pub async fn until_status(&self, order_id: &str, status: &str, within: Duration) -> Result<Value> {
        let path = format!("/api/orders/{order_id}");
        until(&format!("{order_id} to be {status}"), within, || async {
            let order = self.get(&path).await?;
            if order["status"] == status { Ok(order) } else { anyhow::bail!("{order}") }
        })
        .await
    }

    /// Waits until the ledger is balanced and `settled` says that it is so.
    ///
    /// # Errors
    /// If it is not within the limit, with the ledger as it is.
    pub async fn until_ledger(&self, within: Duration, settled: impl Fn(&Value) -> bool) -> Result<Value> {
        until("the ledger", within, || async {
            let ledger = self.get("/api/ledger").await?;
            if ledger["balanced"] == true && settled(&ledger) { Ok(ledger) } else { anyhow::bail!("{ledger}") }
        })
        .await
    }
}

/// Looks until it succeeds.
///
/// # Errors
/// The last reason why it did not, when the limit is over.
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

//! The stage, as the room and the presenter use it.

use std::{ops::Deref, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use bus::http_client;
use reqwest::{Response, header, redirect::Policy};
use serde_json::{Value, json};

use crate::site::{ANSWER_WITHIN, Site, until};

/// The stage, with the presenter's token.
#[derive(Clone)]
pub struct Stage {
    site: Site,
    token: String,
}

impl Deref for Stage {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.site
    }
}

impl Stage {
    pub fn new(address: &str, token: &str) -> Result<Self> {
        Ok(Stage { site: Site::new(address)?, token: token.to_owned() })
    }

    pub fn token(&self) -> &str {
        &self.token
    }

    /// Signs the presenter in with the form, as a browser does. Returns the `Set-Cookie` header of the session.
    ///
    /// # Errors
    /// If the token is refused.
    pub async fn sign_in(&self, headers: &[(&str, &str)]) -> Result<String> {
        let staying = http_client(self.address()).timeout(ANSWER_WITHIN).redirect(Policy::none()).build()?;
        let form = [(header::CONTENT_TYPE.as_str(), "application/x-www-form-urlencoded")];
        let mut request = staying.post(format!("{}/sign-in", self.address())).body(format!("token={}", self.token));
        for (name, value) in form.iter().chain(headers) {
            request = request.header(*name, *value);
        }
        let answer = request.send().await?;
        let cookie = answer.headers().get(header::SET_COOKIE).context("no cookie is set: the token is not accepted")?;
        Ok(cookie.to_str()?.to_owned())
    }

    /// Posts with the presenter's token.
    pub async fn post_as_presenter(&self, path: &str, body: Option<&Value>) -> Result<Response> {
        let mut request = self.http().post(format!("{}{path}", self.address())).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        Ok(request.send().await?)
    }

    /// Changes the settings with the presenter's token, and returns the new ones.
    pub async fn set(&self, patch: &Value) -> Result<Value> {
        let address = format!("{}/api/settings", self.address());
        let answer = self.http().patch(address).bearer_auth(&self.token).json(patch).send().await?;
        let status = answer.status();
        let body: Value = answer.json().await?;
        ensure!(status.is_success(), "{patch} is answered {status}: {body}");
        Ok(body)
    }

    /// Posts as the presenter, and returns the answer.
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

    /// Presses a key of the console: `next`, `back`, `again`, or a step as `steps/2`. Like the console it sends the
    /// present position. Returns the new one.
    ///
    /// # Errors
    /// If it is refused, or somebody else has pressed meanwhile.
    pub async fn press(&self, key: &str) -> Result<Value> {
        let played = self.direct(&format!("/api/stage/{key}"), Some(&self.position().await?)).await?;
        ensure!(played["done"] == true, "{key} came too late: {played}");
        Ok(played)
    }

    /// The position of the stage: its act, null before the first one, and the step.
    pub async fn position(&self) -> Result<Value> {
        let settings = self.get("/api/settings").await?;
        Ok(json!({"act": settings["act"], "step": settings["step"]}))
    }

    /// Waits until the ledger is balanced and `settled` accepts it.
    ///
    /// # Errors
    /// If that takes too long, with the last ledger.
    pub async fn until_ledger(&self, within: Duration, settled: impl Fn(&Value) -> bool) -> Result<Value> {
        until("the ledger", within, || async {
            let ledger = self.get("/api/ledger").await?;
            if ledger["balanced"] == true && settled(&ledger) { Ok(ledger) } else { bail!("{ledger}") }
        })
        .await
    }
}

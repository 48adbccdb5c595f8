//! The presenter's doors: who may come in, and what another website cannot do in the presenter's name.

use anyhow::Result;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::Stage;

/// The forms of the pages; all other changes are in the API's description.
const FORMS: [&str; 4] = ["/sign-in", "/sign-out", "/dead-letters/1/redrive", "/dead-letters/1/return"];

impl Stage {
    async fn is_signed_in(&self, cookie: &str) -> Result<bool> {
        Ok(self.get("/console").header("cookie", cookie).send().await?.status() == StatusCode::OK)
    }

    /// The address in the shop's QR code, as everybody sees it.
    async fn code(&self) -> Result<String> {
        Ok(self.get("/qr").send().await?.text().await?)
    }

    /// Every changing call of the API, and whether it is only for the presenter. They name no existing act or question.
    async fn calls(&self) -> Result<Vec<(Method, String, bool)>> {
        let api: Value = self.get("/api/openapi.json").send().await?.json().await?;
        let mut calls = Vec::new();
        for (path, methods) in api["paths"].as_object().unwrap() {
            let path = path.replace("{order_id}", "1").replace("{act}", "0").replace("{step}", "1");
            let path = path.replace("{question}", "none");
            for (method, call) in methods.as_object().unwrap().iter().filter(|(method, _)| *method != "get") {
                calls.push((method.to_uppercase().parse()?, path.clone(), call["security"].is_array()));
            }
        }
        Ok(calls)
    }

    async fn changes(&self) -> Result<Vec<(Method, String)>> {
        let forms = FORMS.map(|form| (Method::POST, form.to_owned())).into_iter();
        let calls = self.calls().await?.into_iter();
        Ok(forms.chain(calls.map(|(method, path, _)| (method, path))).collect())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_website_makes_a_browser_send_is_refused_at_every_door() -> Result<()> {
    let stage = Stage::open().await?;
    let cookie = stage.session().await?;
    let changes = stage.changes().await?;
    assert!(changes.len() > 18 && changes.iter().any(|(method, _)| method == Method::PATCH), "{changes:?}");
    for (method, path) in changes {
        for foreign in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")] {
            let sent = stage.http.request(method.clone(), stage.url(&path)).header("cookie", &cookie);
            let sent = sent.header(foreign.0, foreign.1).header("content-type", "application/json").body("{}");
            assert_eq!(sent.send().await?.status(), StatusCode::FORBIDDEN, "{method} {path} with {foreign:?}");
        }
    }
    assert!(stage.is_signed_in(&cookie).await?);
    stage.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_or_a_session_is_enough_for_every_call_of_the_presenter() -> Result<()> {
    let stage = Stage::open().await?;
    let (cookie, token) = (stage.session().await?, format!("Bearer {}", stage.token()));
    let calls: Vec<_> = stage.calls().await?.into_iter().filter(|(_, _, is_presenters)| *is_presenters).collect();
    assert!(calls.len() > 12, "{calls:?}");
    for (method, path, _) in calls {
        // A body that changes nothing, for calls that need one.
        let call = || stage.http.request(method.clone(), stage.url(&path)).json(&json!({"keep_settings": 3}));
        for (name, value) in [("cookie", &cookie), ("authorization", &token)] {
            let answer = call().header(name, value).send().await?;
            assert_ne!(answer.status(), StatusCode::UNAUTHORIZED, "{method} {path} by {name}");
        }
        for (name, value) in [("cookie", "presenter=1"), ("authorization", "Bearer"), ("authorization", "Basic x")] {
            let answer = call().header(name, value).send().await?;
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{method} {path} by {name} {value}");
            assert_eq!(answer.headers()["content-type"], "application/problem+json");
        }
    }
    stage.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_presenter_opens_the_console_and_sets_the_address_of_the_code() -> Result<()> {
    let stage = Stage::open().await?;
    let cookie = stage.session().await?;
    for door in ["/console", "/live/console"] {
        let host = format!("{}.invalid", door.replace('/', ""));
        let at = format!("{host}:{}", stage.address.port());
        let opened = |cookie: &str| stage.get(door).header("x-forwarded-host", &at).header("cookie", cookie).send();
        let stranger = opened("").await?;
        assert!(matches!(stranger.status(), StatusCode::SEE_OTHER | StatusCode::UNAUTHORIZED), "{stranger:?}");
        assert!(!stage.code().await?.contains(&host), "anybody sets the address by {door}");
        assert_eq!(opened(&cookie).await?.status(), StatusCode::OK);
        assert!(stage.code().await?.contains(&host), "{door}");
    }
    stage.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cookie_of_a_session_is_named_after_the_suite_and_over_https_it_stays_there() -> Result<()> {
    let stage = Stage::open().await?;
    let suite = std::fs::read_to_string(stage.bed.folder().join("suite-id"))?;
    let by_https = [("x-forwarded-proto", "https")];
    for (headers, is_secure) in [(&[][..], false), (&by_https[..], true)] {
        let cookie = stage.sign_in(headers).await?;
        assert!(cookie.starts_with(&format!("presenter-{}=", suite.trim())), "{cookie}");
        assert_eq!(cookie.contains("; Secure"), is_secure, "{cookie}");
        assert!(!cookie.contains(&stage.token()), "{cookie}");
    }
    stage.close().await
}

//! The stage's doors against a real broker: what comes in from outside, and how much.
#![expect(clippy::unwrap_used, reason = "what cannot be here ends the test")]

use std::net::SocketAddr;

use anyhow::Result;
use axum::{Router, http::StatusCode as Status, routing::post};
use events::ids::Service;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use service::testing::{Running, TestBed, eventually};
use stage::Address;
use tokio::{net::TcpListener, task::AbortHandle};

mod past;
mod presence;
mod presenter;
mod questions;
mod streams;

/// A stage on its own test bed.
struct Stage {
    bed: TestBed,
    http: Client,
    address: SocketAddr,
    stage: Running,
    shop: AbortHandle,
}

impl Stage {
    async fn open() -> Result<Self> {
        let bed = TestBed::new().await?;
        std::fs::create_dir_all(bed.folder())?;
        let (shop_at, shop) = shop_that_takes_all().await?;
        let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let stage = bed.start(Service::Stage, |context| stage::run_on(context, address, shop_at));
        let http = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build()?;
        let stage = Stage { bed, http, address, stage, shop };
        eventually("the stage", || async { stage.get("/api/stock").send().await.ok() }).await?;
        Ok(stage)
    }

    async fn close(self) -> Result<()> {
        self.shop.abort();
        self.stage.stop().await
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(self.url(path))
    }

    /// The session cookie of a browser where the presenter has signed in.
    async fn session(&self) -> Result<String> {
        Ok(self.sign_in(&[]).await?.split(';').next().unwrap().to_owned())
    }

    /// The `Set-Cookie` of a sign-in with these headers.
    async fn sign_in(&self, headers: &[(&str, &str)]) -> Result<String> {
        let form = self.http.post(self.url("/sign-in")).header("content-type", "application/x-www-form-urlencoded");
        let mut form = form.body(format!("token={}", self.token()));
        for (name, value) in headers {
            form = form.header(*name, *value);
        }
        Ok(form.send().await?.headers().get("set-cookie").unwrap().to_str()?.to_owned())
    }

    fn token(&self) -> String {
        std::fs::read_to_string(self.bed.folder().join("presenter-token")).unwrap().trim().to_owned()
    }
}

/// A shop that takes every order and drops it.
async fn shop_that_takes_all() -> Result<(Address, AbortHandle)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = Address::read(&format!("http://{}", listener.local_addr()?)).unwrap();
    let taking = Router::new().route("/api/orders", post(|| async { Status::ACCEPTED }));
    let serving = tokio::spawn(async move { axum::serve(listener, taking).await });
    Ok((address, serving.abort_handle()))
}

/// Expects a problem with this status; returns its field and fault.
async fn problem(answer: Response, expected: StatusCode) -> Result<(String, String)> {
    let kind = answer.headers().get("content-type").unwrap().to_str()?.to_owned();
    let (status, body) = (answer.status(), answer.json::<Value>().await?);
    anyhow::ensure!(status == expected && kind == "application/problem+json", "{status} {kind}: {body}");
    let text = |name: &str| body["errors"][0][name].as_str().unwrap_or_default().to_owned();
    Ok((text("field"), text("problem")))
}

//! The website's doors against a real broker: what comes in from outside, and how much of it may.
#![expect(clippy::unwrap_used, reason = "what cannot be here ends the test")]

use std::net::SocketAddr;

use anyhow::Result;
use events::ids::Service;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use service::testing::{Running, TestBed, eventually};

mod foreign;
mod keys;
mod socket;
mod streams;

/// A website on a test bed of its own.
struct Shop {
    bed: TestBed,
    http: Client,
    address: SocketAddr,
    website: Running,
}

impl Shop {
    async fn open() -> Result<Self> {
        let bed = TestBed::new().await?;
        std::fs::create_dir_all(bed.folder())?;
        let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let website = bed.start(Service::Website, |context| website::run_on(context, address));
        let http = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build()?;
        let shop = Shop { bed, http, address, website };
        shop.is_open().await?;
        Ok(shop)
    }

    async fn is_open(&self) -> Result<()> {
        eventually("the shop", || async { self.get("/api/beers").send().await.ok() }).await?;
        Ok(())
    }

    /// The same shop after a restart.
    async fn restarted(self) -> Result<Self> {
        let Shop { bed, http, address, website } = self;
        website.stop().await?;
        let website = bed.start(Service::Website, |context| website::run_on(context, address));
        let shop = Shop { bed, http, address, website };
        shop.is_open().await?;
        Ok(shop)
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(self.url(path))
    }

    fn order(&self, bottles: u32) -> RequestBuilder {
        self.http.post(self.url("/api/orders")).json(&order(bottles))
    }

    /// The cookie of a browser that has opened the shop.
    async fn phone(&self) -> Result<String> {
        let page = self.get("/").send().await?;
        Ok(page.headers().get("set-cookie").unwrap().to_str()?.split(';').next().unwrap().to_owned())
    }
}

fn order(bottles: u32) -> Value {
    json!({"customer": "Ada", "address": "Gent", "lines": [{"beer": "orval", "bottles": bottles}]})
}

/// The id of an order that was placed.
async fn placed(answer: Response) -> Result<String> {
    let (status, body) = (answer.status(), answer.json::<Value>().await?);
    anyhow::ensure!(status == StatusCode::ACCEPTED, "{status}: {body}");
    Ok(body["order_id"].as_str().unwrap().to_owned())
}

/// A problem of this status: its field, and what is wrong with it.
async fn problem(answer: Response, expected: StatusCode) -> Result<(String, String)> {
    let kind = answer.headers().get("content-type").unwrap().to_str()?.to_owned();
    let (status, body) = (answer.status(), answer.json::<Value>().await?);
    anyhow::ensure!(status == expected && kind == "application/problem+json", "{status} {kind}: {body}");
    let text = |name: &str| body["errors"][0][name].as_str().unwrap_or_default().to_owned();
    Ok((text("field"), text("problem")))
}

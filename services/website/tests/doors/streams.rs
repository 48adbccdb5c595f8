//! Streams: one client does not use up the places of others.

use anyhow::{Context as _, Result};
use reqwest::{Response, StatusCode};
use service::testing::LIMIT;
use tokio::time::timeout;

use crate::{Shop, placed};

/// A header that a tunnel on this machine adds.
const FORWARDED: &str = "x-forwarded-for";
const ROOM: &str = "192.0.2.7";
const FULL: StatusCode = StatusCode::SERVICE_UNAVAILABLE;

impl Shop {
    /// A stream of somebody in the room.
    async fn stream(&self, path: &str, cookie: &str) -> Result<Response> {
        Ok(self.get(path).header(FORWARDED, ROOM).header("cookie", cookie).send().await?)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_opens_streams_without_end_locks_nobody_out() -> Result<()> {
    let shop = Shop::open().await?;
    let mut greedy = Vec::new();
    let turned_away = loop {
        let path = if greedy.len() % 2 == 0 { "/api/live" } else { "/live/shop" };
        let stream = shop.stream(path, "").await?;
        if stream.status() != StatusCode::OK {
            break stream;
        }
        greedy.push(stream);
        assert!(greedy.len() <= 500);
    };
    assert_eq!((greedy.len(), turned_away.status()), (500, FULL));
    assert!(turned_away.headers().contains_key("retry-after"));
    let phone = shop.phone().await?;
    let mut mine = Vec::new();
    for _ in 0..12 {
        mine.push(shop.stream("/live/shop", &phone).await?);
    }
    assert!(mine.iter().all(|stream| stream.status() == StatusCode::OK), "a phone behind the same address");
    assert_eq!(shop.stream("/live/shop", &phone).await?.status(), FULL, "a browser has twelve");
    assert_eq!(shop.stream("/api/live", &phone).await?.status(), FULL);
    let elsewhere = shop.get("/live/shop").header(FORWARDED, "192.0.2.8").send().await?;
    assert_eq!(elsewhere.status(), StatusCode::OK);
    drop(mine);
    service::testing::eventually("a place", || async {
        let again = shop.stream("/live/shop", &phone).await.ok()?;
        (again.status() == StatusCode::OK).then_some(())
    })
    .await?;
    drop(greedy);
    shop.website.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_stream_asks_proxies_to_pass_it_on_at_once_and_unchanged() -> Result<()> {
    let shop = Shop::open().await?;
    let order = placed(shop.order(1).send().await?).await?;
    let of_the_order = ["/live/orders/", "/api/live?order="].map(|path| format!("{path}{order}"));
    let of_all = ["/live/shop", "/api/live", "/live/shop?once"].map(str::to_owned);
    for path in of_the_order.into_iter().chain(of_all) {
        let stream = shop.get(&path).header("accept-encoding", "gzip").send().await?;
        let header = |name: &str| stream.headers().get(name).and_then(|value| value.to_str().ok());
        assert_eq!((stream.status(), header("content-type")), (StatusCode::OK, Some("text/event-stream")), "{path}");
        assert_eq!(header("x-accel-buffering"), Some("no"), "{path}");
        assert_eq!(header("cache-control"), Some("no-store, no-transform"), "{path}");
        assert_eq!(header("content-encoding"), None, "{path}");
    }
    shop.website.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_cannot_hear_a_stream_asks_for_what_it_begins_with() -> Result<()> {
    let shop = Shop::open().await?;
    let order = placed(shop.order(1).send().await?).await?;
    for path in [format!("/live/orders/{order}"), "/live/shop".to_owned()] {
        let asked = async { shop.get(&format!("{path}?lang=en&once")).send().await?.text().await };
        let said = timeout(LIMIT, asked).await.with_context(|| format!("{path} does not end"))??;
        assert!(said.contains("event: fragments"), "{path}: {said}");
    }
    shop.website.stop().await
}

//! Streams of the stage's pages.

use anyhow::{Context as _, Result};
use events::{
    ids::BeerId,
    orders::{Line, PlaceOrder, PlaceOrderType},
    quantities::Bottles,
    topics::ORDERS,
};
use reqwest::StatusCode;
use service::testing::{LIMIT, eventually};
use tokio::time::timeout;

use crate::Stage;

const ORDER: &str = "o1";

impl Stage {
    /// Makes the stage read an order, so that it can be followed.
    async fn order(&self) -> Result<()> {
        let order = PlaceOrder {
            kind: PlaceOrderType::PlaceOrder,
            order_id: Some(ORDER.parse()?),
            customer: "Ada".into(),
            address: "Gent".into(),
            lines: vec![Line { beer: BeerId::new("orval"), bottles: Bottles(1) }],
        };
        self.bed.publish(ORDERS, ORDER, &order).await?;
        let is_known =
            || async { self.get(&format!("/orders/{ORDER}")).send().await.ok()?.status().is_success().then_some(()) };
        eventually("the stage to have read the order", is_known).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_stream_asks_proxies_to_pass_it_on_at_once_and_unchanged() -> Result<()> {
    let stage = Stage::open().await?;
    stage.order().await?;
    let of_the_order = ["/live/followed/", "/api/live?order="].map(|path| format!("{path}{ORDER}"));
    let of_all = ["/live/map", "/api/live", "/live/map?once"].map(str::to_owned);
    for path in of_the_order.into_iter().chain(of_all) {
        let stream = stage.get(&path).header("accept-encoding", "gzip").send().await?;
        let header = |name: &str| stream.headers().get(name).and_then(|value| value.to_str().ok());
        assert_eq!((stream.status(), header("content-type")), (StatusCode::OK, Some("text/event-stream")), "{path}");
        assert_eq!(header("x-accel-buffering"), Some("no"), "{path}");
        assert_eq!(header("cache-control"), Some("no-store, no-transform"), "{path}");
        assert_eq!(header("content-encoding"), None, "{path}");
    }
    stage.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_cannot_hear_a_stream_asks_for_what_it_begins_with() -> Result<()> {
    let stage = Stage::open().await?;
    stage.order().await?;
    for path in [format!("/live/followed/{ORDER}"), "/live/map".to_owned()] {
        let asked = async { stage.get(&format!("{path}?lang=en&once")).send().await?.text().await };
        let said = timeout(LIMIT, asked).await.with_context(|| format!("{path} does not end"))??;
        assert!(said.contains("event: fragments"), "{path}: {said}");
    }
    stage.close().await
}

//! What a service reports when messages wait and it gets none, against a real broker.

use anyhow::Result;
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode},
};
use bus::ConsumerOptions;
use events::{
    ids::Service,
    topics::{ORDERS, PRESENCE},
};
use service::{
    health, presence,
    testing::{TestBed, eventually},
};
use tower::ServiceExt as _;

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_gets_nothing_of_what_waits_is_not_ready_and_says_on_which_topic() -> Result<()> {
    let bed = TestBed::new().await?;
    let context = bed.context(Service::Warehouse);
    let routes: Router = health::routes(context.health.clone(), context.metrics.clone());
    let ask = async |path: &str| {
        let answer = routes.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
        let (status, body) = (answer.status(), to_bytes(answer.into_body(), 1_000).await.unwrap());
        (status, String::from_utf8_lossy(&body).into_owned())
    };
    assert_eq!(ask("/health/ready").await.0, StatusCode::OK);
    // This episode was not created: there is nothing to subscribe to.
    let mut orders = context.bus.in_episode(99).consumer(ORDERS, Service::Warehouse, ConsumerOptions::default())?;
    let receiving = tokio::spawn(async move { orders.receive(1).await.len() });
    let mut heard = bed.bus.consumer(PRESENCE, Service::Stage, ConsumerOptions::default())?;
    let saying = tokio::spawn(presence::announce(context.clone()));
    eventually("it to be named", || async {
        let (status, said) = ask("/health/ready").await;
        (status == StatusCode::SERVICE_UNAVAILABLE && said.contains("messages that wait")).then_some(())
    })
    .await?;
    assert_eq!(ask("/health/live").await.0, StatusCode::OK, "it heals itself");
    let standing_still = async {
        loop {
            for presence in heard.receive(1).await.into_iter().filter_map(|received| received.message.ok()) {
                if !presence.standing_still.is_empty() {
                    return presence.standing_still;
                }
            }
        }
    };
    assert_eq!(tokio::time::timeout(service::testing::LIMIT, standing_still).await?, ["orders"]);
    saying.abort();
    receiving.abort();
    Ok(())
}

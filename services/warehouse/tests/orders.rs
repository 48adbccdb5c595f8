//! The warehouse against a real broker.
#![expect(clippy::unwrap_used, reason = "what cannot be here ends the test")]

use anyhow::Result;
use events::{
    decisions::OrderDecision,
    delivery::DeliveryUpdate,
    ids::{BeerId, OrderId, Service},
    orders::{Line, PlaceOrder, PlaceOrderType},
    quantities::Bottles,
    received::Received,
    stock::{StockChange, StockEvent},
    topics::{DELIVERY_ORDERS, DELIVERY_UPDATES, ORDER_DECISIONS, ORDERS, STOCK_EVENTS, UNREADABLE},
};
use service::testing::TestBed;

fn order(id: &str, beer: &str, bottles: u32) -> PlaceOrder {
    PlaceOrder {
        kind: PlaceOrderType::PlaceOrder,
        order_id: Some(id.parse().unwrap()),
        customer: "Ada".into(),
        address: "Grote Markt 1, Brussel".into(),
        lines: vec![Line { beer: BeerId::new(beer), bottles: Bottles(bottles) }],
    }
}

fn decisions(received: &[Received<OrderDecision>]) -> Vec<(&str, bool)> {
    let decided = received.iter().filter_map(|received| received.message.as_ref().ok());
    decided.map(|d| (d.order_id().as_str(), matches!(d, OrderDecision::Accepted { .. }))).collect()
}

fn of_beer(received: &[Received<StockEvent>], beer: &str) -> Vec<(StockChange, u64, u32)> {
    let events = received.iter().filter_map(|received| received.message.as_ref().ok());
    events.filter(|e| e.beer.as_str() == beer).map(|e| (e.change, e.sequence.0, e.level.0)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn decides_each_order_once_and_keeps_the_sequence() -> Result<()> {
    let bed = TestBed::new().await?;
    let warehouse = bed.start(Service::Warehouse, warehouse::run);
    bed.publish(ORDERS, "a", &order("a", "orval", 2)).await?;
    bed.publish(ORDERS, "a", &order("a", "orval", 2)).await?;
    bed.publish_raw(ORDERS, b"two Orval please").await?;
    bed.publish(ORDERS, "b", &order("b", "westvleteren-12", 13)).await?;
    bed.publish(ORDERS, "c", &order("c", "orval", 3)).await?;
    let decided = bed.read_until(ORDER_DECISIONS, |all| all.len() >= 3).await?;
    assert_eq!(decisions(&decided), [("a", true), ("b", false), ("c", true)]);
    let log = bed.read_until(STOCK_EVENTS, |all| all.len() >= 14).await?;
    let expected = [(StockChange::Counted, 1, 200), (StockChange::Reserved, 2, 198), (StockChange::Reserved, 3, 195)];
    assert_eq!(of_beer(&log, "orval"), expected);
    assert_eq!(bed.read_until(DELIVERY_ORDERS, |all| all.len() >= 2).await?.len(), 2);
    let unreadable = bed.read_until(UNREADABLE, |all| !all.is_empty()).await?;
    let unreadable = unreadable[0].message.as_ref().unwrap();
    assert_eq!((unreadable.topic.as_str(), unreadable.first_bytes.as_str()), ("orders", "two Orval please"));
    assert!(unreadable.reason.starts_with("undecodable"));
    warehouse.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_without_an_id_is_named_after_its_message() -> Result<()> {
    let bed = TestBed::new().await?;
    let warehouse = bed.start(Service::Warehouse, warehouse::run);
    let typed = br#"{"customer":"Bart","address":"Korenmarkt 2, Gent","lines":[{"beer":"duvel","bottles":1}]}"#;
    bed.publish_raw(ORDERS, typed).await?;
    let decided = bed.read_until(ORDER_DECISIONS, |all| !all.is_empty()).await?;
    let placed = bed.read_until(ORDERS, |all| !all.is_empty()).await?;
    assert_eq!(decisions(&decided), [(placed[0].order_id().unwrap().as_str(), true)]);
    assert!(placed[0].order_id().unwrap().as_str().starts_with("m-"));
    warehouse.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_an_order_back_once() -> Result<()> {
    let bed = TestBed::new().await?;
    let warehouse = bed.start(Service::Warehouse, warehouse::run);
    bed.publish(ORDERS, "a", &order("a", "orval", 2)).await?;
    bed.read_until(ORDER_DECISIONS, |all| !all.is_empty()).await?;
    let order_id: OrderId = "a".parse()?;
    let returned = DeliveryUpdate::Returned { order_id, lines: order("a", "orval", 2).lines };
    for _ in 0..2 {
        bed.publish(DELIVERY_UPDATES, "a", &returned).await?;
    }
    bed.publish(ORDERS, "b", &order("b", "duvel", 1)).await?;
    let log = bed.read_until(STOCK_EVENTS, |all| all.len() >= 15).await?;
    assert_eq!(log.len(), 15, "12 counted, 2 reserved, 1 released");
    assert!(of_beer(&log, "orval").contains(&(StockChange::Released, 3, 200)));
    warehouse.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_warehouse_goes_on_where_it_was() -> Result<()> {
    let bed = TestBed::new().await?;
    let warehouse = bed.start(Service::Warehouse, warehouse::run);
    for n in 0..50 {
        bed.publish(ORDERS, "x", &order(&format!("a{n}"), "orval", 1)).await?;
    }
    warehouse.kill().await;
    let warehouse = bed.start(Service::Warehouse, warehouse::run);
    for n in 0..50 {
        bed.publish(ORDERS, "x", &order(&format!("b{n}"), "orval", 1)).await?;
    }
    let decided = bed.read_until(ORDER_DECISIONS, |all| distinct(all) >= 100).await?;
    assert_eq!(distinct(&decided), 100);
    let log = bed.read_until(STOCK_EVENTS, |all| of_beer(all, "orval").len() >= 101).await?;
    let orval = of_beer(&log, "orval");
    let expected: Vec<u64> = (1..=orval.len() as u64).collect();
    assert_eq!(orval.iter().map(|(_, sequence, _)| *sequence).collect::<Vec<_>>(), expected);
    warehouse.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn waits_while_another_program_holds_its_database() -> Result<()> {
    let bed = TestBed::new().await?;
    let warehouse = bed.start(Service::Warehouse, warehouse::run);
    bed.read_until(STOCK_EVENTS, |all| all.len() >= 12).await?;
    let lock = bed.hold_database(Service::Warehouse).await?;
    bed.publish(ORDERS, "a", &order("a", "orval", 2)).await?;
    warehouse.waits_for_its_database().await?;
    drop(lock);
    let decided = bed.read_until(ORDER_DECISIONS, |all| !all.is_empty()).await?;
    assert_eq!(decisions(&decided), [("a", true)]);
    warehouse.stop().await
}

fn distinct(received: &[Received<OrderDecision>]) -> usize {
    decisions(received).into_iter().collect::<std::collections::HashSet<_>>().len()
}

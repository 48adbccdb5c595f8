//! The bus against a real broker.
#![expect(clippy::unwrap_used, reason = "what cannot be here ends the test")]

mod bed;

use std::{sync::LazyLock, time::SystemTime};

use anyhow::{Result, ensure};
use bed::fresh;
use bus::{Bus, Consumer, ConsumerOptions, Outgoing, Scope, Until, compact, episodes, forget_earlier_episodes, set_up};
use events::{
    delivery::DeliveryOrder,
    ids::{BeerId, EventId, Moment, OrderId, Service},
    orders::Line,
    quantities::{Bottles, Sequence},
    received::Position,
    stock::{StockChange, StockEvent, StockLevel},
    topics::{DELIVERY_ORDERS, ORDERS, STOCK_EVENTS, STOCK_LEVELS, SubscriptionType},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Longest wait for something that must happen.
const LIMIT: std::time::Duration = std::time::Duration::from_secs(30);

fn event(sequence: u64) -> StockEvent {
    StockEvent {
        change: StockChange::Reserved,
        beer: BeerId::new("orval"),
        sequence: Sequence(sequence),
        bottles: Bottles(1),
        level: Bottles(1000),
        order_id: None,
    }
}

fn message(sequence: u64) -> Outgoing {
    let id = EventId::new(format!("test-{sequence}"));
    Outgoing::new(STOCK_EVENTS, "orval", id, *HAPPENED_AT, &event(sequence)).unwrap()
}

/// The time in the messages of these tests: shortly before they are published.
static HAPPENED_AT: LazyLock<Moment> = LazyLock::new(|| {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Moment::from_micros(i64::try_from(now.as_micros()).unwrap_or(i64::MAX)).plus_millis(-1_000)
});

/// Reads this many, acknowledges them, and returns their sequences.
async fn read(consumer: &mut Consumer<StockEvent>, count: usize) -> Result<Vec<u64>> {
    let mut sequences = Vec::new();
    let reading = async {
        while sequences.len() < count {
            let batch = consumer.receive(count - sequences.len()).await;
            let positions: Vec<Position> = batch.iter().map(|received| received.position).collect();
            sequences.extend(batch.iter().filter_map(|received| received.message.as_ref().ok()).map(|e| e.sequence.0));
            consumer.acknowledge(&positions).await;
        }
    };
    let in_time = tokio::time::timeout(LIMIT, reading).await;
    ensure!(in_time.is_ok(), "only {} of {count} came", sequences.len());
    Ok(sequences)
}

async fn replayed<M: DeserializeOwned>(bus: &Bus, topic: events::topics::Topic<M>, until: Until) -> Result<usize> {
    let mut replay = bus.replay(topic, until);
    let mut count = 0;
    while let Some(batch) = replay.next().await? {
        count += batch.len();
    }
    Ok(count)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_goes_on_behind_what_was_read() -> Result<()> {
    let (bus, _) = fresh().await?;
    let mut publisher = bus.publisher();
    publisher.publish(&(1..=5).map(message).collect::<Vec<_>>()).await?;
    let mut all = bus.replay(STOCK_EVENTS, Until::Now);
    let mut read = Vec::new();
    while let Some(batch) = all.next().await? {
        read.extend(batch);
    }
    let mut rest = bus.replay(STOCK_EVENTS, Until::Now).after(read[2].position);
    let mut sequences = Vec::new();
    while let Some(batch) = rest.next().await? {
        sequences.extend(batch.into_iter().filter_map(|received| received.message.ok()).map(|event| event.sequence.0));
    }
    assert_eq!((sequences, rest.messages_read()), (vec![4, 5], 2));
    let mut none = bus.replay(STOCK_EVENTS, Until::Now).after(read[4].position);
    assert!(none.next().await?.is_none(), "nothing came since");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_consumer_is_gone_from_the_broker() -> Result<()> {
    let (bus, admin) = fresh().await?;
    bus.publisher().publish(&(1..=5).map(message).collect::<Vec<_>>()).await?;
    let address = STOCK_EVENTS.spec.admin_path(&bus.scope().tenant, 1);
    for kind in
        [SubscriptionType::Shared, SubscriptionType::KeyShared, SubscriptionType::Failover, SubscriptionType::Shared]
    {
        let options = ConsumerOptions { subscription_type: Some(kind), ..ConsumerOptions::default() };
        let mut consumer = bus.consumer(STOCK_EVENTS, Service::StockLevel, options)?;
        read(&mut consumer, 1).await?;
        consumer.close().await;
        // Otherwise the next one, of another type, would be refused.
        let stats: Value = admin.get(&format!("{address}/stats")).await?;
        let left = &stats["subscriptions"]["stock-level"]["consumers"];
        assert_eq!(left.as_array().map(Vec::len), Some(0), "{kind:?}: {left}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn setting_up_twice_changes_nothing() -> Result<()> {
    let (bus, admin) = fresh().await?;
    bus.publisher().publish(&[message(1)]).await?;
    set_up(&admin, bus.scope()).await?;
    assert_eq!(replayed(&bus, STOCK_EVENTS, Until::Now).await?, 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_table_gives_subscriptions() -> Result<()> {
    let (bus, _) = fresh().await?;
    assert!(bus.consumer(STOCK_LEVELS, Service::Delivery, ConsumerOptions::default()).is_err());
    assert!(bus.consumer(ORDERS, Service::Warehouse, ConsumerOptions::default()).is_ok());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_published_before_anyone_came_is_read_in_order_with_its_id_and_time() -> Result<()> {
    let (bus, _) = fresh().await?;
    let messages: Vec<_> = (1..=700).map(message).collect();
    bus.publisher().publish(&messages).await?;
    let mut consumer = bus.consumer(STOCK_EVENTS, Service::StockLevel, ConsumerOptions::default())?;
    let first = consumer.receive(1).await;
    assert_eq!((first[0].event_id.as_str(), first[0].at), ("test-1", *HAPPENED_AT));
    consumer.acknowledge(&[first[0].position]).await;
    assert_eq!(read(&mut consumer, 699).await?, (2..=700).collect::<Vec<_>>());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_goes_on_when_the_broker_closes_the_topic() -> Result<()> {
    let (bus, admin) = fresh().await?;
    let mut publisher = bus.publisher();
    let mut consumer = bus.consumer(STOCK_EVENTS, Service::StockLevel, ConsumerOptions::default())?;
    let mut seen = Vec::new();
    for round in 0..4 {
        let messages: Vec<_> = (1..=50).map(|n| message(round * 50 + n)).collect();
        publisher.publish(&messages).await?;
        seen.extend(read(&mut consumer, 50).await?);
        let topic = STOCK_EVENTS.spec.admin_path(&bus.scope().tenant, 1);
        admin.put(&format!("{topic}/unload"), None).await?;
    }
    // The last acknowledged messages may be redelivered; nothing is missing, and nothing is early.
    seen.dedup();
    seen.sort_unstable();
    seen.dedup();
    assert!(seen.iter().zip(1..).all(|(sequence, expected)| *sequence == expected), "{seen:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_ends_where_it_was_told_to_and_leaves_no_subscription() -> Result<()> {
    let (bus, admin) = fresh().await?;
    assert_eq!(replayed(&bus, STOCK_EVENTS, Until::Now).await?, 0, "nothing is there");
    bus.publisher().publish(&(1..=100).map(message).collect::<Vec<_>>()).await?;
    let mut replay = bus.replay(STOCK_EVENTS, Until::Now);
    let mut positions = Vec::new();
    while let Some(batch) = replay.next().await? {
        positions.extend(batch.into_iter().map(|received| received.position));
    }
    assert_eq!(positions.len(), 100);
    assert_eq!(replayed(&bus, STOCK_EVENTS, Until::Position(positions[39])).await?, 40);
    drop(replay);
    let topic = STOCK_EVENTS.spec.admin_path(&bus.scope().tenant, 1);
    let deadline = tokio::time::Instant::now() + LIMIT;
    loop {
        let stats: Value = admin.get(&format!("{topic}/stats")).await?;
        let subscriptions: Vec<_> = stats["subscriptions"].as_object().into_iter().flat_map(|all| all.keys()).collect();
        if subscriptions.iter().all(|name| !name.starts_with("replay")) {
            return Ok(());
        }
        ensure!(tokio::time::Instant::now() < deadline, "{subscriptions:?}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_courier_has_one_parcel_in_hand_and_another_gets_it_when_they_are_gone() -> Result<()> {
    let (bus, _) = fresh().await?;
    let parcel = |n: u32| {
        let order_id: OrderId = format!("o-{n}").parse().unwrap();
        let lines = vec![Line { beer: BeerId::new("orval"), bottles: Bottles(1) }];
        let (customer, address) = ("Ada".to_owned(), "Gent".to_owned());
        let order = DeliveryOrder { order_id: order_id.clone(), round: 1, attempt: 1, customer, address, lines };
        Outgoing::new(
            DELIVERY_ORDERS,
            order_id.as_str(),
            EventId::new(format!("p-{n}")),
            Moment::from_micros(1),
            &order,
        )
        .unwrap()
    };
    bus.publisher().publish(&(1..=3).map(parcel).collect::<Vec<_>>()).await?;
    let courier = |name: &str| ConsumerOptions { name: Some(name.to_owned()), ..ConsumerOptions::default() };
    let mut ada = bus.consumer(DELIVERY_ORDERS, Service::Delivery, courier("Ada"))?;
    let in_hand = tokio::time::timeout(LIMIT, ada.receive(10)).await?;
    assert_eq!(in_hand.len(), 1, "one parcel, and not the three that are there");
    let mut bart = bus.consumer(DELIVERY_ORDERS, Service::Delivery, courier("Bart"))?;
    let other = tokio::time::timeout(LIMIT, bart.receive(10)).await?;
    assert_eq!(other.len(), 1);
    assert_ne!(other[0].event_id, in_hand[0].event_id);
    drop(ada);
    bart.acknowledge(&[other[0].position]).await;
    let mut left = std::collections::BTreeSet::new();
    while left.len() < 2 {
        let next = tokio::time::timeout(LIMIT, bart.receive(10)).await?;
        left.insert(next[0].event_id.clone());
        bart.acknowledge(&[next[0].position]).await;
    }
    assert!(left.contains(&in_hand[0].event_id), "what Ada had in hand: {left:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compacted_topic_is_read_as_one_message_a_key() -> Result<()> {
    let (bus, admin) = fresh().await?;
    let level = |beer: &str, sequence| {
        let level = StockLevel {
            beer: BeerId::new(beer),
            level: Bottles(7),
            sequence: Sequence(sequence),
            settled: Sequence(sequence),
            written: sequence,
            event: Sequence(sequence),
            ignored: false,
            worker: "worker-1".to_owned(),
            taken_at: Moment::from_micros(1),
            at: Moment::from_micros(1),
        };
        let id = EventId::new(format!("{beer}-{sequence}"));
        Outgoing::new(STOCK_LEVELS, beer, id, Moment::from_micros(1), &level).unwrap()
    };
    let beers = ["orval", "duvel", "chimay"];
    let levels: Vec<_> = (1..=10).flat_map(|sequence| beers.map(|beer| level(beer, sequence))).collect();
    bus.publisher().publish(&levels).await?;
    assert_eq!(replayed(&bus, STOCK_LEVELS, Until::Now).await?, 30);
    compact(&admin, bus.scope(), STOCK_LEVELS.spec).await?;
    let path = STOCK_LEVELS.spec.admin_path(&bus.scope().tenant, 1);
    let deadline = std::time::Instant::now() + LIMIT;
    loop {
        let state: Value = admin.get(&format!("{path}/compaction")).await?;
        if state["status"] == "SUCCESS" {
            break;
        }
        ensure!(std::time::Instant::now() < deadline, "{state}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let mut replay = bus.replay(STOCK_LEVELS, Until::Now);
    let mut read = Vec::new();
    while let Some(batch) = replay.next().await? {
        read.extend(batch.into_iter().map(|received| received.message.unwrap()));
    }
    let sequences: Vec<_> = read.iter().map(|level| (level.beer.as_str(), level.sequence.0)).collect();
    assert_eq!(sequences, beers.map(|beer| (beer, 10)));
    let mut everything = bus.replay(STOCK_LEVELS, Until::Now).uncompacted();
    while everything.next().await?.is_some() {}
    assert_eq!(everything.messages_read(), 30, "what was left out is still there");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_of_an_earlier_version_gets_the_policies_it_lacks() -> Result<()> {
    let (_, admin) = fresh().await?;
    let place = Scope { tenant: format!("test-{:08x}", rand::random::<u32>()), episode: 1 };
    let clusters: Vec<String> = admin.get("clusters").await?;
    let tenant = json!({"adminRoles": [], "allowedClusters": clusters});
    admin.put(&format!("tenants/{}", place.tenant), Some(&tenant)).await?;
    let old = json!({"retention_policies": {"retentionTimeInMinutes": 1440, "retentionSizeInMB": 1024}});
    for namespace in ["shop-1", "stock-1", "stage"] {
        admin.put(&format!("namespaces/{}/{namespace}", place.tenant), Some(&old)).await?;
    }
    set_up(&admin, &place).await?;
    for (namespace, compacted_after, deduplicated, in_hand) in [
        ("shop-1", Value::Null, json!(false), json!(1)),
        ("stock-1", json!(4_194_304), json!(true), json!(1)),
        ("stage", json!(16_384), json!(false), Value::Null),
    ] {
        let policies: Value = admin.get(&format!("namespaces/{}/{namespace}", place.tenant)).await?;
        let kept = json!({"retentionTimeInMinutes": -1, "retentionSizeInMB": -1});
        assert_eq!(policies["retention_policies"], kept, "{namespace}");
        assert_eq!(policies["compaction_threshold"], compacted_after, "{namespace}");
        assert_eq!(policies["deduplicationEnabled"], deduplicated, "{namespace}");
        assert_eq!(policies["max_unacked_messages_per_consumer"], in_hand, "{namespace}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_of_an_earlier_version_are_deleted_and_those_of_others_stay() -> Result<()> {
    let (bus, admin) = fresh().await?;
    let topic = DELIVERY_ORDERS.spec.admin_path(&bus.scope().tenant, 1);
    let mut specified: Vec<String> = admin.get(&format!("{topic}/subscriptions")).await?;
    let earliest = json!({"ledgerId": -1, "entryId": -1, "partitionIndex": -1});
    // Ours on other topics, and one of a client of someone else.
    for name in ["website", "fraud-watch", "a-courier-in-python"] {
        admin.put(&format!("{topic}/subscription/{name}"), Some(&earliest)).await?;
    }
    set_up(&admin, bus.scope()).await?;
    let mut kept: Vec<String> = admin.get(&format!("{topic}/subscriptions")).await?;
    specified.push("a-courier-in-python".to_owned());
    specified.sort();
    kept.sort();
    assert_eq!(kept, specified);
    // A specified one keeps its position.
    let orders = ORDERS.spec.admin_path(&bus.scope().tenant, 1);
    let of_orders: Vec<String> = admin.get(&format!("{orders}/subscriptions")).await?;
    assert!(of_orders.iter().any(|name| name == "website"), "{of_orders:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn only_earlier_episodes_are_deleted() -> Result<()> {
    let (bus, admin) = fresh().await?;
    for episode in [2, 3, 12] {
        set_up(&admin, bus.in_episode(episode).scope()).await?;
    }
    assert_eq!(episodes(&admin, bus.scope()).await?, [1, 2, 3, 12].into());
    forget_earlier_episodes(&admin, bus.in_episode(3).scope()).await?;
    assert_eq!(episodes(&admin, bus.scope()).await?, [3, 12].into());
    Ok(())
}

/// Any page that is open in a browser on this machine can send what a form sends, and open a WebSocket. Neither writes
/// to a topic.
#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_page_cannot_write_to_a_topic() -> Result<()> {
    let (bus, _) = fresh().await?;
    let address = ORDERS.spec.admin_path(&bus.scope().tenant, 1);
    let http = reqwest::Client::builder().no_proxy().build()?;
    let foreign = |request: reqwest::RequestBuilder| request.header("Origin", "https://evil.example");
    let topic = format!("{}/topics/{address}", bus.broker().admin_url);
    for kind in ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"] {
        let order = r#"{"messages":[{"payload":"two Orval"}]}"#;
        let answer = foreign(http.post(&topic).header("Content-Type", kind).body(order)).send().await?;
        assert_eq!(answer.status(), 415, "{kind}");
    }
    let socket = foreign(http.get(format!("{}/ws/v2/producer/{address}", bus.broker().admin_url)))
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
    assert_eq!(socket.send().await?.status(), 404, "the broker's WebSocket is on");
    assert_eq!(replayed(&bus, ORDERS, Until::Now).await?, 0);
    Ok(())
}

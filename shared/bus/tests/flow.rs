//! Messages flow to exactly one of our consumers, whatever gets lost on the way to the broker.

mod bed;
mod network;

use std::{future::Future, time::Duration};

use anyhow::{Result, ensure};
use bed::fresh;
use bus::{Admin, Broker, Bus, Consumer, ConsumerOptions, Outgoing};
use events::{
    delivery::DeliveryUpdate,
    ids::{EventId, Moment, OrderId, Service},
    topics::{DELIVERY_UPDATES, ORDER_DECISIONS, ORDERS},
};
use network::{Loss, Network};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep, timeout};

/// Longest wait for something that must happen; a request without an answer is given up after ten seconds.
const LIMIT: Duration = Duration::from_secs(40);

/// A bus straight to the broker, one through a network, and the network.
struct TestBed {
    straight: Bus,
    through: Bus,
    network: Network,
    admin: Admin,
}

impl TestBed {
    async fn new() -> Result<Self> {
        let (straight, admin) = fresh().await?;
        let network = Network::before(&straight.broker().url).await?;
        let broker = Broker { url: network.url(), ..straight.broker().clone() };
        let through = Bus::new(broker, straight.scope().clone());
        Ok(TestBed { straight, through, network, admin })
    }

    /// Something that was delivered.
    async fn publish(&self, n: u32) -> Result<()> {
        let order_id: OrderId = format!("o-{n}").parse()?;
        let update = DeliveryUpdate::Returned { order_id, lines: Vec::new() };
        let id = EventId::new(format!("u-{n}"));
        let update = Outgoing::new(DELIVERY_UPDATES, "o", id, Moment::from_micros(1), &update)?;
        Ok(self.straight.publisher().publish(&[update]).await?)
    }

    /// How many consumers the warehouse's subscription to the updates has at the broker.
    async fn consumers(&self) -> Result<usize> {
        let topic = DELIVERY_UPDATES.spec.admin_path(&self.straight.scope().tenant, 1);
        let stats: serde_json::Value = self.admin.get(&format!("{topic}/stats")).await?;
        Ok(stats["subscriptions"]["warehouse"]["consumers"].as_array().map_or(0, Vec::len))
    }
}

fn consume<M: DeserializeOwned + Send + 'static>(mut consumer: Consumer<M>) {
    tokio::spawn(async move {
        loop {
            let batch = consumer.receive(1).await;
            consumer.acknowledge(&[batch[0].position]).await;
        }
    });
}

async fn until<Looking: Future<Output = Result<bool>>>(what: &str, look: impl Fn() -> Looking) -> Result<()> {
    let deadline = Instant::now() + LIMIT;
    while !look().await? {
        ensure!(Instant::now() < deadline, "waited {} s for {what}", LIMIT.as_secs());
        sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// Receives until this one comes; one that was acknowledged just before the topic was closed may be redelivered.
async fn receive(consumer: &mut Consumer<DeliveryUpdate>, expected: &str) -> Result<()> {
    loop {
        let batch = timeout(LIMIT, consumer.receive(1)).await?;
        consumer.acknowledge(&[batch[0].position]).await;
        if batch[0].event_id.as_str() == expected {
            return Ok(());
        }
    }
}

/// After a broker was killed it may take longer to open a topic than the client waits. The broker then has an
/// abandoned consumer.
#[tokio::test(flavor = "multi_thread")]
async fn a_subscribe_that_was_not_confirmed_in_time_leaves_no_second_consumer() -> Result<()> {
    let bed = TestBed::new().await?;
    // Others of the same process, which have nothing to do.
    consume(bed.through.consumer(ORDERS, Service::Warehouse, ConsumerOptions::default())?);
    consume(bed.through.consumer(ORDER_DECISIONS, Service::InventoryAnalysis, ConsumerOptions::default())?);
    consume(bed.through.consumer(ORDERS, Service::InventoryAnalysis, ConsumerOptions::default())?);
    until("the others", || async { Ok(bed.through.is_connected()) }).await?;
    bed.network.lose(Loss::SubscribeAnswer);
    let mut updates = bed.through.consumer(DELIVERY_UPDATES, Service::Warehouse, ConsumerOptions::default())?;
    until("the answer to be lost", || async { Ok(bed.network.to_lose() == 0) }).await?;
    bed.publish(1).await?;
    receive(&mut updates, "u-1").await?;
    // The first one may go a moment later than the second comes.
    until("one consumer", || async { Ok(bed.consumers().await? == 1) }).await?;
    bed.publish(2).await?;
    receive(&mut updates, "u-2").await?;
    assert_eq!(bed.consumers().await?, 1);
    Ok(())
}

/// A connection of the client takes some hundred kB, and a standalone broker asks for a second one to the same address.
#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_needs_one_connection() -> Result<()> {
    let bed = TestBed::new().await?;
    let mut updates = bed.through.consumer(DELIVERY_UPDATES, Service::Warehouse, ConsumerOptions::default())?;
    bed.publish(1).await?;
    receive(&mut updates, "u-1").await?;
    assert_eq!(bed.network.connections(), 1);
    Ok(())
}

/// Whatever the client does not notice: messages wait, and no consumer gets them.
#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_gets_nothing_of_what_waits_is_named_and_made_anew() -> Result<()> {
    let bed = TestBed::new().await?;
    bed.network.lose(Loss::Permits);
    let mut updates = bed.through.consumer(DELIVERY_UPDATES, Service::Warehouse, ConsumerOptions::default())?;
    bed.publish(1).await?;
    let received = tokio::spawn(async move { (receive(&mut updates, "u-1").await, updates) });
    until("it to be noticed", || async { Ok(bed.through.standing_still() == ["delivery-updates"]) }).await?;
    let (received, _updates) = received.await?;
    received?;
    assert_eq!(bed.consumers().await?, 1);
    assert!(bed.through.standing_still().is_empty(), "it flows again");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_cannot_be_subscribed_to_is_named_until_it_can() -> Result<()> {
    let bed = TestBed::new().await?;
    // Two attempts per second, for longer than detection takes.
    for _ in 0..40 {
        bed.network.lose(Loss::Subscribe);
    }
    let mut updates = bed.through.consumer(DELIVERY_UPDATES, Service::Warehouse, ConsumerOptions::default())?;
    until("it to be noticed", || async { Ok(bed.through.standing_still() == ["delivery-updates"]) }).await?;
    bed.publish(1).await?;
    receive(&mut updates, "u-1").await?;
    assert!(bed.through.standing_still().is_empty());
    Ok(())
}

/// When the broker closes a topic the client subscribes again; if that is refused it reports an error and continues without.
#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_the_client_could_not_make_again_is_made_anew() -> Result<()> {
    let bed = TestBed::new().await?;
    let mut updates = bed.through.consumer(DELIVERY_UPDATES, Service::Warehouse, ConsumerOptions::default())?;
    bed.publish(1).await?;
    receive(&mut updates, "u-1").await?;
    bed.network.lose(Loss::Subscribe);
    let topic = DELIVERY_UPDATES.spec.admin_path(&bed.straight.scope().tenant, 1);
    bed.admin.put(&format!("{topic}/unload"), None).await?;
    let received = tokio::spawn(async move { (receive(&mut updates, "u-2").await, updates) });
    until("the refusal", || async { Ok(bed.network.to_lose() == 0) }).await?;
    bed.publish(2).await?;
    until("what was published", || async {
        ensure!(bed.through.standing_still().is_empty(), "it is noticed by its silence only");
        Ok(received.is_finished())
    })
    .await?;
    let (received, _updates) = received.await?;
    received?;
    until("one consumer", || async { Ok(bed.consumers().await? == 1) }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_holds_or_nobody_wants_is_no_standstill() -> Result<()> {
    let bed = TestBed::new().await?;
    let mut busy = bed.through.consumer(DELIVERY_UPDATES, Service::Warehouse, ConsumerOptions::default())?;
    bed.publish(1).await?;
    bed.publish(2).await?;
    let in_hand = timeout(LIMIT, busy.receive(1)).await?;
    // One message is held and one waits, for longer than three checks take.
    let asked_for = timeout(Duration::from_secs(10), std::future::pending::<()>());
    assert!(asked_for.await.is_err() && bed.through.standing_still().is_empty());
    busy.acknowledge(&[in_hand[0].position]).await;
    receive(&mut busy, "u-2").await?;
    Ok(())
}

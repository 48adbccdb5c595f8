//! What the stage believes of its topics, against a real broker, before and after a restart.
#![expect(clippy::unwrap_used, reason = "what cannot be here ends the test")]

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use anyhow::Result;
use bus::Outgoing;
use events::{
    decisions::{OrderDecision, Refusal},
    delivery::{DeliveryUpdate, FailureReason},
    ids::{BeerId, EventId, Moment, OrderId, Service},
    orders::{Line, PlaceOrder, PlaceOrderType},
    quantities::{Bottles, Cents, Sequence},
    stock::{StockChange, StockEvent, StockLevel},
    topics::{ANSWERS, DELIVERY_UPDATES, ORDER_DECISIONS, ORDERS, PRESENCE, STOCK_EVENTS, STOCK_LEVELS, TopicSpec},
    unreadable::ReasonCode,
};
use serde_json::Value;
use service::{
    now,
    testing::{Running, TestBed, eventually},
};
use stage::Address;

/// How many messages of a topic are not believed for this reason.
type Untrue = (&'static TopicSpec, ReasonCode, u64);

struct Stage<'a> {
    bed: &'a TestBed,
    running: Running,
    base: String,
}

impl<'a> Stage<'a> {
    async fn start(bed: &'a TestBed) -> Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        std::fs::create_dir_all(bed.folder())?;
        let no_shop = Address::read("http://127.0.0.1:1").unwrap();
        let running = bed.start(Service::Stage, |context| stage::run_on(context, address, no_shop));
        let base = format!("http://{address}");
        let stage = Stage { bed, running, base };
        eventually("the stage", || async { stage.get("/health/live").await }).await?;
        Ok(stage)
    }

    async fn get(&self, path: &str) -> Option<String> {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client.get(format!("{}{path}", self.base)).send().await.ok()?;
        if answer.status().is_success() { answer.text().await.ok() } else { None }
    }

    async fn json(&self, path: &str) -> Option<Value> {
        serde_json::from_str(&self.get(path).await?).ok()
    }

    /// Waits until an order has this status.
    async fn until(&self, order: &str, status: &str) -> Result<()> {
        eventually(&format!("{order} {status}"), || async {
            let shown = self.json(&format!("/api/orders/{order}")).await?;
            (shown["status"] == status).then_some(())
        })
        .await
    }

    async fn stop(self) -> Result<()> {
        self.running.stop().await
    }
}

fn id(order: &str) -> OrderId {
    order.parse().unwrap()
}

fn lines() -> Vec<Line> {
    vec![Line { beer: BeerId::new("orval"), bottles: Bottles(2) }]
}

fn order(order: &str) -> PlaceOrder {
    PlaceOrder {
        kind: PlaceOrderType::PlaceOrder,
        order_id: Some(id(order)),
        customer: "Ada".into(),
        address: "Grote Markt 1, Brussel".into(),
        lines: lines(),
    }
}

impl Stage<'_> {
    /// Waits until the stage disbelieves exactly these.
    async fn until_disbelieved(&self, untrue: &[Untrue]) -> Result<()> {
        let mut expected: Vec<_> =
            untrue.iter().map(|(topic, code, count)| (topic.name, code.name(), *count)).collect();
        expected.sort_unstable();
        eventually("the disbelieved messages", || async {
            let shown = self.json("/api/deliveries").await?;
            let mut lines = Vec::new();
            for line in shown["disbelieved"].as_array()?.iter().filter(|line| line["service"] == "stage") {
                lines.push((line["topic"].as_str()?, line["code"].as_str()?, line["count"].as_u64()?));
            }
            lines.sort_unstable();
            (lines == expected).then_some(())
        })
        .await
    }

    async fn place(&self, id: &str) -> Result<()> {
        self.bed.publish(ORDERS, id, &order(id)).await
    }

    async fn accept(&self, order: &str) -> Result<()> {
        let (bottles, total_cents) = (Bottles(2), Cents(720));
        let accepted = OrderDecision::Accepted { order_id: id(order), lines: lines(), bottles, total_cents };
        self.bed.publish(ORDER_DECISIONS, order, &accepted).await
    }

    async fn refuse(&self, order: &str) -> Result<()> {
        let reason = Refusal::Invalid { faults: Vec::new() };
        let refused = OrderDecision::Refused { order_id: id(order), lines: lines(), reason };
        self.bed.publish(ORDER_DECISIONS, order, &refused).await
    }

    async fn tell(&self, update: &DeliveryUpdate) -> Result<()> {
        self.bed.publish(DELIVERY_UPDATES, update.order_id().as_str(), update).await
    }

    async fn happened(&self, beer: &str, change: StockChange, sequence: u64, bottles: u32, level: u32) -> Result<()> {
        let beer_id = BeerId::new(beer);
        let (sequence, bottles, level) = (Sequence(sequence), Bottles(bottles), Bottles(level));
        let event = StockEvent { change, beer: beer_id, sequence, bottles, level, order_id: None };
        self.bed.publish(STOCK_EVENTS, beer, &event).await
    }
}

fn picked_up(order: &str, attempt: u32) -> DeliveryUpdate {
    DeliveryUpdate::PickedUp { order_id: id(order), round: 1, attempt, courier: "Ada".into() }
}

fn delivered(order: &str) -> DeliveryUpdate {
    DeliveryUpdate::Delivered { order_id: id(order), round: 1, attempt: 1, courier: "Ada".into() }
}

fn failed(order: &str) -> DeliveryUpdate {
    let (round, attempt, courier) = (1, 1, "Ada".to_owned());
    let reason = FailureReason::AddressNotFound;
    DeliveryUpdate::AttemptFailed { order_id: id(order), round, attempt, courier, reason, retry_at: now() }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_untrue_has_no_effect_and_what_is_early_waits_for_its_cause() -> Result<()> {
    let bed = TestBed::new().await?;
    let stage = Stage::start(&bed).await?;

    // Sent before its cause, which follows: it takes effect in the end.
    stage.tell(&picked_up("early", 1)).await?;
    stage.tell(&delivered("early")).await?;
    stage.accept("early").await?;
    stage.place("early").await?;
    stage.until("early", "delivered").await?;

    // Untrue messages after true ones.
    for order in ["a", "no"] {
        stage.place(order).await?;
        stage.until(order, "placed").await?;
    }
    stage.accept("a").await?;
    stage.refuse("no").await?;
    stage.until("no", "refused").await?;
    stage.until("a", "accepted").await?;
    for update in [delivered("a"), failed("a"), picked_up("a", 7), picked_up("no", 1)] {
        stage.tell(&update).await?;
    }
    stage.tell(&picked_up("a", 1)).await?;
    stage.tell(&delivered("a")).await?;
    for update in [delivered("a"), picked_up("a", 2), DeliveryUpdate::Returned { order_id: id("a"), lines: lines() }] {
        stage.tell(&update).await?;
    }
    stage.refuse("a").await?;
    stage.accept("no").await?;
    stage.happened("orval", StockChange::Counted, 1, 200, 200).await?;
    stage.happened("orval", StockChange::Reserved, 2, 1, 7).await?;
    stage.happened("orval", StockChange::Reserved, 900, 1, 7).await?;
    stage.happened("water", StockChange::Counted, 1, 200, 200).await?;
    stage.happened("orval", StockChange::Reserved, 2, 1, 199).await?;
    let water = StockLevel {
        beer: BeerId::new("water"),
        level: Bottles(1),
        sequence: Sequence(1),
        settled: Sequence(1),
        written: 1,
        event: Sequence(1),
        ignored: false,
        worker: "worker-1".into(),
        taken_at: now(),
        at: now(),
    };
    bed.publish(STOCK_LEVELS, "water", &water).await?;
    let mut untrue: Vec<Untrue> = vec![
        (DELIVERY_UPDATES.spec, ReasonCode::DoesNotFollow, 3),
        (DELIVERY_UPDATES.spec, ReasonCode::SecondOutcome, 4),
        (ORDER_DECISIONS.spec, ReasonCode::SecondDecision, 2),
        (STOCK_EVENTS.spec, ReasonCode::NotTheSum, 1),
        (STOCK_EVENTS.spec, ReasonCode::DoesNotFollow, 1),
        (STOCK_EVENTS.spec, ReasonCode::UnknownBeer, 1),
        (STOCK_LEVELS.spec, ReasonCode::UnknownBeer, 1),
    ];
    stage.until_disbelieved(&untrue).await?;
    stage.until("a", "delivered").await?;
    stage.until("no", "refused").await?;
    stage.stop().await?;

    // Again after a restart.
    let stage = Stage::start(&bed).await?;
    stage.tell(&delivered("a")).await?;
    stage.happened("orval", StockChange::Reserved, 3, 1, 7).await?;
    untrue[1].2 += 1;
    untrue[3].2 += 1;
    stage.until_disbelieved(&untrue).await?;
    stage.until("a", "delivered").await?;
    let page = stage.get("/deliveries?lang=en").await.unwrap();
    assert!(page.contains("gives an order a second outcome"), "{page}");
    stage.stop().await
}

/// A time in the future would make this order the newest until then.
#[tokio::test(flavor = "multi_thread")]
async fn an_order_dated_ahead_counts_from_when_it_is_read() -> Result<()> {
    let bed = TestBed::new().await?;
    let stage = Stage::start(&bed).await?;
    // The clock of another machine may be this far ahead: the message's time is still believed.
    let at = now().plus_millis(4_500);
    let ahead = Outgoing::new(ORDERS, "ahead", EventId::new("test-ahead"), at, &order("ahead"))?;
    bed.bus.publisher().publish(&[ahead]).await?;
    stage.until("ahead", "placed").await?;
    let shown = stage.json("/api/orders/ahead").await.unwrap();
    let placed: Moment = shown["journey"][0]["at"].as_str().unwrap().parse()?;
    assert!(placed <= now(), "{shown}");
    stage.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_of_presence_and_answers_is_counted() -> Result<()> {
    let bed = TestBed::new().await?;
    let stage = Stage::start(&bed).await?;
    eventually("both to be counted", || async {
        // Not stored: sent before the stage listens, it is lost.
        bed.publish_raw(PRESENCE, b"here I am").await.ok()?;
        bed.publish_raw(ANSWERS, b"42").await.ok()?;
        let metrics = stage.get("/metrics").await?;
        let counted = |topic| metrics.contains(&format!(r#"beers_messages_unreadable_total{{topic="{topic}"}}"#));
        (counted("presence") && counted("answers")).then_some(())
    })
    .await?;
    stage.stop().await
}

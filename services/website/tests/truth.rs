//! What the website believes of the topics it reads, against a real broker, before and after a restart.
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
    stock::StockLevel,
    topics::{DELIVERY_UPDATES, ORDER_DECISIONS, ORDERS, STOCK_LEVELS, TopicSpec, UNREADABLE},
    unreadable::ReasonCode,
};
use serde_json::Value;
use service::{
    now,
    testing::{Running, TestBed, eventually},
};
use sqlx::SqlitePool;
use web::order::progress::EARLY_MAX;

/// A topic, a reason, and how many of its messages are disbelieved for that reason.
type Untrue = (&'static TopicSpec, ReasonCode, u64);

struct Website<'a> {
    bed: &'a TestBed,
    running: Running,
    base: String,
}

impl<'a> Website<'a> {
    async fn start(bed: &'a TestBed) -> Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        std::fs::create_dir_all(bed.folder())?;
        let running = bed.start(Service::Website, |context| website::run_on(context, address));
        let base = format!("http://{address}");
        let website = Website { bed, running, base };
        eventually("the website", || async { website.get("/health/live").await }).await?;
        Ok(website)
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

impl Website<'_> {
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
    let website = Website::start(&bed).await?;

    // Read before its cause: it has its effect once the cause comes.
    website.tell(&picked_up("early", 1)).await?;
    website.tell(&delivered("early")).await?;
    website.accept("early").await?;
    eventually("all three of them to wait", || async { (waiting(&bed).await.ok()? == 3).then_some(()) }).await?;
    assert!(website.get("/api/orders/early").await.is_none(), "nobody placed it, as far as is known");
    website.place("early").await?;
    website.until("early", "delivered").await?;

    // Untrue, among what is true.
    for order in ["a", "no"] {
        website.place(order).await?;
        website.until(order, "placed").await?;
    }
    website.accept("a").await?;
    website.refuse("no").await?;
    website.until("no", "refused").await?;
    website.until("a", "accepted").await?;
    for update in [delivered("a"), failed("a"), picked_up("a", 7), picked_up("no", 1)] {
        website.tell(&update).await?;
    }
    website.tell(&picked_up("a", 1)).await?;
    website.tell(&delivered("a")).await?;
    for update in [delivered("a"), picked_up("a", 2), DeliveryUpdate::Returned { order_id: id("a"), lines: lines() }] {
        website.tell(&update).await?;
    }
    website.refuse("a").await?;
    website.accept("no").await?;
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
    // About an order that nobody places: it waits, and is quarantined in the end.
    website.accept("ghost").await?;
    let mut untrue: Vec<Untrue> = vec![
        (DELIVERY_UPDATES.spec, ReasonCode::DoesNotFollow, 3),
        (DELIVERY_UPDATES.spec, ReasonCode::SecondOutcome, 4),
        (ORDER_DECISIONS.spec, ReasonCode::SecondDecision, 2),
        (STOCK_LEVELS.spec, ReasonCode::UnknownBeer, 1),
    ];
    bed.until_disbelieved(Service::Website, &untrue).await?;
    website.until("a", "delivered").await?;
    website.until("no", "refused").await?;
    eventually("the ghost to wait", || async { (waiting(&bed).await.ok()? == 1).then_some(()) }).await?;
    website.stop().await?;

    // Half a minute later, and after a restart.
    let books = books(&bed).await?;
    sqlx::query("update waiting set since = 0").execute(&books).await?;
    books.close().await;
    let website = Website::start(&bed).await?;
    website.tell(&delivered("a")).await?;
    untrue[1].2 += 1;
    bed.until_disbelieved(Service::Website, &untrue).await?;
    let unreadable = bed.read_until(UNREADABLE, |all| !all.is_empty()).await?;
    let given_up = unreadable[0].message.as_ref().unwrap();
    assert_eq!((given_up.topic.as_str(), given_up.code), ("order-decisions", ReasonCode::UnknownOrder));
    assert!(website.get("/api/orders/ghost").await.is_none());
    website.until("a", "delivered").await?;

    let metrics = website.get("/metrics").await.unwrap();
    let counter = r#"beers_messages_disbelieved_total{topic="delivery-updates",code="second_outcome"} 5"#;
    assert!(metrics.contains(counter), "{metrics}");
    website.stop().await
}

/// Otherwise such an order would be the newest until its time comes.
#[tokio::test(flavor = "multi_thread")]
async fn an_order_dated_ahead_counts_from_when_it_is_read() -> Result<()> {
    let bed = TestBed::new().await?;
    let website = Website::start(&bed).await?;
    // The clock of another machine may be so far ahead: the message's own time counts.
    let at = now().plus_millis(4_500);
    let ahead = Outgoing::new(ORDERS, "ahead", EventId::new("test-ahead"), at, &order("ahead"))?;
    bed.bus.publisher().publish(&[ahead]).await?;
    website.until("ahead", "placed").await?;
    let shown = website.json("/api/orders/ahead").await.unwrap();
    let placed: Moment = shown["journey"][0]["at"].as_str().unwrap().parse()?;
    assert!(placed <= now(), "{shown}");
    website.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_too_many_that_wait_the_first_one_is_given_up() -> Result<()> {
    let bed = TestBed::new().await?;
    let website = Website::start(&bed).await?;
    eventually("its books", || async { website.get("/api/beers").await }).await?;
    website.stop().await?;
    let books = books(&bed).await?;
    // None of them is overdue, and the first waits longest.
    let now = now();
    sqlx::query(
        "with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < $1)
         insert into waiting (event_id, order_id, topic, ledger, entry, batch_index, batch_size, at, since, code, message)
         select 'e-' || n, 'ghost', 'order-decisions', 7, n, 0, 1, $2, case n when 1 then $2 else $3 end, 'unknown_order', '{}'
         from numbers",
    )
    .bind(i64::try_from(EARLY_MAX)?)
    .bind(now.micros())
    .bind(now.plus_millis(3_600_000).micros())
    .execute(&books)
    .await?;
    books.close().await;
    let website = Website::start(&bed).await?;
    website.accept("last").await?;
    let given_up = bed.read_until(UNREADABLE, |all| !all.is_empty()).await?;
    let first = given_up[0].message.as_ref().unwrap();
    assert_eq!((first.message_id.as_str(), first.code), ("7:1", ReasonCode::UnknownOrder));
    assert_eq!((given_up.len(), waiting(&bed).await?), (1, i64::try_from(EARLY_MAX)?));
    website.stop().await
}

async fn books(bed: &TestBed) -> Result<SqlitePool> {
    let file = bed.folder().join("website-1.sqlite");
    Ok(SqlitePool::connect(&format!("sqlite://{}", file.display())).await?)
}

async fn waiting(bed: &TestBed) -> Result<i64> {
    let books = books(bed).await?;
    let (count,): (i64,) = sqlx::query_as("select count(*) from waiting").fetch_one(&books).await?;
    books.close().await;
    Ok(count)
}

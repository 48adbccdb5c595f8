//! The stage against a real broker: after a crash it knows the same as one that never crashed.
#![expect(clippy::unwrap_used, reason = "what cannot be here ends the test")]

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use anyhow::{Context as _, Result};
use bus::Outgoing;
use events::{
    decisions::OrderDecision,
    delivery::{DeliveryUpdate, FailureReason},
    ids::{BeerId, EventId, Moment, OrderId, Service},
    insights::{Insight, Ledger, ReadUpTo, Sales},
    orders::{Line, PlaceOrder, PlaceOrderType},
    quantities::{Bottles, Cents, Sequence},
    stock::{StockChange, StockEvent, StockLevel},
    topics::{
        DELIVERY_REQUESTS, DELIVERY_UPDATES, INSIGHTS, ORDER_DECISIONS, ORDERS, STOCK_EVENTS, STOCK_LEVELS, Topic,
    },
};
use reqwest::{Client, StatusCode};
use serde::Serialize;
use serde_json::Value;
use service::{
    now,
    testing::{Running, TestBed, eventually},
};
use stage::Address;

/// Orders between two crashes.
const A_ROUND: u64 = 40;
const ROUNDS: u64 = 4;

/// There is no shop, so nothing is ordered.
fn nowhere() -> Address {
    Address::read("http://127.0.0.1:1").unwrap()
}

/// A running stage.
struct Stage {
    bed: TestBed,
    http: Client,
    address: SocketAddr,
    running: Running,
}

impl Stage {
    async fn start() -> Result<Self> {
        let bed = TestBed::new().await?;
        std::fs::create_dir_all(bed.folder())?;
        Stage::on(bed)
    }

    fn on(bed: TestBed) -> Result<Self> {
        // Another port each time: connections to the previous process may still hold its port.
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let running = bed.start(Service::Stage, |context| stage::run_on(context, address, nowhere()));
        Ok(Stage { bed, http: Client::builder().no_proxy().build()?, address, running })
    }

    async fn dies_and_comes_back(self) -> Result<Self> {
        self.running.kill().await;
        Stage::on(self.bed)
    }

    async fn get(&self, path: &str) -> Result<Value> {
        let answer = self.http.get(format!("http://{}{path}", self.address)).send().await?;
        Ok(answer.error_for_status()?.json().await?)
    }

    /// Waits until the stage shows this order in this state, on its page and as JSON.
    async fn until(&self, order: &str, status: &str) -> Result<()> {
        eventually(&format!("{order} {status}"), || async {
            let page = format!("http://{}/orders/{order}", self.address);
            self.http.get(page).send().await.ok()?.error_for_status().ok()?;
            (self.get(&format!("/api/orders/{order}")).await.ok()?["status"] == status).then_some(())
        })
        .await
    }

    /// Everything that the API tells about this many orders.
    async fn everything(&self, orders: u64) -> Result<Vec<Value>> {
        let mut all = Vec::new();
        for path in ["/api/stock", "/api/deliveries", "/api/insights", "/api/ledger", "/api/stock/explain/orval"] {
            all.push(self.get(path).await.context(path)?);
        }
        for n in 0..orders {
            all.push(self.get(&format!("/api/orders/o{n}")).await?);
        }
        Ok(all)
    }
}

fn message<M: Serialize>(topic: Topic<M>, key: &str, id: String, message: &M) -> Outgoing {
    Outgoing::new(topic, key, EventId::new(id), now(), message).unwrap()
}

fn id(n: u64) -> OrderId {
    format!("o{n}").parse().unwrap()
}

/// All messages about one order, in order. Every fifth order is stranded.
fn story(n: u64) -> Vec<Outgoing> {
    let (order_id, key, beer) = (id(n), format!("o{n}"), BeerId::new("orval"));
    let lines = vec![Line { beer: beer.clone(), bottles: Bottles(1) }];
    let (sequence, level) = (Sequence(n + 2), Bottles(u32::try_from(9_999 - n).unwrap()));
    let (customer, address) = (format!("Ada {n}"), "Gent".to_owned());
    let placed = PlaceOrder {
        kind: PlaceOrderType::PlaceOrder,
        order_id: Some(order_id.clone()),
        customer,
        address,
        lines: lines.clone(),
    };
    let (bottles, total_cents) = (Bottles(1), Cents(360));
    let accepted = OrderDecision::Accepted { order_id: order_id.clone(), lines, bottles, total_cents };
    let reserved = StockEvent {
        change: StockChange::Reserved,
        beer: beer.clone(),
        sequence,
        bottles,
        level,
        order_id: Some(order_id.clone()),
    };
    let shown = StockLevel {
        beer,
        level,
        sequence,
        settled: sequence,
        written: n + 2,
        event: sequence,
        ignored: false,
        worker: "worker-1".into(),
        taken_at: now(),
        at: now(),
    };
    let (round, attempt, courier) = (1, 1, "Ada".to_owned());
    let picked_up = DeliveryUpdate::PickedUp { order_id: order_id.clone(), round, attempt, courier: courier.clone() };
    let outcome = if n.is_multiple_of(5) {
        let (reason, address) = (FailureReason::AddressNotFound, "nowhere".to_owned());
        DeliveryUpdate::Stranded { order_id, round, attempts: attempt, courier, reason, address }
    } else {
        DeliveryUpdate::Delivered { order_id, round, attempt, courier }
    };
    vec![
        message(ORDERS, &key, format!("placed-{n}"), &placed),
        message(ORDER_DECISIONS, &key, format!("decided-{n}"), &accepted),
        message(STOCK_EVENTS, "orval", format!("reserved-{n}"), &reserved),
        message(STOCK_LEVELS, "orval", format!("shown-{n}"), &shown),
        message(DELIVERY_UPDATES, &key, format!("picked-up-{n}"), &picked_up),
        message(DELIVERY_UPDATES, &key, format!("outcome-{n}"), &outcome),
    ]
}

fn counted() -> Outgoing {
    let (change, beer, sequence) = (StockChange::Counted, BeerId::new("orval"), Sequence(1));
    let (bottles, level) = (Bottles(10_000), Bottles(10_000));
    let counted = StockEvent { change, beer, sequence, bottles, level, order_id: None };
    message(STOCK_EVENTS, "orval", "counted".to_owned(), &counted)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_was_killed_knows_what_one_knows_that_never_was() -> Result<()> {
    let (never, mut killed) = (Stage::start().await?, Stage::start().await?);
    let mut publishers = [never.bed.bus.publisher(), killed.bed.bus.publisher()];
    for round in 0..ROUNDS {
        let orders = round * A_ROUND..(round + 1) * A_ROUND;
        let mut messages: Vec<Outgoing> = orders.clone().flat_map(story).collect();
        if round == 0 {
            messages.insert(0, counted());
        }
        let ledger = Ledger { at: now(), balanced: true, ..Ledger::default() };
        let sales = Sales { at: now(), orders: orders.end, ..Sales::default() };
        messages.push(message(INSIGHTS, "Ledger", format!("ledger-{round}"), &Insight::Ledger(ledger)));
        messages.push(message(INSIGHTS, "Sales", format!("sales-{round}"), &Insight::Sales(sales)));
        for publisher in &mut publishers {
            publisher.publish(&messages).await?;
        }
        // The last second may not be in a checkpoint yet.
        killed.until(&format!("o{}", orders.end - 1), "delivered").await?;
        killed = killed.dies_and_comes_back().await?;
    }
    let orders = ROUNDS * A_ROUND;
    let both = eventually("both stages to know the same", || async {
        let both = (never.everything(orders).await.ok()?, killed.everything(orders).await.ok()?);
        let is_read = both.0[2]["sales"]["orders"] == orders && both.0[1]["delivered"] == orders / 5 * 4;
        (is_read && both.0 == both.1).then_some(both)
    });
    if let Err(error) = both.await {
        let (never, killed) = (never.everything(orders).await?, killed.everything(orders).await?);
        let differs: Vec<_> = never.iter().zip(&killed).filter(|(one, other)| one != other).collect();
        panic!("{error}: {differs:#?}");
    }
    killed.running.stop().await?;
    never.running.stop().await
}

/// A ledger names no order: its hop is found by the decision that it covers, also if one of the two is read before a
/// restart.
#[tokio::test(flavor = "multi_thread")]
async fn an_order_has_the_hop_of_the_ledger_that_counted_it() -> Result<()> {
    let stage = Stage::start().await?;
    let mut publisher = stage.bed.bus.publisher();
    publisher.publish(&story(0)[..2]).await?;
    stage.until("o0", "accepted").await?;
    let stage = stage.dies_and_comes_back().await?;
    let read = ReadUpTo { topic: "order-decisions".into(), ledger: u64::from(u32::MAX), entry: 0, messages: 1 };
    let ledger = Ledger { at: now(), balanced: true, read: vec![read], ..Ledger::default() };
    publisher.publish(&[message(INSIGHTS, "Ledger", "ledger".to_owned(), &Insight::Ledger(ledger))]).await?;
    eventually("the ledger's hop", || async {
        let order = stage.get("/api/orders/o0").await.ok()?;
        order["journey"].as_array()?.iter().any(|hop| hop["topic"] == "insights").then_some(())
    })
    .await?;
    stage.running.stop().await
}

/// A request to delivery is safe once it is answered, and is sent once. After a crash the order may have to be read
/// again first.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_to_delivery_goes_out_by_the_stages_own_outbox() -> Result<()> {
    let stage = Stage::start().await?;
    stage.bed.bus.publisher().publish(&story(0)).await?;
    stage.until("o0", "stranded").await?;
    let stage = stage.dies_and_comes_back().await?;
    eventually("the stage", || async { stage.get("/api/ledger").await.ok() }).await?;
    let token = std::fs::read_to_string(stage.bed.folder().join("presenter-token"))?;
    let ask = |order: &str| {
        let address = format!("http://{}/api/dead-letters/{order}/return", stage.address);
        stage.http.post(address).bearer_auth(token.trim()).send()
    };
    assert_eq!(ask("o0").await?.status(), StatusCode::ACCEPTED);
    assert_eq!(ask("o1").await?.status(), StatusCode::NOT_FOUND);
    let asked = stage.bed.read_until(DELIVERY_REQUESTS, |all| !all.is_empty()).await?;
    assert_eq!((asked.len(), asked[0].message.as_ref().unwrap().order_id()), (1, &id(0)));
    assert!(asked[0].event_id.as_str().starts_with("stage-"), "{}", asked[0].event_id);
    assert!(asked[0].at > Moment::default());
    stage.running.stop().await
}

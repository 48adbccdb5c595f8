//! The analysis against a real broker: messages come as the other services would send them.

use anyhow::{Context as _, Result};
use bus::Received;
use events::{
    decisions::{OrderDecision, Refusal},
    delivery::DeliveryUpdate,
    ids::{BeerId, OrderId, Service},
    insights::{Insight, Ledger, Sales},
    orders::{self, Line, PlaceOrder, PlaceOrderType},
    quantities::{Bottles, Cents, Sequence},
    stock::{StockChange, StockEvent},
    topics::{DELIVERY_UPDATES, INSIGHTS, ORDER_DECISIONS, ORDERS, STOCK_EVENTS, UNREADABLE},
};
use inventory_analysis::{Rebuilt, Snapshot, rebuild, run};
use service::testing::{Ground, eventually};
use sqlx::migrate::Migrator;

static TABLES: Migrator = sqlx::migrate!();

/// A warehouse and couriers, as far as their messages go: 1000 bottles of Orval.
struct Shop<'a> {
    ground: &'a Ground,
    sequence: u64,
    level: u32,
}

impl<'a> Shop<'a> {
    async fn open(ground: &'a Ground) -> Result<Self> {
        let mut shop = Shop { ground, sequence: 0, level: 0 };
        shop.stock(StockChange::Counted, 1000, None).await?;
        Ok(shop)
    }

    async fn stock(&mut self, change: StockChange, bottles: u32, order_id: Option<OrderId>) -> Result<()> {
        self.sequence += 1;
        self.level = if change == StockChange::Reserved { self.level - bottles } else { self.level + bottles };
        let event = StockEvent {
            change,
            beer: BeerId::new("orval"),
            sequence: Sequence(self.sequence),
            bottles: Bottles(bottles),
            level: Bottles(self.level),
            order_id,
        };
        self.ground.publish(STOCK_EVENTS, "orval", &event).await
    }

    async fn place(&self, id: &str, bottles: u32) -> Result<()> {
        let order = PlaceOrder {
            kind: PlaceOrderType::PlaceOrder,
            order_id: Some(id.parse()?),
            customer: "Ada".into(),
            address: "Grote Markt 1, Brussel".into(),
            lines: lines(bottles),
        };
        self.ground.publish(ORDERS, id, &order).await
    }

    async fn accept(&mut self, id: &str, bottles: u32) -> Result<()> {
        let (order_id, lines): (OrderId, _) = (id.parse()?, lines(bottles));
        let total_cents = orders::total(&lines);
        let decision =
            OrderDecision::Accepted { order_id: order_id.clone(), bottles: Bottles(bottles), total_cents, lines };
        self.ground.publish(ORDER_DECISIONS, id, &decision).await?;
        self.stock(StockChange::Reserved, bottles, Some(order_id)).await
    }

    async fn refuse(&self, id: &str) -> Result<()> {
        let reason = Refusal::Invalid { faults: vec![] };
        let decision = OrderDecision::Refused { order_id: id.parse()?, lines: lines(25), reason };
        self.ground.publish(ORDER_DECISIONS, id, &decision).await
    }

    async fn deliver(&self, id: &str) -> Result<()> {
        let (order_id, courier): (OrderId, _) = (id.parse()?, "courier-1".to_owned());
        let picked_up =
            DeliveryUpdate::PickedUp { order_id: order_id.clone(), round: 1, attempt: 1, courier: courier.clone() };
        self.ground.publish(DELIVERY_UPDATES, id, &picked_up).await?;
        let delivered = DeliveryUpdate::Delivered { order_id, round: 1, attempt: 1, courier };
        self.ground.publish(DELIVERY_UPDATES, id, &delivered).await
    }

    /// Placed, accepted and delivered.
    async fn sell(&mut self, id: &str, bottles: u32) -> Result<()> {
        self.place(id, bottles).await?;
        self.accept(id, bottles).await?;
        self.deliver(id).await
    }
}

fn lines(bottles: u32) -> Vec<Line> {
    vec![Line { beer: BeerId::new("orval"), bottles: Bottles(bottles) }]
}

fn newest_ledger(insights: &[Received<Insight>]) -> Option<&Ledger> {
    insights.iter().rev().find_map(|received| match &received.message {
        Ok(Insight::Ledger(ledger)) => Some(ledger),
        _ => None,
    })
}

fn newest_sales(insights: &[Received<Insight>]) -> Option<&Sales> {
    insights.iter().rev().find_map(|received| match &received.message {
        Ok(Insight::Sales(sales)) => Some(sales),
        _ => None,
    })
}

/// The newest ledger, once so many orders are delivered.
async fn ledger_with(ground: &Ground, delivered: u64) -> Result<Ledger> {
    let there = |all: &[Received<Insight>]| {
        newest_ledger(all).is_some_and(|l| l.deliveries.delivered == delivered && l.on_the_way.is_empty())
    };
    let insights = ground.read_until(INSIGHTS, there).await?;
    newest_ledger(&insights).cloned().context("no ledger")
}

async fn rebuilt(ground: &Ground) -> Result<Rebuilt> {
    let store = ground.context(Service::InventoryAnalysis).open_store(&TABLES).await?;
    let snapshot = Snapshot::take(&store).await?;
    rebuild(&ground.bus, snapshot, |_| {}).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_accounts_for_everything() -> Result<()> {
    let ground = Ground::new().await?;
    let analysis = ground.start(Service::InventoryAnalysis, run);
    let mut shop = Shop::open(&ground).await?;
    shop.sell("a", 2).await?;
    ground.publish_raw(ORDERS, b"two Orval please").await?;
    shop.place("b", 25).await?;
    shop.refuse("b").await?;
    shop.place("c", 3).await?;
    shop.place("c", 3).await?;
    shop.accept("c", 3).await?;
    let back = DeliveryUpdate::Returned { order_id: "c".parse()?, lines: lines(3) };
    ground.publish(DELIVERY_UPDATES, "c", &back).await?;
    shop.stock(StockChange::Released, 3, Some("c".parse()?)).await?;
    let returned = |all: &[Received<Insight>]| newest_ledger(all).is_some_and(|l| l.bottles.released == 3);
    ground.read_until(INSIGHTS, returned).await?;
    let ledger = ledger_with(&ground, 1).await?;
    assert!(ledger.balanced, "{ledger:#?}");
    let (orders, bottles) = (ledger.orders, ledger.bottles);
    assert_eq!((orders.placed, orders.accepted, orders.refused, orders.waiting), (3, 2, 1, 0));
    assert_eq!((bottles.counted, bottles.reserved, bottles.released, bottles.on_shelf), (1000, 5, 3, 998));
    assert_eq!((ledger.deliveries.delivered, ledger.deliveries.returned), (1, 1));
    assert_eq!(ledger.read.len(), 4);
    let insights = ground.read_until(INSIGHTS, |all| newest_sales(all).is_some_and(|sales| sales.orders == 2)).await?;
    let sales = newest_sales(&insights).context("no sales")?;
    assert_eq!((sales.bottles, sales.revenue_cents, sales.refused.bottles), (5, Cents(1800), 25));
    let unreadable = ground.read_until(UNREADABLE, |all| !all.is_empty()).await?;
    assert_eq!(unreadable[0].message.as_ref().unwrap().first_bytes, "two Orval please");
    let rebuilt = rebuilt(&ground).await?;
    assert!(rebuilt.is_identical(), "{rebuilt:#?}");
    assert_eq!(rebuilt.total().messages, 5 + 3 + 4 + 3);
    analysis.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_analysis_counts_everything_once() -> Result<()> {
    let ground = Ground::new().await?;
    let mut shop = Shop::open(&ground).await?;
    for part in 0..4 {
        // Killed while it reads what is there and what comes.
        let analysis = ground.start(Service::InventoryAnalysis, run);
        for n in 0..10 {
            shop.sell(&format!("o-{part}-{n}"), 1).await?;
        }
        analysis.kill().await;
    }
    let analysis = ground.start(Service::InventoryAnalysis, run);
    let ledger = ledger_with(&ground, 40).await?;
    assert!(ledger.balanced, "{ledger:#?}");
    assert_eq!((ledger.orders.placed, ledger.bottles.reserved, ledger.bottles.on_shelf), (40, 40, 960));
    let rebuilt = rebuilt(&ground).await?;
    assert!(rebuilt.is_identical(), "{rebuilt:#?}");
    assert_eq!(rebuilt.total().messages, 40 * 5 + 1);
    analysis.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_finds_what_was_tampered_with() -> Result<()> {
    let ground = Ground::new().await?;
    let analysis = ground.start(Service::InventoryAnalysis, run);
    let mut shop = Shop::open(&ground).await?;
    shop.sell("a", 2).await?;
    shop.sell("b", 2).await?;
    ledger_with(&ground, 2).await?;
    let store = ground.context(Service::InventoryAnalysis).open_store(&TABLES).await?;
    let tamper = |sql: &'static str| {
        let store = store.clone();
        async move {
            let mut transaction = store.begin().await?;
            sqlx::query(sql).execute(&mut *transaction).await?;
            transaction.commit().await?;
            anyhow::Ok(())
        }
    };
    tamper("update aggregate set facts = replace(facts, '\"orval\":2', '\"orval\":1') where key = 'a'").await?;
    let found = rebuilt(&ground).await?;
    assert_eq!((found.is_identical(), found.differing), (false, 1));
    assert!(found.differences[0].starts_with("order a: stored"), "{found:#?}");
    tamper("delete from aggregate where key = 'b'").await?;
    assert_eq!(rebuilt(&ground).await?.differing, 2);
    tamper("insert into aggregate (subject, key, facts) values ('order', 'x', '{}')").await?;
    assert_eq!(rebuilt(&ground).await?.differing, 3);
    analysis.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_analysis_says_what_it_knew() -> Result<()> {
    let ground = Ground::new().await?;
    let analysis = ground.start(Service::InventoryAnalysis, run);
    let mut shop = Shop::open(&ground).await?;
    shop.sell("a", 2).await?;
    let before = ledger_with(&ground, 1).await?;
    analysis.stop().await?;
    let analysis = ground.start(Service::InventoryAnalysis, run);
    let again = eventually("the ledger after the restart", || async {
        let insights = ground.read_until(INSIGHTS, |_| true).await.ok()?;
        newest_ledger(&insights).filter(|ledger| ledger.at > before.at).cloned()
    });
    assert_eq!(Ledger { at: before.at, ..again.await? }, before);
    analysis.stop().await
}

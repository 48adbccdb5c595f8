//! Messages as the other services send them, and ways to look at the results.

use anyhow::{Context as _, Result};
use events::{
    decisions::{OrderDecision, Refusal},
    delivery::DeliveryUpdate,
    ids::{BeerId, OrderId, Service},
    insights::{Insight, Ledger, Sales},
    orders::{self, Line, PlaceOrder, PlaceOrderType},
    quantities::{Bottles, Sequence},
    received::Received,
    stock::{StockChange, StockEvent},
    topics::{DELIVERY_UPDATES, INSIGHTS, ORDER_DECISIONS, ORDERS, STOCK_EVENTS},
};
use inventory_analysis::{Rebuilt, Snapshot, rebuild};
use service::testing::TestBed;
use sqlx::migrate::Migrator;

pub static TABLES: Migrator = sqlx::migrate!();

/// Sends the messages of a warehouse with 1000 bottles of Orval, and of couriers.
pub struct Shop<'a> {
    bed: &'a TestBed,
    sequence: u64,
    level: u32,
}

impl<'a> Shop<'a> {
    pub async fn open(bed: &'a TestBed) -> Result<Self> {
        let mut shop = Shop { bed, sequence: 0, level: 0 };
        shop.stock(StockChange::Counted, 1000, None).await?;
        Ok(shop)
    }

    pub async fn stock(&mut self, change: StockChange, bottles: u32, order_id: Option<OrderId>) -> Result<()> {
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
        self.bed.publish(STOCK_EVENTS, "orval", &event).await
    }

    pub async fn place(&self, id: &str, bottles: u32) -> Result<()> {
        self.place_lines("Ada", id, lines(bottles)).await
    }

    pub async fn place_lines(&self, customer: &str, id: &str, lines: Vec<Line>) -> Result<()> {
        let order = PlaceOrder {
            kind: PlaceOrderType::PlaceOrder,
            order_id: Some(id.parse()?),
            customer: customer.into(),
            address: "Grote Markt 1, Brussel".into(),
            lines,
        };
        self.bed.publish(ORDERS, id, &order).await
    }

    pub async fn accept(&mut self, id: &str, bottles: u32) -> Result<()> {
        let (order_id, lines): (OrderId, _) = (id.parse()?, lines(bottles));
        let total_cents = orders::total(&lines);
        let decision =
            OrderDecision::Accepted { order_id: order_id.clone(), bottles: Bottles(bottles), total_cents, lines };
        self.bed.publish(ORDER_DECISIONS, id, &decision).await?;
        self.stock(StockChange::Reserved, bottles, Some(order_id)).await
    }

    pub async fn refuse(&self, id: &str) -> Result<()> {
        let reason = Refusal::Invalid { faults: vec![] };
        let decision = OrderDecision::Refused { order_id: id.parse()?, lines: lines(25), reason };
        self.bed.publish(ORDER_DECISIONS, id, &decision).await
    }

    pub async fn deliver(&self, id: &str) -> Result<()> {
        let (order_id, courier): (OrderId, _) = (id.parse()?, "courier-1".to_owned());
        let picked_up =
            DeliveryUpdate::PickedUp { order_id: order_id.clone(), round: 1, attempt: 1, courier: courier.clone() };
        self.bed.publish(DELIVERY_UPDATES, id, &picked_up).await?;
        let delivered = DeliveryUpdate::Delivered { order_id, round: 1, attempt: 1, courier };
        self.bed.publish(DELIVERY_UPDATES, id, &delivered).await
    }

    /// Placed, accepted and delivered.
    pub async fn sell(&mut self, id: &str, bottles: u32) -> Result<()> {
        self.place(id, bottles).await?;
        self.accept(id, bottles).await?;
        self.deliver(id).await
    }
}

pub fn lines(bottles: u32) -> Vec<Line> {
    vec![Line { beer: BeerId::new("orval"), bottles: Bottles(bottles) }]
}

pub fn newest_ledger(insights: &[Received<Insight>]) -> Option<&Ledger> {
    insights.iter().rev().find_map(|received| match &received.message {
        Ok(Insight::Ledger(ledger)) => Some(ledger),
        _ => None,
    })
}

pub fn newest_sales(insights: &[Received<Insight>]) -> Option<&Sales> {
    insights.iter().rev().find_map(|received| match &received.message {
        Ok(Insight::Sales(sales)) => Some(sales),
        _ => None,
    })
}

/// The newest ledger, once this many orders are delivered.
pub async fn ledger_with(bed: &TestBed, delivered: u64) -> Result<Ledger> {
    let there = |all: &[Received<Insight>]| {
        newest_ledger(all).is_some_and(|l| l.deliveries.delivered == delivered && l.on_the_way.is_empty())
    };
    let insights = bed.read_until(INSIGHTS, there).await?;
    newest_ledger(&insights).cloned().context("no ledger")
}

/// The rebuild of the command.
pub async fn rebuilt(bed: &TestBed) -> Result<Rebuilt> {
    let store = bed.context(Service::InventoryAnalysis).open_store(&TABLES).await?;
    let snapshot = Snapshot::take(&store).await?;
    rebuild(&bed.bus, snapshot, |_| {}).await
}

/// Changes the stored analysis behind its back.
pub async fn tamper(bed: &TestBed, sql: &'static str) -> Result<()> {
    let store = bed.context(Service::InventoryAnalysis).open_store(&TABLES).await?;
    let mut transaction = store.begin().await?;
    sqlx::query(sql).execute(&mut *transaction).await?;
    Ok(transaction.commit().await?)
}

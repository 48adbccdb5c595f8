//! What the analysis believes of the topics it reads, before and after a restart.

use anyhow::{Context as _, Result};
use events::{
    decisions::OrderDecision,
    delivery::DeliveryUpdate,
    ids::{BeerId, Service},
    insights::Insight,
    orders,
    quantities::{Bottles, Cents, Sequence},
    received::Received,
    stock::{StockChange, StockEvent},
    topics::{DELIVERY_UPDATES, INSIGHTS, ORDER_DECISIONS, STOCK_EVENTS},
    unreadable::ReasonCode,
};
use inventory_analysis::run;
use service::testing::TestBed;

use crate::shop::{Shop, lines, newest_ledger, newest_sales, rebuilt};

fn delivered(id: &str) -> Result<DeliveryUpdate> {
    Ok(DeliveryUpdate::Delivered { order_id: id.parse()?, round: 1, attempt: 1, courier: "Ada".into() })
}

fn event(beer: &str, sequence: u64, bottles: u32, level: u32) -> StockEvent {
    StockEvent {
        change: StockChange::Received,
        beer: BeerId::new(beer),
        sequence: Sequence(sequence),
        bottles: Bottles(bottles),
        level: Bottles(level),
        order_id: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_untrue_changes_no_figure() -> Result<()> {
    let bed = TestBed::new().await?;
    let analysis = bed.start(Service::InventoryAnalysis, run);
    let mut shop = Shop::open(&bed).await?;
    shop.sell("a", 2).await?;
    let sold = |all: &[Received<Insight>]| newest_ledger(all).is_some_and(|l| l.deliveries.delivered == 1);
    bed.read_until(INSIGHTS, sold).await?;

    // Decisions and deliveries of unknown orders, second ones, and events that do not follow.
    let accepted = |id: &str, bottles| {
        let lines = lines(bottles);
        let total_cents = orders::total(&lines);
        anyhow::Ok(OrderDecision::Accepted { order_id: id.parse()?, bottles: Bottles(bottles), total_cents, lines })
    };
    bed.publish(ORDER_DECISIONS, "ghost", &accepted("ghost", 20)?).await?;
    bed.publish(ORDER_DECISIONS, "a", &accepted("a", 20)?).await?;
    shop.refuse("a").await?;
    for update in [delivered("ghost")?, delivered("a")?] {
        bed.publish(DELIVERY_UPDATES, "x", &update).await?;
    }
    for event in [event("orval", 3, 4_000_000_000, 7), event("orval", 3, 4, 7), event("water", 1, 200, 200)] {
        bed.publish(STOCK_EVENTS, event.beer.as_str(), &event).await?;
    }
    let mut untrue = [
        (ORDER_DECISIONS.spec, ReasonCode::SecondDecision, 2),
        (DELIVERY_UPDATES.spec, ReasonCode::SecondOutcome, 1),
        (STOCK_EVENTS.spec, ReasonCode::NotTheSum, 2),
        (STOCK_EVENTS.spec, ReasonCode::UnknownBeer, 1),
    ];
    bed.until_disbelieved(Service::InventoryAnalysis, &untrue).await?;
    analysis.kill().await;

    // After a restart the log continues as the warehouse writes it.
    let analysis = bed.start(Service::InventoryAnalysis, run);
    bed.publish(ORDER_DECISIONS, "a", &accepted("a", 20)?).await?;
    untrue[0].2 += 1;
    bed.until_disbelieved(Service::InventoryAnalysis, &untrue).await?;
    shop.sell("b", 3).await?;
    let all_told = |all: &[Received<Insight>]| {
        newest_ledger(all).is_some_and(|l| l.deliveries.delivered == 2 && l.contradictions_found == 4)
            && newest_sales(all).is_some_and(|sales| sales.orders == 2)
    };
    let insights = bed.read_until(INSIGHTS, all_told).await?;
    let ledger = newest_ledger(&insights).context("no ledger")?;
    let (orders, bottles) = (ledger.orders, ledger.bottles);
    assert_eq!((orders.placed, orders.accepted, orders.refused, orders.waiting), (2, 2, 0, 0));
    assert_eq!((bottles.counted, bottles.received, bottles.reserved, bottles.on_shelf), (1000, 0, 5, 995));
    assert_eq!((ledger.deliveries.accepted, ledger.deliveries.under_way), (2, 0));
    let sales = newest_sales(&insights).context("no sales")?;
    assert_eq!((sales.bottles, sales.revenue_cents, sales.refused.orders), (5, Cents(1800), 0));
    let rebuilt = rebuilt(&bed).await?;
    assert!(rebuilt.is_identical(), "{rebuilt:#?}");
    analysis.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_that_is_read_before_its_order_counts_when_the_order_comes() -> Result<()> {
    let bed = TestBed::new().await?;
    let analysis = bed.start(Service::InventoryAnalysis, run);
    let mut shop = Shop::open(&bed).await?;
    shop.accept("a", 2).await?;
    shop.deliver("a").await?;
    let parked = |all: &[Received<Insight>]| newest_ledger(all).is_some_and(|l| !l.on_the_way.is_empty());
    let insights = bed.read_until(INSIGHTS, parked).await?;
    let ledger = newest_ledger(&insights).context("no ledger")?;
    assert_eq!((ledger.orders.accepted, ledger.deliveries.delivered), (0, 0));
    analysis.kill().await;
    let analysis = bed.start(Service::InventoryAnalysis, run);
    shop.place("a", 2).await?;
    let all_told = |all: &[Received<Insight>]| {
        newest_ledger(all).is_some_and(|l| l.balanced && l.deliveries.delivered == 1 && l.on_the_way.is_empty())
            && newest_sales(all).is_some_and(|sales| sales.orders == 1)
    };
    bed.read_until(INSIGHTS, all_told).await?;
    let rebuilt = rebuilt(&bed).await?;
    assert!(rebuilt.is_identical(), "{rebuilt:#?}");
    analysis.stop().await
}

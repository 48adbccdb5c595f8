//! Everything is counted once, and stored.

use anyhow::{Context as _, Result};
use events::{
    delivery::DeliveryUpdate,
    ids::Service,
    insights::{Difference, Insight, Ledger},
    quantities::Cents,
    received::Received,
    stock::StockChange,
    topics::{DELIVERY_UPDATES, INSIGHTS, ORDERS, UNREADABLE},
};
use inventory_analysis::run;
use service::testing::{TestBed, eventually};

use crate::shop::{Shop, ledger_with, lines, newest_ledger, newest_sales, rebuilt, tamper};

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_accounts_for_everything() -> Result<()> {
    let bed = TestBed::new().await?;
    let analysis = bed.start(Service::InventoryAnalysis, run);
    let mut shop = Shop::open(&bed).await?;
    shop.sell("a", 2).await?;
    bed.publish_raw(ORDERS, b"two Orval please").await?;
    shop.place("b", 25).await?;
    shop.refuse("b").await?;
    shop.place("c", 3).await?;
    shop.place("c", 3).await?;
    shop.accept("c", 3).await?;
    let back = DeliveryUpdate::Returned { order_id: "c".parse()?, lines: lines(3) };
    bed.publish(DELIVERY_UPDATES, "c", &back).await?;
    shop.stock(StockChange::Released, 3, Some("c".parse()?)).await?;
    let returned = |all: &[Received<Insight>]| newest_ledger(all).is_some_and(|l| l.bottles.released == 3);
    bed.read_until(INSIGHTS, returned).await?;
    let ledger = ledger_with(&bed, 1).await?;
    assert!(ledger.balanced, "{ledger:#?}");
    let (orders, bottles) = (ledger.orders, ledger.bottles);
    assert_eq!((orders.placed, orders.accepted, orders.refused, orders.waiting), (3, 2, 1, 0));
    assert_eq!((bottles.counted, bottles.reserved, bottles.released, bottles.on_shelf), (1000, 5, 3, 998));
    assert_eq!((ledger.deliveries.delivered, ledger.deliveries.returned), (1, 1));
    assert_eq!(ledger.read.len(), 4);
    let insights = bed.read_until(INSIGHTS, |all| newest_sales(all).is_some_and(|sales| sales.orders == 2)).await?;
    let sales = newest_sales(&insights).context("no sales")?;
    assert_eq!((sales.bottles, sales.revenue_cents, sales.refused.bottles), (5, Cents(1800), 25));
    let unreadable = bed.read_until(UNREADABLE, |all| !all.is_empty()).await?;
    assert_eq!(unreadable[0].message.as_ref().unwrap().first_bytes, "two Orval please");
    let rebuilt = rebuilt(&bed).await?;
    assert!(rebuilt.is_identical(), "{rebuilt:#?}");
    assert_eq!(rebuilt.total().messages, 5 + 3 + 4 + 3);
    analysis.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_analysis_counts_everything_once() -> Result<()> {
    let bed = TestBed::new().await?;
    let mut shop = Shop::open(&bed).await?;
    for part in 0..4 {
        // Killed while it reads old and new messages.
        let analysis = bed.start(Service::InventoryAnalysis, run);
        for n in 0..10 {
            shop.sell(&format!("o-{part}-{n}"), 1).await?;
        }
        analysis.kill().await;
    }
    let analysis = bed.start(Service::InventoryAnalysis, run);
    let ledger = ledger_with(&bed, 40).await?;
    assert!(ledger.balanced, "{ledger:#?}");
    assert_eq!((ledger.orders.placed, ledger.bottles.reserved, ledger.bottles.on_shelf), (40, 40, 960));
    let rebuilt = rebuilt(&bed).await?;
    assert!(rebuilt.is_identical(), "{rebuilt:#?}");
    assert_eq!(rebuilt.total().messages, 40 * 5 + 1);
    analysis.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_finds_what_was_tampered_with() -> Result<()> {
    let bed = TestBed::new().await?;
    let analysis = bed.start(Service::InventoryAnalysis, run);
    let mut shop = Shop::open(&bed).await?;
    shop.sell("a", 2).await?;
    shop.sell("b", 2).await?;
    ledger_with(&bed, 2).await?;
    tamper(&bed, "update aggregate set facts = replace(facts, '\"orval\":2', '\"orval\":1') where key = 'a'").await?;
    let found = rebuilt(&bed).await?;
    assert_eq!((found.is_identical(), found.differing), (false, 1));
    assert!(matches!(&found.differences[..], [Difference::Row { row, .. }] if row == "order a"), "{found:#?}");
    tamper(&bed, "delete from aggregate where key = 'b'").await?;
    assert_eq!(rebuilt(&bed).await?.differing, 2);
    tamper(&bed, "insert into aggregate (subject, key, facts) values ('order', 'x', '{}')").await?;
    assert_eq!(rebuilt(&bed).await?.differing, 3);
    analysis.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_analysis_says_what_it_knew() -> Result<()> {
    let bed = TestBed::new().await?;
    let analysis = bed.start(Service::InventoryAnalysis, run);
    let mut shop = Shop::open(&bed).await?;
    shop.sell("a", 2).await?;
    let before = ledger_with(&bed, 1).await?;
    analysis.stop().await?;
    let analysis = bed.start(Service::InventoryAnalysis, run);
    let again = eventually("the ledger after the restart", || async {
        let insights = bed.read_until(INSIGHTS, |_| true).await.ok()?;
        newest_ledger(&insights).filter(|ledger| ledger.at > before.at).cloned()
    });
    assert_eq!(Ledger { at: before.at, ..again.await? }, before);
    analysis.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn waits_while_another_program_holds_its_database() -> Result<()> {
    let bed = TestBed::new().await?;
    let analysis = bed.start(Service::InventoryAnalysis, run);
    let mut shop = Shop::open(&bed).await?;
    shop.sell("a", 2).await?;
    ledger_with(&bed, 1).await?;
    let lock = bed.hold_database(Service::InventoryAnalysis).await?;
    shop.sell("b", 3).await?;
    analysis.waits_for_its_database().await?;
    drop(lock);
    let ledger = ledger_with(&bed, 2).await?;
    assert_eq!((ledger.orders.placed, ledger.bottles.reserved, ledger.bottles.on_shelf), (2, 5, 995));
    assert!(rebuilt(&bed).await?.is_identical());
    analysis.stop().await
}

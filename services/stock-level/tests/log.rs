//! stock-level against a real broker.

use std::collections::BTreeMap;

use anyhow::Result;
use events::{
    ids::{BeerId, Service},
    quantities::{Bottles, Sequence},
    received::Received,
    settings::{Fold, Folding},
    stock::{StockChange, StockEvent, StockLevel},
    topics::{STOCK_EVENTS, STOCK_LEVELS, SubscriptionType, UNREADABLE},
};
use service::testing::TestBed;

const FAILOVER: Folding =
    Folding { subscription: SubscriptionType::Failover, workers: 3, fold: Fold::Versioned, work_ms: [0, 0] };

fn event(beer: &str, sequence: u64, level: u32) -> StockEvent {
    StockEvent {
        change: if sequence == 1 { StockChange::Counted } else { StockChange::Reserved },
        beer: BeerId::new(beer),
        sequence: Sequence(sequence),
        bottles: Bottles(if sequence == 1 { level } else { 1 }),
        level: Bottles(level),
        order_id: None,
    }
}

/// The level of each beer by the last message of it, as a page would show it.
fn shown(received: &[Received<StockLevel>]) -> BTreeMap<String, (u32, u64)> {
    let levels = received.iter().filter_map(|received| received.message.as_ref().ok());
    levels.map(|level| (level.beer.to_string(), (level.level.0, level.sequence.0))).collect()
}

/// Up to which event of the orval all are handled, according to the last level.
fn settled(received: &[Received<StockLevel>]) -> u64 {
    let levels = received.iter().filter_map(|received| received.message.as_ref().ok());
    levels.rev().find(|level| level.beer.as_str() == "orval").map_or(0, |level| level.settled.0)
}

#[tokio::test(flavor = "multi_thread")]
async fn folds_the_log_and_survives_a_kill() -> Result<()> {
    let bed = TestBed::new().await?;
    bed.choose(|choices| choices.stock_level = FAILOVER);
    let start = || bed.start(Service::StockLevel, stock_level::run);
    let service = start();
    bed.publish_raw(STOCK_EVENTS, b"\x00 no event").await?;
    for sequence in 1..=20 {
        bed.publish(STOCK_EVENTS, "orval", &event("orval", sequence, 200 - sequence as u32)).await?;
    }
    service.kill().await;
    let service = start();
    for sequence in 21..=40 {
        bed.publish(STOCK_EVENTS, "orval", &event("orval", sequence, 200 - sequence as u32)).await?;
        bed.publish(STOCK_EVENTS, "duvel", &event("duvel", sequence - 20, 240 - sequence as u32)).await?;
    }
    let right = |all: &[Received<StockLevel>]| {
        let shown = shown(all);
        shown.get("orval") == Some(&(160, 40)) && shown.get("duvel") == Some(&(200, 20))
    };
    let levels = bed.read_until(STOCK_LEVELS, right).await?;
    assert_eq!(settled(&levels), 40, "what was handled before the kill is remembered");
    let unreadable = bed.read_until(UNREADABLE, |all| !all.is_empty()).await?;
    assert_eq!(unreadable.len(), 1);
    service.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_is_closed_from_the_log() -> Result<()> {
    let bed = TestBed::new().await?;
    // As after a resend: 2 lies behind 3 in the log, where a fresh fold finds it; it is not skipped.
    for sequence in [1, 3, 2, 4] {
        bed.publish(STOCK_EVENTS, "orval", &event("orval", sequence, 200 - sequence as u32)).await?;
    }
    bed.choose(|choices| choices.stock_level = FAILOVER);
    let service = bed.start(Service::StockLevel, stock_level::run);
    let levels = bed.read_until(STOCK_LEVELS, |all| shown(all).get("orval") == Some(&(196, 4))).await?;
    assert_eq!(settled(&levels), 4, "what was read from the log is handled");
    service.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn shared_workers_with_a_versioned_fold_are_right() -> Result<()> {
    let bed = TestBed::new().await?;
    bed.choose(|choices| choices.stock_level = Folding { subscription: SubscriptionType::Shared, ..FAILOVER });
    let service = bed.start(Service::StockLevel, stock_level::run);
    for sequence in 1..=60 {
        bed.publish(STOCK_EVENTS, "orval", &event("orval", sequence, 200 - sequence as u32)).await?;
    }
    let levels = bed.read_until(STOCK_LEVELS, |all| shown(all).get("orval") == Some(&(140, 60))).await?;
    let written: Vec<u64> = levels.iter().filter_map(|level| level.message.as_ref().ok()).map(|l| l.written).collect();
    assert!(written.windows(2).all(|pair| pair[0] < pair[1]), "published in the order of writing: {written:?}");
    service.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn waits_while_another_program_holds_its_database() -> Result<()> {
    let bed = TestBed::new().await?;
    bed.choose(|choices| choices.stock_level = FAILOVER);
    let stock_level = bed.start(Service::StockLevel, stock_level::run);
    bed.publish(STOCK_EVENTS, "orval", &event("orval", 1, 200)).await?;
    bed.read_until(STOCK_LEVELS, |all| settled(all) == 1).await?;
    let lock = bed.hold_database(Service::StockLevel).await?;
    bed.publish(STOCK_EVENTS, "orval", &event("orval", 2, 199)).await?;
    stock_level.waits_for_its_database().await?;
    drop(lock);
    bed.read_until(STOCK_LEVELS, |all| settled(all) == 2).await?;
    stock_level.stop().await
}

//! Nothing lost, nothing twice: each part is killed while orders come in.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use suite::{
    Demo,
    kills::{DELIVERED_WITHIN, reset, survive},
    load,
    rehearsal::Place,
    until,
};
use tokio::time::Instant;

const RATE: u64 = 40;
const SECONDS: u64 = 4;
/// Time for a killed broker to come back and for waiting orders to be delivered, on a busy machine.
const SETTLED_WITHIN: Duration = Duration::from_secs(120);

pub async fn each_service_is_killed_under_load_and_nothing_is_lost(demo: &Demo) -> Result<()> {
    for service in ["warehouse", "stock-level", "inventory-analysis", "delivery", "website", "stage"] {
        kill_under_load(demo, service).await?;
    }
    Ok(())
}

pub async fn the_broker_is_killed_under_load_and_nothing_is_lost(demo: &Demo) -> Result<()> {
    kill_under_load(demo, "broker").await
}

/// The same as `kills` does thirty times.
pub async fn five_kills_in_a_row_are_survived(demo: &Demo) -> Result<()> {
    let place = Place::of_demo(demo)?;
    reset(&demo.stage).await?;
    for number in 1..=5 {
        survive(&place, number, DELIVERED_WITHIN).await.with_context(|| format!("kill {number}"))?;
    }
    Ok(())
}

async fn kill_under_load(demo: &Demo, part: &str) -> Result<()> {
    let before = demo.stage.get("/api/ledger").await?["orders"]["placed"].as_u64().unwrap_or(0);
    let killed_at = Instant::now() + Duration::from_secs(SECONDS / 2);
    let shop = demo.shop.clone();
    let crowd = tokio::spawn(async move { load::place(&shop, RATE, SECONDS, |_, _| {}).await });
    tokio::time::sleep_until(killed_at).await;
    let process = demo.process(part)?;
    demo.kill(part).await?;
    let placed = crowd.await??;
    // Only the death of the website itself costs orders: those that were never confirmed to the customer.
    ensure!(part == "website" || placed.failed == 0, "{part} killed: {placed:?}");
    until(&format!("{part} to be started again"), SETTLED_WITHIN, || async {
        ensure!(demo.process(part)? != process, "still the old one");
        Ok(())
    })
    .await?;
    let least = before + placed.taken;
    let ledger = demo
        .stage
        .until_ledger(SETTLED_WITHIN, |ledger| {
            let placed = ledger["orders"]["placed"].as_u64().unwrap_or(0);
            // An order may be in the database of a website that was killed before it could confirm it.
            placed >= least && ledger["orders"]["waiting"] == 0 && ledger["deliveries"]["under_way"] == 0
        })
        .await?;
    ensure!(ledger["contradictions"].as_array().is_some_and(Vec::is_empty), "{part} killed: {ledger}");
    let counted = ledger["orders"]["placed"].as_u64().unwrap_or(0);
    ensure!(counted <= least + placed.failed, "{part} killed: {counted} orders of {placed:?} after {before}");
    until("stock-level to show what is so", SETTLED_WITHIN, || async {
        let stock = demo.stage.get("/api/stock").await?;
        let behind = stock["beers"].as_array().into_iter().flatten().any(|beer| beer["behind"] != 0);
        ensure!(stock["wrong"] == 0 && !behind, "{stock}");
        Ok(())
    })
    .await
}

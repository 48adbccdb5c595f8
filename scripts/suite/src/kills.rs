//! Kills the broker and services under load, again and again. Each time everything must recover by itself.

use std::{fmt, path::Path, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use tokio::{task::JoinHandle, time::Instant};

use crate::{
    Shop, Stage, flow, line,
    load::{self, Placed},
    processes,
    rehearsal::Place,
    until,
};

/// The most kills in a row.
pub const KILLS_MAX: u32 = 200;
/// An order placed after the kill is delivered within this time, on an otherwise idle machine.
pub const DELIVERED_WITHIN: Duration = Duration::from_secs(15);
/// After this time without an answer the rest of a round is given up.
const AT_REST_WITHIN: Duration = Duration::from_secs(60);
/// How long a reset may take to answer.
const RESET_WITHIN: Duration = Duration::from_secs(15);
/// Orders per second, and for how many seconds; the kill comes after two of them.
const RATE: u64 = 40;
const LOAD_S: u64 = 6;
const KILLED_AFTER: Duration = Duration::from_secs(2);
/// How often an order is retried while a killed website is away.
const TRY_EVERY: Duration = Duration::from_millis(100);

/// The service killed together with the broker, in turn; in every other round none.
const SERVICES: [&str; 6] = ["warehouse", "inventory-analysis", "stock-level", "delivery", "website", "stage"];

/// The result of a kill.
#[derive(Debug)]
pub struct Survived {
    pub number: u32,
    pub killed: Vec<&'static str>,
    /// From the kill until an order placed after it was delivered.
    pub delivered_after: Duration,
    /// From the kill until nothing waited any more and the ledger was exact.
    pub at_rest_after: Duration,
    pub reset_took: Duration,
}

impl fmt::Display for Survived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Survived { number, killed, delivered_after, at_rest_after, reset_took } = self;
        let (delivered, rest, reset) =
            (delivered_after.as_secs_f64(), at_rest_after.as_secs_f64(), reset_took.as_secs_f64());
        let killed = killed.join(", ");
        write!(
            f,
            "kill {number:>3}  {killed:<26} delivered after {delivered:4.1} s, at rest and exact after {rest:4.1} s, reset in {reset:.1} s"
        )
    }
}

/// Kills the broker, and every other time a service with it. Checks that everything recovers, and that an order placed
/// after the kill is delivered `within` this time. It ends with a reset and needs one before: all orders are its own.
///
/// # Errors
/// What is wrong.
pub async fn survive(place: &Place, number: u32, within: Duration) -> Result<Survived> {
    let shop = &place.shop;
    let crowd = start_crowd(shop);
    tokio::time::sleep(KILLED_AFTER).await;
    let killed = victims(number);
    for part in &killed {
        kill(&place.data_dir, part).await?;
    }
    let killed_at = Instant::now();
    let order_id = order_as_soon_as_possible(shop, killed_at + within).await?;
    shop.until_status(&order_id, "delivered", within.saturating_sub(killed_at.elapsed())).await?;
    let delivered_after = killed_at.elapsed();
    let placed = crowd.await??;
    ensure!(killed.contains(&"website") || placed.failed == 0, "orders were turned away: {placed:?}");
    at_rest(place, &placed).await?;
    let at_rest_after = killed_at.elapsed();
    let reset_took = reset(&place.stage).await?;
    Ok(Survived { number, killed, delivered_after, at_rest_after, reset_took })
}

fn victims(number: u32) -> Vec<&'static str> {
    let mut victims = vec!["broker"];
    if number.is_multiple_of(2) {
        let turn = usize::try_from(number / 2 - 1).unwrap_or(0) % SERVICES.len();
        victims.push(SERVICES[turn]);
    }
    victims
}

fn start_crowd(shop: &Shop) -> JoinHandle<Result<Placed>> {
    let shop = shop.clone();
    tokio::spawn(async move { load::place(&shop, RATE, LOAD_S, |_, _| {}).await })
}

async fn kill(data_dir: &Path, part: &str) -> Result<()> {
    processes::kill(processes::noted(data_dir, part)?).await.with_context(|| part.to_owned())
}

async fn order_as_soon_as_possible(shop: &Shop, deadline: Instant) -> Result<String> {
    loop {
        match shop.order("Grote Markt 1, Brussel", &[line("orval", 1)]).await {
            Ok(order_id) => return Ok(order_id),
            Err(error) if Instant::now() > deadline => return Err(error),
            Err(_) => tokio::time::sleep(TRY_EVERY).await,
        }
    }
}

/// Every placed order has come to its end, the sums hold, the shown stock is right, and no service is stuck.
async fn at_rest(place: &Place, placed: &Placed) -> Result<()> {
    let stage = &place.stage;
    let ledger = stage
        .until_ledger(AT_REST_WITHIN, |ledger| {
            let known = ledger["orders"]["placed"].as_u64().unwrap_or(0);
            // One more than the crowd's. Another may be in the database of a website that died before confirming it.
            known > placed.taken && ledger["orders"]["waiting"] == 0 && ledger["deliveries"]["under_way"] == 0
        })
        .await?;
    ensure!(ledger["contradictions"].as_array().is_some_and(Vec::is_empty), "{ledger}");
    let known = ledger["orders"]["placed"].as_u64().unwrap_or(0);
    ensure!(known <= placed.taken + placed.failed + 1, "{known} orders of {placed:?} and one more");
    let episode = stage.get("/api/settings").await?["episode"].as_u64().context("no episode")?;
    until("nobody to be stuck", AT_REST_WITHIN, || async {
        match flow::not_at_rest(&place.broker, episode).await? {
            Some(what) => bail!("{what}"),
            None => Ok(()),
        }
    })
    .await?;
    until("the stock to be shown as it is", AT_REST_WITHIN, || async {
        let stock = stage.get("/api/stock").await?;
        let behind = stock["beers"].as_array().into_iter().flatten().any(|beer| beer["behind"] != 0);
        ensure!(stock["wrong"] == 0 && !behind, "{stock}");
        Ok(())
    })
    .await
}

/// Resets the suite; returns how long that took.
pub async fn reset(stage: &Stage) -> Result<Duration> {
    let began = Instant::now();
    let answer = tokio::time::timeout(RESET_WITHIN, stage.post_as_presenter("/api/stage/reset", None));
    let answer = answer.await.context("the reset does not answer")??;
    let (status, body): (_, Value) = (answer.status(), answer.json().await.unwrap_or_default());
    ensure!(status == 200, "the reset answers {status}: {body}");
    Ok(began.elapsed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_service_dies_with_the_broker_in_twelve_kills() {
        assert_eq!((victims(1), victims(2)), (vec!["broker"], vec!["broker", "warehouse"]));
        let all: std::collections::BTreeSet<_> = (1..=12).flat_map(victims).collect();
        assert_eq!(all.len(), SERVICES.len() + 1);
    }
}

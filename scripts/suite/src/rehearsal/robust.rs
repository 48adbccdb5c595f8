//! Act 8: whatever dies, nothing is lost.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Result, ensure};
use serde_json::Value;

use super::room::{Room, SOON, number};
use crate::{line, until};

/// How long a broker may take to go, and to come back.
const BROKER_WITHIN: Duration = Duration::from_secs(60);
/// The orders of the crowd that come in before the first kill: the suite is under load.
const LOAD: u64 = 50;

/// Act 8. Two services and the broker die in the middle of a crowd; the sums hold again, and nothing is lost.
pub(super) async fn nothing_lost(room: &mut Room<'_>) -> Result<()> {
    room.next().await?; // the crowd
    let mut mine = vec![order(room).await?];
    under_load(room).await?;
    let before = readers(room, "orders", "warehouse").await;
    room.next().await?; // the warehouse dies
    mine.push(order(room).await?);
    came_back(room, "orders", "warehouse", before).await?;
    room.next().await?; // the wobble
    let before = readers(room, "delivery-requests", "delivery").await;
    room.next().await?; // the couriers' service dies
    mine.push(order(room).await?);
    came_back(room, "delivery-requests", "delivery", before).await?;
    let can_be_asked = room.place.broker.is_ready().await;
    if room.next_if_offered().await? && can_be_asked {
        mine.push(order(room).await?);
        until_broker(room, false).await?;
        mine.push(order(room).await?);
        until_broker(room, true).await?;
    }
    room.next_when_possible().await?; // home
    let ledger = room.at_rest().await?;
    for order_id in &mine {
        room.shop.until_status(order_id, "delivered", SOON).await?;
    }
    ensure!(ledger["contradictions"].as_array().is_some_and(Vec::is_empty), "{ledger}");
    room.until_seen("#sums .wrong", |count| count == 0).await?;
    room.until_seen("#sums .right", |count| count >= 3).await?;
    room.next_when_possible().await // the end
}

/// Places an order, which is stored as soon as it is taken.
async fn order(room: &Room<'_>) -> Result<String> {
    room.shop.order("Grote Markt 1, Brussel", &[line("duvel", 1)]).await
}

async fn under_load(room: &Room<'_>) -> Result<()> {
    let placed = |ledger: &Value| number(&ledger["orders"]["placed"]);
    let before = placed(&room.stage.get("/api/ledger").await?);
    room.until_says("a crowd", "/api/ledger", |ledger| placed(ledger) >= before + LOAD).await.map(drop)
}

/// The connections of a service to a topic; empty where the broker does not show them.
async fn readers(room: &Room<'_>, topic: &str, service: &str) -> BTreeSet<String> {
    let Ok(settings) = room.stage.get("/api/settings").await else { return BTreeSet::new() };
    let subscriptions = room.place.broker.subscriptions(number(&settings["episode"]), topic).await;
    subscriptions.ok().and_then(|mut all| all.remove(service)).unwrap_or_default()
}

/// Waits until the service that died is connected again, with other connections than before.
async fn came_back(room: &Room<'_>, topic: &str, service: &str, before: BTreeSet<String>) -> Result<()> {
    if before.is_empty() {
        return Ok(());
    }
    until(&format!("{service} to come back"), SOON, || async {
        let now = readers(room, topic, service).await;
        ensure!(!now.is_empty() && now.is_disjoint(&before), "it was {before:?} and is {now:?}");
        Ok(())
    })
    .await
}

async fn until_broker(room: &Room<'_>, ready: bool) -> Result<()> {
    until("the broker to go and to come back", BROKER_WITHIN, || async {
        ensure!(room.place.broker.is_ready().await == ready, "it is ready: {}", !ready);
        Ok(())
    })
    .await
}

//! Act 3: a queue, and the effect of more couriers.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tokio::time::Instant;

use super::room::{Room, SOON, number};
use crate::until;

/// The length of the queue before couriers are hired: enough work for three of them.
const LONG: u64 = 12;
/// The number of deliveries per courier over which a rate is measured.
const EACH: u64 = 3;
/// Three couriers are at least this many times as fast as one.
const FASTER: f64 = 2.0;
/// A parcel must be on its way for at least this long for its courier to crash with it in hand.
const STILL: Duration = Duration::from_millis(1_000);

/// Act 3. One courier cannot keep up; three share the work; when one crashes, another delivers the parcel, once.
pub(super) async fn a_queue(room: &mut Room<'_>) -> Result<()> {
    room.next().await?; // one courier
    room.until_seen("#lanes .lane", |lanes| lanes == 1).await?;
    let slow = deliveries_a_second(room, EACH).await?;
    room.until_says("the queue to grow", "/api/deliveries", |now| number(&now["queue"]) >= LONG).await?;
    room.next().await?; // two more
    let three = |now: &Value| hands(now).len() == 3;
    room.until_says("three couriers with a parcel in hand", "/api/deliveries", three).await?;
    room.until_seen("#lanes .lane", |lanes| lanes == 3).await?;
    let fast = deliveries_a_second(room, 3 * EACH).await?;
    ensure!(fast >= FASTER * slow, "{slow:.1} deliveries a second by one courier, {fast:.1} by three");
    room.next().await?; // longer ways
    let before = room.until_says("parcels on a long way", "/api/deliveries", everybody_is_far).await?;
    room.next().await?; // one crashes
    let parcel = parcel_of_who_crashed(room, &before).await?;
    delivered_once_by_another(room, &parcel).await?;
    room.next().await?; // many couriers
    room.until_says("the queue to drain", "/api/deliveries", |now| number(&now["queue"]) <= 1).await?;
    room.next().await // and gone
}

async fn deliveries_a_second(room: &Room<'_>, count: u64) -> Result<f64> {
    let delivered = |now: &Value| number(&now["delivered"]);
    let before = delivered(&room.stage.get("/api/deliveries").await?);
    // From one delivery to another, so that a part of a trip does not count as a whole one.
    let first = room.until_says("a delivery", "/api/deliveries", |now| delivered(now) > before).await?;
    let began = Instant::now();
    let goal = delivered(&first) + count;
    let last = room.until_says("deliveries", "/api/deliveries", |now| delivered(now) >= goal).await?;
    let count = u32::try_from(delivered(&last) - delivered(&first))?;
    Ok(f64::from(count) / began.elapsed().as_secs_f64())
}

fn hands(deliveries: &Value) -> Vec<(String, String)> {
    let couriers = deliveries["couriers"].as_array().into_iter().flatten();
    let hand = |courier: &Value| {
        let parcel = courier["carrying"]["order_id"].as_str()?;
        Some((courier["courier"].as_str()?.to_owned(), parcel.to_owned()))
    };
    couriers.filter_map(hand).collect()
}

/// Whether every courier has a parcel, and one of them is so far away that a crash comes before the door.
fn everybody_is_far(deliveries: &Value) -> bool {
    let now = super::checks::now().micros();
    let far = |courier: &Value| {
        let until = super::beginning::moment(&courier["carrying"]["until"]);
        until.is_ok_and(|until| until.micros() - now >= i64::try_from(STILL.as_micros()).unwrap_or(0))
    };
    hands(deliveries).len() == 3 && deliveries["couriers"].as_array().into_iter().flatten().any(far)
}

/// The parcel of the courier who is no longer there: crashed, and not back yet.
async fn parcel_of_who_crashed(room: &Room<'_>, before: &Value) -> Result<String> {
    let before = hands(before);
    until("a courier to be gone", SOON, || async {
        let now = room.stage.get("/api/deliveries").await?;
        let couriers = now["couriers"].as_array().into_iter().flatten();
        let here: BTreeSet<&str> = couriers.filter_map(|courier| courier["courier"].as_str()).collect();
        let gone = before.iter().find(|(courier, _)| !here.contains(courier.as_str()));
        gone.map(|(_, parcel)| parcel.clone()).with_context(|| format!("{before:?}, and now {now}"))
    })
    .await
}

async fn delivered_once_by_another(room: &Room<'_>, parcel: &str) -> Result<()> {
    let order = room.stage.until_status(parcel, "delivered", SOON).await?;
    let hops: Vec<&str> =
        order["journey"].as_array().into_iter().flatten().filter_map(|hop| hop["what"].as_str()).collect();
    let by = |what: &str| hops.iter().filter_map(|hop| hop.strip_prefix(what)).collect::<Vec<&str>>();
    let (picked_up, delivered) = (by("picked up by "), by("delivered by "));
    let took_over = picked_up.iter().collect::<BTreeSet<_>>().len() > 1;
    ensure!(took_over && delivered.len() == 1, "{order}");
    Ok(())
}

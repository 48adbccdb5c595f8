//! Act 4: when it goes wrong.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use events::ids::Moment;
use serde_json::Value;

use super::{
    beginning::moment,
    room::{Room, number},
};
use crate::until;

/// How long an order may take to be given up: four attempts, and the pauses between them.
const GIVEN_UP_WITHIN: Duration = Duration::from_secs(40);
/// Part of every unknown address of the rehearsal.
const NOWHERE: &str = "introuvable";

/// Act 4. Retries, each later than the last, while others are not held up; the dead letters; one redrive, one return.
pub(super) async fn when_it_goes_wrong(room: &mut Room<'_>) -> Result<()> {
    let mark = room.witness.mark();
    room.next().await?; // an address nobody finds
    let lost = room.until_sample_order(mark).await?;
    room.next().await?; // it is tried again
    room.until_says("a retry", "/api/deliveries", |now| is_among(&now["retries"], &lost)).await?;
    let before = number(&room.stage.get("/api/deliveries").await?["delivered"]);
    room.next().await?; // more of them
    let others = |now: &Value| {
        now["retries"].as_array().is_some_and(|all| all.iter().any(|retry| retry["order_id"] != lost.as_str()))
    };
    room.until_says("others to be tried again", "/api/deliveries", others).await?;
    room.until_seen("#retries a[href*='/orders/']", |count| count > 0).await?;
    room.until_says("the rest to be delivered", "/api/deliveries", |now| number(&now["delivered"]) > before).await?;
    room.next().await?; // no more of them
    until_given_up(room).await?;
    let order = room.stage.get(&format!("/api/orders/{lost}")).await?;
    each_later_than_the_last(&order)?;
    ensure!(order["status"] == "stranded" && order["reason"].is_string(), "{order}");
    room.until_seen(&format!("#dead-{lost}"), |count| count == 1).await?;
    room.next().await?; // one is redriven
    ends_as(room, "delivered").await?;
    let ledger = room.stage.get("/api/ledger").await?;
    let released = number(&ledger["bottles"]["released"]);
    room.next().await?; // another returned
    let returned = ends_as(room, "returned").await?;
    let lines = returned["lines"].as_array().into_iter().flatten();
    let bottles: u64 = lines.map(|line| number(&line["bottles"])).sum();
    let back =
        |ledger: &Value| number(&ledger["bottles"]["released"]) == released + bottles && ledger["balanced"] == true;
    room.until_says("the bottles to be back on the shelf", "/api/ledger", back).await.map(drop)
}

fn is_among(list: &Value, order_id: &str) -> bool {
    list.as_array().into_iter().flatten().any(|entry| entry["order_id"] == order_id)
}

/// Waits until no parcel to an unknown address is on its way any more: all of them are dead letters.
async fn until_given_up(room: &Room<'_>) -> Result<()> {
    until("what nobody finds to be given up", GIVEN_UP_WITHIN, || async {
        let now = room.stage.get("/api/deliveries").await?;
        let couriers = now["couriers"].as_array().into_iter().flatten();
        let mut addresses = couriers.filter_map(|courier| courier["carrying"]["address"].as_str());
        let in_hand = addresses.any(|address| address.contains(NOWHERE));
        let letters = number(&now["dead_letters_total"]);
        ensure!(!in_hand && now["retries_total"] == 0 && now["queue"] == 0 && letters >= 2, "{now}");
        Ok(())
    })
    .await
}

/// The pauses between attempts grow.
fn each_later_than_the_last(order: &Value) -> Result<()> {
    let mut pauses = Vec::new();
    for hop in order["journey"].as_array().into_iter().flatten() {
        let what = hop["what"].as_str().unwrap_or_default();
        if let Some((_, again)) = what.split_once("; again at ") {
            pauses.push(again.parse::<Moment>()?.micros_since(moment(&hop["at"])?));
        }
    }
    ensure!(pauses.len() >= 2 && pauses.is_sorted_by(|a, b| a < b), "paused for {pauses:?} µs: {order}");
    Ok(())
}

/// Waits until one of the orders stranded in this act has this status, and returns it.
async fn ends_as(room: &Room<'_>, status: &str) -> Result<Value> {
    let was_stranded = |id: &String| room.witness.statuses(id).iter().any(|status| status == "stranded");
    let stranded: Vec<String> = room.witness.placed_since(room.began).into_iter().filter(was_stranded).collect();
    until(&format!("one of the dead letters to be {status}"), GIVEN_UP_WITHIN, || async {
        let so = |id: &&String| room.witness.statuses(id).last().is_some_and(|last| last == status);
        let id = stranded.iter().find(so).with_context(|| format!("none of {stranded:?}"))?;
        room.until_seen(&format!("#dead-{id}"), |count| count == 0).await?;
        room.stage.get(&format!("/api/orders/{id}")).await
    })
    .await
}

//! Acts 1 and 2: a first order, and services that do not wait for each other.

use std::collections::HashSet;

use anyhow::{Context as _, Result, ensure};
use events::ids::Moment;
use serde_json::Value;
use thirtyfour::By;

use super::{
    room::{Room, SOON, number},
    witness::Mark,
};
use crate::{browser::until_text, until};

/// The usual width and height of a phone.
const PHONE: (u32, u32) = (390, 844);
/// The services that at least take part in a delivered order.
const PARTS: [&str; 4] = ["website", "warehouse", "stock-level", "delivery"];
/// The orders that wait before the warehouse goes on: enough to see them grow.
const BACKLOG: u64 = 40;

/// Act 1. A phone orders in three taps and follows its beer; the speaker's order is followed hop by hop.
pub(super) async fn a_first_order(room: &mut Room<'_>) -> Result<()> {
    room.next().await?; // the shop
    room.look_at("/welcome").await?;
    room.until_seen("iframe", |count| count == 1).await?;
    let ordered = order_by_phone(room).await?;
    room.next().await?; // the map
    room.look_at("/").await?;
    let before = room.witness.mark();
    room.next().await?; // an order of the speaker's
    let sample = room.until_sample_order(before).await?;
    room.until_seen(&format!("#followed a[href*='/orders/{sample}']"), |count| count == 1).await?;
    room.until_seen(".map .lit[data-service='delivery']", |count| count == 1).await?;
    room.next().await?; // its way
    let order = room.stage.until_status(&sample, "delivered", SOON).await?;
    its_way_is_told(&order)?;
    ensure!(room.witness.statuses(&sample) == ["placed", "accepted", "picked_up", "delivered"], "{order}");
    room.next().await?; // the phones
    room.shop.until_status(&ordered, "delivered", SOON).await?;
    room.show(room.shop, &format!("/orders/{ordered}")).await?;
    until_text(room.driver, "body", "Delivered").await?;
    Ok(())
}

async fn order_by_phone(room: &Room<'_>) -> Result<String> {
    let (wall, driver) = (room.driver.get_window_rect().await?, room.driver);
    let (width, height) = PHONE;
    driver.set_window_rect(0, 0, width, height).await?;
    driver.goto(format!("{}/?lang=en", room.shop.address())).await?;
    for tap in ["[data-beer='orval'] .more", ".to-checkout", "button.place"] {
        driver.find(By::Css(tap)).await?.click().await?;
    }
    let id = until("the order's page", SOON, || async {
        let address = driver.current_url().await?;
        address.path().strip_prefix("/orders/").map(str::to_owned).with_context(|| address.to_string())
    })
    .await?;
    let (width, height) = (u32::try_from(wall.width)?, u32::try_from(wall.height)?);
    driver.set_window_rect(0, 0, width, height).await?;
    Ok(id)
}

/// Every hop has its time, none before its predecessor, and every service took part.
fn its_way_is_told(order: &Value) -> Result<()> {
    let hops: Vec<&Value> = order["journey"].as_array().into_iter().flatten().collect();
    let times: Vec<Moment> = hops.iter().map(|hop| moment(&hop["at"])).collect::<Result<_>>()?;
    ensure!(times.is_sorted(), "{order}");
    for part in PARTS {
        ensure!(hops.iter().any(|hop| hop["service"] == part), "{part} has no part in {order}");
    }
    Ok(())
}

pub(super) fn moment(value: &Value) -> Result<Moment> {
    let text = value.as_str().context("no moment")?;
    text.parse().with_context(|| text.to_owned())
}

/// Act 2. The warehouse is paused and orders pile up; it goes on and takes all of them in order, once each.
pub(super) async fn decoupling(room: &mut Room<'_>) -> Result<()> {
    room.next().await?; // a steady flow
    let accepted = |ledger: &Value| number(&ledger["orders"]["accepted"]);
    let before = accepted(&room.stage.get("/api/ledger").await?);
    room.until_says("orders to flow", "/api/ledger", |ledger| accepted(ledger) > before).await?;
    room.next().await?; // the warehouse is paused
    room.until_seen("#map-warehouse.paused", |count| count == 1).await?;
    let mark = room.witness.mark();
    room.next().await?; // and yet an order is taken
    let sample = room.until_sample_order(mark).await?;
    room.next().await?; // a crowd
    let waiting = |ledger: &Value| number(&ledger["orders"]["waiting"]);
    room.until_says("the backlog to grow", "/api/ledger", |ledger| waiting(ledger) >= BACKLOG).await?;
    room.until_seen("#map-orders.backlog", |count| count == 1).await?;
    let order = room.stage.get(&format!("/api/orders/{sample}")).await?;
    ensure!(order["status"] == "placed", "the warehouse is paused, and yet {order}");
    let piled = room.witness.placed_since(mark);
    room.next().await?; // the warehouse goes on
    room.until_seen("#map-warehouse.running", |count| count == 1).await?;
    room.until_says("the backlog to drain", "/api/ledger", |ledger| waiting(ledger) < BACKLOG / 4).await?;
    room.shop.until_status(&sample, "delivered", SOON).await?;
    decided_in_order(room, mark, &piled).await?;
    room.next().await // the sums
}

/// Waits until all of these orders are decided: in the order of placing, each of them once.
async fn decided_in_order(room: &Room<'_>, mark: Mark, piled: &[String]) -> Result<()> {
    let those: HashSet<&String> = piled.iter().collect();
    let decided = || {
        let mut decided = room.witness.decided_since(mark);
        decided.retain(|id| those.contains(id));
        decided
    };
    until("all that waited to be decided", SOON, || async {
        let decided = decided().len();
        ensure!(decided >= piled.len(), "{decided} of {}", piled.len());
        Ok(())
    })
    .await?;
    ensure!(decided() == piled, "orders waited as {piled:?} and were decided as {:?}", decided());
    Ok(())
}

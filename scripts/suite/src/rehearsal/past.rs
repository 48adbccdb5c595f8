//! Acts 6 and 7: what is stored can be read again, also by a service that comes late.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    broker::Subscriptions,
    room::{Room, SOON, number},
};
use crate::{browser::until_text, line, until};

/// A moment of the past is answered within this time.
const ANSWERED_WITHIN: Duration = Duration::from_millis(300);
/// One of this many answers must be as fast: the machine does other things as well.
const TRIES: usize = 4;
/// The questions of the act, in its order.
const QUESTIONS: [&str; 3] = ["ordered-together", "cost-of-refusals", "same-second"];
/// Moves the slider of the time machine as far back as it goes.
const TO_THE_BEGINNING: &str =
    "const at = document.querySelector('#at'); at.value = at.min; at.dispatchEvent(new Event('input'))";
/// The broker's name for fraud watch.
const FRAUD_WATCH: &str = events::topics::FRAUD_WATCH.name;

/// Act 6. Everything is folded again with the same result; a past moment is unchanged; new questions are answered.
pub(super) async fn replay(room: &mut Room<'_>) -> Result<()> {
    room.next().await?; // all is kept
    let ordered = |ledger: &Value| number(&ledger["orders"]["placed"]) > 0;
    room.until_says("orders", "/api/ledger", ordered).await?;
    let then = a_moment_of_rest(room).await?;
    room.next().await?; // rebuild
    let running = room.stage.get("/api/ledger").await?["as_of"].clone();
    let done = |rebuild: &Value| rebuild["running"] == false && !rebuild["identical"].is_null();
    let rebuild = room.until_says("the rebuild", "/api/analysis/rebuild", done).await?;
    ensure!(rebuild["identical"] == true && number(&rebuild["events_per_second"]) > 0, "{rebuild}");
    ensure!(number(&rebuild["events"]) > 0 && rebuild["events"] == rebuild["total"], "{rebuild}");
    room.until_says("the live view to go on", "/api/ledger", |ledger| ledger["as_of"] != running).await?;
    room.look_at("/rebuild").await?;
    room.until_seen("#rebuild[data-state='right']", |count| count == 1).await?;
    room.next().await?; // travel
    travel_to(room, &then).await?;
    room.look_at(&room.page).await?;
    room.driver.execute(TO_THE_BEGINNING, Vec::new()).await?;
    room.until_seen("#moment.then", |count| count == 1).await?;
    room.look_at("/questions").await?;
    for question in QUESTIONS {
        room.next().await?; // ask
        let answer = room.stage.direct(&format!("/api/questions/{question}"), None).await?;
        ensure!(number(&answer["events"]) > 0 && answer["columns"][0].is_string(), "{question}: {answer}");
        ensure!(question != QUESTIONS[0] || answer["rows"][0].is_array(), "{question}: {answer}");
        room.until_seen(&format!("#answer-{question}"), |count| count == 1).await?;
    }
    Ok(())
}

/// The state at a moment of rest, read at that moment.
async fn a_moment_of_rest(room: &Room<'_>) -> Result<Value> {
    let crowd = room.stage.get("/api/settings").await?["crowd"].clone();
    room.stage.set(&json!({"crowd": {"orders_per_second": 0}})).await?;
    let read = until("a moment of rest", SOON, || async {
        let ledger = room.at_rest().await?;
        let stock = room.stage.get("/api/stock").await?;
        let now = room.stage.get("/api/history").await?;
        let same = now["orders"] == ledger["orders"] && now["deliveries"] == ledger["deliveries"];
        ensure!(same && levels(&now) == levels(&stock), "{now} and {ledger}");
        Ok(now)
    });
    let read = read.await?;
    room.stage.set(&json!({"crowd": crowd})).await?;
    let placed = number(&read["orders"]["placed"]);
    let more = |ledger: &Value| number(&ledger["orders"]["accepted"]) > placed;
    room.until_says("orders after the moment of rest", "/api/ledger", more).await?;
    Ok(read)
}

fn levels(of: &Value) -> Vec<(String, u64)> {
    let beers = of["beers"].as_array().into_iter().flatten();
    let mut levels: Vec<_> = beers.map(|beer| (beer["beer"].to_string(), number(&beer["level"]))).collect();
    levels.sort();
    levels
}

/// The past is as it was read when it was the present, and is answered quickly.
async fn travel_to(room: &Room<'_>, then: &Value) -> Result<()> {
    let path = format!("/api/history?at={}", then["at"].as_str().context("no moment")?);
    let mut fastest = Duration::MAX;
    for _ in 0..TRIES {
        let asked = Instant::now();
        let told = room.stage.get(&path).await?;
        fastest = fastest.min(asked.elapsed());
        let same = ["at", "beers", "orders", "deliveries", "revenue_cents"].iter().all(|part| told[part] == then[part]);
        ensure!(same, "it was {then} and is told as {told}");
    }
    ensure!(fastest <= ANSWERED_WITHIN, "the past is answered after {} ms at best", fastest.as_millis());
    Ok(())
}

/// Act 7. Fraud watch comes late and finds earlier customers; no other service notices; it goes and leaves nothing.
pub(super) async fn another_subscription(room: &mut Room<'_>) -> Result<()> {
    room.next().await?; // nobody watches
    let fraud = room.until_says("fraud watch to be away", "/api/fraud", |fraud| fraud["attached"] == false).await?;
    ensure!(fraud["findings"].as_array().is_none_or(Vec::is_empty), "{fraud}");
    let culprit = format!("Mallory {:08x}", rand::random::<u32>());
    let burst = suspicious_orders(room, &culprit).await?;
    for order_id in &burst {
        room.shop.until_status(order_id, "delivered", SOON).await?;
    }
    let without = readers(room).await;
    let placed = number(&room.stage.get("/api/ledger").await?["orders"]["placed"]);
    room.next().await?; // attached
    let caught = |fraud: &Value| rules_broken(fraud, &culprit) == 2 && number(&fraud["orders_seen"]) >= placed;
    room.until_says("the culprit of before to be found", "/api/fraud", caught).await?;
    room.next().await?; // found
    room.until_seen("#watch[data-state='attached']", |count| count == 1).await?;
    until_text(room.driver, "#findings", &culprit).await?;
    nobody_else_noticed(room, without.as_ref(), true).await?;
    room.next().await?; // detached
    room.until_says("fraud watch to be away", "/api/fraud", |fraud| fraud["attached"] == false).await?;
    room.until_seen("#watch[data-state='detached']", |count| count == 1).await?;
    nobody_else_noticed(room, without.as_ref(), false).await
}

/// How many rules this customer has broken, according to fraud watch.
fn rules_broken(fraud: &Value, culprit: &str) -> usize {
    let findings = fraud["findings"].as_array().into_iter().flatten();
    let of_culprit = findings.filter(|finding| finding["customer"] == culprit);
    of_culprit.map(|finding| finding["rule"].to_string()).collect::<BTreeSet<String>>().len()
}

/// Places five orders within seconds and one of a lorry load; returns their ids.
async fn suspicious_orders(room: &Room<'_>, culprit: &str) -> Result<Vec<String>> {
    let lorry = ["orval", "duvel", "chouffe"].map(|beer| line(beer, 24)).to_vec();
    let mut orders = vec![lorry];
    orders.extend((0..5).map(|_| vec![line("orval", 1)]));
    let mut ids = Vec::new();
    for lines in orders {
        ids.push(room.shop.order_as(culprit, "Grote Markt 1, Brussel", &lines).await?);
    }
    Ok(ids)
}

/// The readers of the orders; `None` where the broker does not show them.
async fn readers(room: &Room<'_>) -> Option<(u64, Subscriptions)> {
    let episode = number(&room.stage.get("/api/settings").await.ok()?["episode"]);
    let subscriptions = room.place.broker.subscriptions(episode, "orders").await.ok()?;
    Some((episode, subscriptions))
}

/// Every other subscription has the same readers, connected since the same time; fraud watch is there, or is gone.
async fn nobody_else_noticed(room: &Room<'_>, without: Option<&(u64, Subscriptions)>, attached: bool) -> Result<()> {
    let Some((episode, without)) = without else { return Ok(()) };
    until("the broker to say who reads", SOON, || async {
        let mut with = room.place.broker.subscriptions(*episode, "orders").await?;
        let watches = with.remove(FRAUD_WATCH).is_some();
        ensure!(watches == attached, "{FRAUD_WATCH} has a subscription: {watches}");
        ensure!(with == *without, "others were {without:?} and are {with:?}");
        Ok(())
    })
    .await
}

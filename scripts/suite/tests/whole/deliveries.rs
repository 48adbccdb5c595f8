//! When it goes wrong: retries, dead letters, and what a presenter can do about them.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use suite::{Demo, line, until};

const SOON: Duration = Duration::from_secs(30);

async fn dead_letter(demo: &Demo, found: impl Fn(&Value) -> bool) -> Result<Value> {
    until("the dead letter", SOON, || async {
        let deliveries = demo.stage.get("/api/deliveries").await?;
        let letters = deliveries["dead_letters"].as_array().cloned().unwrap_or_default();
        letters.into_iter().find(|letter| found(letter)).with_context(|| deliveries.to_string())
    })
    .await
}

pub async fn an_address_nobody_finds_ends_among_the_dead_letters_and_is_redriven(demo: &Demo) -> Result<()> {
    let (shop, stage) = (&demo.shop, &demo.stage);
    let stranded = shop.order("Rue introuvable 3", &[line("orval", 1)]).await?;
    let other = shop.order("Korenlei 7, Gent", &[line("orval", 1)]).await?;
    stage.until_status(&other, "delivered", SOON).await?;
    let order = stage.until_status(&stranded, "stranded", SOON).await?;
    ensure!(order["reason"] == "nobody can find this address", "{order}");
    let letter = dead_letter(demo, |letter| letter["order_id"] == stranded.as_str()).await?;
    ensure!(letter["attempts"] == 4 && letter["reason"] == "nobody can find this address", "{letter}");
    let redrive = format!("/api/dead-letters/{stranded}/redrive");
    let blank = stage.post_as_presenter(&redrive, Some(&json!({"address": " "}))).await?;
    ensure!(blank.status() == 422, "{}", blank.status());
    let address = json!({"address": "Place Saint-Lambert 9, Liège"});
    let answer = stage.post_as_presenter(&redrive, Some(&address)).await?;
    ensure!(answer.status() == 202, "{}", answer.status());
    let order = stage.until_status(&stranded, "delivered", SOON).await?;
    ensure!(order["address"] == "Place Saint-Lambert 9, Liège", "{order}");
    let again = stage.post_as_presenter(&redrive, None).await?;
    ensure!(again.status() == 409, "{}", again.status());
    Ok(())
}

pub async fn what_is_given_up_comes_back_on_the_shelf(demo: &Demo) -> Result<()> {
    let (shop, stage) = (&demo.shop, &demo.stage);
    let released = stage.get("/api/ledger").await?["bottles"]["released"].as_u64().context("no ledger")?;
    let stranded = shop.order("nowhere", &[line("orval", 3)]).await?;
    stage.until_status(&stranded, "stranded", SOON).await?;
    let answer = stage.post_as_presenter(&format!("/api/dead-letters/{stranded}/return"), None).await?;
    ensure!(answer.status() == 202, "{}", answer.status());
    stage.until_status(&stranded, "returned", SOON).await?;
    stage.until_ledger(SOON, |ledger| ledger["bottles"]["released"] == released + 3).await?;
    Ok(())
}

pub async fn what_nobody_can_read_holds_nobody_up(demo: &Demo) -> Result<()> {
    let placed = demo.stage.get("/api/ledger").await?["orders"]["placed"].clone();
    for topic in ["orders", "delivery-orders"] {
        let message = json!({"producerName": "a-stranger", "messages": [{"payload": "two Orval <b>please</b>"}]});
        let address = format!("{}/topics/persistent/beers/shop-1/{topic}", demo.pulsar_http);
        let answer = demo.stage.http().post(address).json(&message).send().await?;
        ensure!(answer.status().is_success(), "{}", answer.status());
        let letter = dead_letter(demo, |letter| letter["source"] == topic).await?;
        ensure!(letter["reason"].as_str().is_some_and(|reason| reason.starts_with("undecodable")), "{letter}");
        ensure!(letter["first_bytes"] == "two Orval <b>please</b>", "{letter}");
    }
    let order = demo.shop.order("Gent", &[line("duvel", 1)]).await?;
    demo.stage.until_status(&order, "delivered", SOON).await?;
    let placed = placed.as_u64().context("no ledger")? + 1;
    demo.stage.until_ledger(SOON, |ledger| ledger["orders"]["placed"] == placed).await?;
    Ok(())
}

pub async fn nobody_without_the_token_changes_anything(demo: &Demo) -> Result<()> {
    for path in ["/api/dead-letters/whatever/redrive", "/api/dead-letters/whatever/return"] {
        // The check comes before the body is read: this one is not even JSON.
        let answer = demo.stage.http().post(format!("{}{path}", demo.stage.address())).body("no JSON").send().await?;
        ensure!(answer.status() == 401, "{path} without a token is answered {}", answer.status());
        let answer = demo.stage.post_as_presenter(path, None).await?;
        ensure!(answer.status() == 404, "{path} with it is answered {}", answer.status());
    }
    let answer = demo.stage.call(Method::POST, "/dead-letters/whatever/return", None).await?;
    ensure!(answer.url().path() == "/sign-in", "{}", answer.url());
    Ok(())
}

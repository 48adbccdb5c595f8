//! The map and the broker's own page, in a real browser.

use anyhow::{Result, ensure};
use serde_json::json;
use suite::{
    Demo,
    browser::{in_browser, text, until_text},
    line, until,
};
use thirtyfour::{By, WebDriver};

use crate::browser::SOON;

async fn until_seen(driver: &WebDriver, selector: &str) -> Result<()> {
    until(selector, SOON, || async {
        driver.find(By::Css(selector)).await?;
        Ok(())
    })
    .await
}

/// While little happens the newest order lights up its journey by itself, hop by hop; Escape lets go of it.
pub async fn an_order_lights_up_its_way(demo: &Demo) -> Result<()> {
    in_browser(|driver| async move {
        driver.goto(format!("{}/?lang=en", demo.stage.address())).await?;
        until_seen(&driver, "body.live").await?;
        until("nothing to happen", SOON, || async {
            ensure!(driver.find(By::Css("#flow")).await?.attr("data-rate").await?.as_deref() == Some("0"));
            Ok(())
        })
        .await?;
        let order = demo.shop.order("Gent", &[line("orval", 2)]).await?;
        let follows = format!("#followed:not([hidden]) a[href*='/orders/{order}']");
        until_seen(&driver, &follows).await?;
        for lit in ["#map-website.lit", "#map-warehouse.lit", "#tape.lit", ".map-couriers.lit", "#map-stock-level.lit"]
        {
            until_seen(&driver, lit).await?;
        }
        until_text(&driver, "#followed", "Delivered").await?;
        let ledger = demo.stage.until_ledger(SOON, |ledger| ledger["orders"]["waiting"] == 0).await?;
        let placed = ledger["orders"]["placed"].to_string();
        until("the same number as in the ledger", SOON, || async {
            let shown = text(&driver, "#map-website .count").await?.replace(',', "");
            ensure!(shown == placed, "{shown} of {placed}");
            Ok(())
        })
        .await?;
        driver.action_chain().send_keys(thirtyfour::Key::Escape).perform().await?;
        until_seen(&driver, "#followed[hidden]").await
    })
    .await
}

/// A service that does not read looks like it, and its backlog visibly grows.
pub async fn a_paused_service_is_unmistakable(demo: &Demo) -> Result<()> {
    in_browser(|driver| async move {
        driver.goto(format!("{}/?lang=en", demo.stage.address())).await?;
        demo.stage.set(&json!({"paused": ["warehouse", "stock-level"]})).await?;
        until_seen(&driver, "#map-warehouse.paused").await?;
        until_seen(&driver, "#map-stock-level.paused").await?;
        for _ in 0..3 {
            demo.shop.order("Gent", &[line("duvel", 1)]).await?;
        }
        until_text(&driver, "#map-orders.backlog", "3 waiting").await?;
        demo.stage.set(&json!({"paused": []})).await?;
        until_seen(&driver, "#map-warehouse.running").await?;
        until_seen(&driver, "#map-orders:not(.backlog)").await
    })
    .await
}

/// The broker's view of a topic: its subscriptions, its segments, its last messages.
pub async fn the_broker_speaks_for_itself(demo: &Demo) -> Result<()> {
    in_browser(|driver| async move {
        let order = demo.shop.order("Gent", &[line("orval", 1)]).await?;
        driver.goto(format!("{}/pulsar?topic=orders&lang=en", demo.stage.address())).await?;
        until_text(&driver, ".last-messages", &order).await?;
        until_text(&driver, ".readers-of-topic", "warehouse").await?;
        until_seen(&driver, ".segments .open").await?;
        let cards = driver.find_all(By::Css(".topic-card")).await?.len();
        ensure!(cards == events::topics::TOPICS.len(), "{cards} topics are shown");
        Ok(())
    })
    .await
}

//! Pages that stay open while what they show goes away and comes back.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use suite::{
    Demo,
    browser::{in_browser, text, until_text},
    line,
    network::Network,
    until,
};
use thirtyfour::{By, WebDriver};

use crate::browser::SOON;

/// Time for a killed broker to come back on a busy machine.
const BACK_WITHIN: Duration = Duration::from_secs(90);
/// A page that hears nothing for two seconds must show it; a little more for a busy machine.
const SAYS_SO_WITHIN_MS: u64 = 4_000;
/// With this delay a page must not look live, whichever of its streams brings the news.
const LATE: Duration = Duration::from_secs(3);

async fn until_class(driver: &WebDriver, class: &str, within: Duration) -> Result<()> {
    until(&format!("the page to be {class}"), within, || async {
        driver.find(By::Css(format!("body.{class}"))).await?;
        Ok(())
    })
    .await
}

/// Remembers when the page first looked late: a test polls too seldom for a stage that is back at once.
const NOTE_WHEN_LATE: &str = "
    window.lateAfter = null;
    const began = performance.now();
    new MutationObserver(() => {
      if (document.body.classList.contains('late')) window.lateAfter ??= performance.now() - began;
    }).observe(document.body, {attributes: true});";

/// After how many milliseconds it looked late, since [`NOTE_WHEN_LATE`].
async fn until_noted_late(driver: &WebDriver) -> Result<f64> {
    until("the page to be late", SOON, || async {
        let late: Value = driver.execute("return window.lateAfter", Vec::new()).await?.json().clone();
        ensure!(!late.is_null(), "it is not");
        Ok(late.as_f64().unwrap_or(f64::MAX))
    })
    .await
}

/// Counts how often the page looks live from now on.
const COUNT_WHEN_LIVE: &str = "
    window.timesLive = 0;
    new MutationObserver(() => {
      if (document.body.classList.contains('live')) window.timesLive += 1;
    }).observe(document.body, {attributes: true});";

/// The stage is killed: the page shows that it is not live. When the stage is back the page goes on by itself, and so
/// does the order it follows.
pub async fn a_page_goes_on_when_the_stage_is_back(demo: &Demo) -> Result<()> {
    in_browser(|driver| async move {
        let followed = demo.shop.order("Rue introuvable 5", &[line("orval", 1)]).await?;
        demo.stage.until_status(&followed, "stranded", SOON).await?;
        driver.goto(format!("{}/?order={followed}&lang=en", demo.stage.address())).await?;
        until_class(&driver, "live", SOON).await?;
        until_text(&driver, "#followed", &followed).await?;
        driver.execute(NOTE_WHEN_LATE, Vec::new()).await?;
        demo.kill("stage").await?;
        let late = until_noted_late(&driver).await?;
        ensure!(late < SAYS_SO_WITHIN_MS as f64, "it says so after {late} ms");
        until_class(&driver, "live", BACK_WITHIN).await?;
        let redrive = format!("/api/dead-letters/{followed}/redrive");
        let answer = demo.stage.post_as_presenter(&redrive, Some(&json!({"address": "Markt 1, Brugge"}))).await?;
        ensure!(answer.status() == 202, "{}", answer.status());
        until_text(&driver, "#followed", "Delivered").await?;
        moves(&driver, demo).await
    })
    .await
}

/// The website is killed: a phone shows that it is not live, and follows its order again when the website is back.
pub async fn a_phone_goes_on_when_the_website_is_back(demo: &Demo) -> Result<()> {
    in_browser(|driver| async move {
        demo.stage.set(&json!({"couriers": 0})).await?;
        let order = demo.shop.order("Markt 1, Brugge", &[line("orval", 1)]).await?;
        driver.goto(format!("{}/orders/{order}?lang=en", demo.shop.address())).await?;
        until_class(&driver, "live", SOON).await?;
        driver.execute(NOTE_WHEN_LATE, Vec::new()).await?;
        demo.kill("website").await?;
        let late = until_noted_late(&driver).await?;
        ensure!(late < SAYS_SO_WITHIN_MS as f64, "it says so after {late} ms");
        until_class(&driver, "live", BACK_WITHIN).await?;
        demo.stage.set(&json!({"couriers": 4})).await?;
        until_text(&driver, "body", "Delivered").await
    })
    .await
}

/// A crowded network delays the stage's messages: however many arrive, they are not current. When the network is free
/// again, the page is live again.
pub async fn what_a_network_held_back_does_not_look_live(demo: &Demo) -> Result<()> {
    let network = Network::before(&demo.stage).await?;
    in_browser(|driver| async move {
        driver.goto(format!("{}/?lang=en", network.address())).await?;
        until_class(&driver, "live", SOON).await?;
        network.hold_back(LATE);
        until_class(&driver, "late", SOON).await?;
        driver.execute(COUNT_WHEN_LIVE, Vec::new()).await?;
        for _ in 0..2 {
            moves(&driver, demo).await?;
        }
        let live: Value = driver.execute("return window.timesLive", Vec::new()).await?.json().clone();
        ensure!(live == 0, "it looked live {live} times");
        network.hold_back(Duration::ZERO);
        until_class(&driver, "live", SOON).await
    })
    .await
}

/// A tunnel holds streams back until they end: the page polls instead, looks live and goes on, and so do its followed
/// order and the following of the speaker. Without the tunnel it uses a stream again.
pub async fn a_page_asks_where_streams_are_held_back(demo: &Demo) -> Result<()> {
    let (network, to_shop) = (Network::before(&demo.stage).await?, Network::before(&demo.shop).await?);
    network.hold_streams(true);
    to_shop.hold_streams(true);
    in_browser(|driver| async move {
        let followed = demo.shop.order("Rue introuvable 5", &[line("orval", 1)]).await?;
        demo.stage.until_status(&followed, "stranded", SOON).await?;
        driver.goto(format!("{}/?order={followed}&lang=en&follow", network.address())).await?;
        until_class(&driver, "asking.live", SOON).await?;
        until_text(&driver, ".live-mark", "every 2 s").await?;
        driver.execute(NOTE_WHEN_LATE, Vec::new()).await?;
        until_text(&driver, "#followed", &followed).await?;
        for _ in 0..3 {
            moves(&driver, demo).await?;
        }
        let late: Value = driver.execute("return window.lateAfter", Vec::new()).await?.json().clone();
        ensure!(late.is_null(), "it looked late after {late} ms");
        let order = demo.shop.order("Gent", &[line("duvel", 1)]).await?;
        demo.stage.direct("/api/stage/acts/3", None).await?;
        until_text(&driver, ".lesson", "A queue").await?;
        demo.stage.set(&json!({"act": null, "couriers": 4, "courier_pace_ms": 50, "crowd": null})).await?;
        driver.goto(format!("{}/orders/{order}?lang=en", to_shop.address())).await?;
        until_class(&driver, "asking.live", SOON).await?;
        until_text(&driver, "body", "Delivered").await?;
        to_shop.hold_streams(false);
        driver.refresh().await?;
        until_class(&driver, "live:not(.asking)", SOON).await
    })
    .await
}

/// A laptop slept for an hour by its clock: the page is not live until it hears from the server again.
pub async fn a_page_that_slept_is_not_live_before_it_hears_again(demo: &Demo) -> Result<()> {
    in_browser(|driver| async move {
        driver.goto(format!("{}/?lang=en", demo.stage.address())).await?;
        until_class(&driver, "live", SOON).await?;
        driver.execute(NOTE_WHEN_LATE, Vec::new()).await?;
        driver.execute("const before = Date.now; Date.now = () => before() + 3_600_000", Vec::new()).await?;
        until_noted_late(&driver).await?;
        until_class(&driver, "live", SOON).await?;
        moves(&driver, demo).await
    })
    .await
}

/// The broker is killed: the page shows that Pulsar is away and does not look live, and goes on when it is back.
pub async fn a_page_goes_on_when_the_broker_is_back(demo: &Demo) -> Result<()> {
    in_browser(|driver| async move {
        driver.goto(format!("{}/?lang=en", demo.stage.address())).await?;
        until_class(&driver, "live", SOON).await?;
        demo.kill("broker").await?;
        until_text(&driver, "#alive", "Pulsar").await?;
        until_text(&driver, ".live-mark", "not live").await?;
        // Orders are still taken now.
        let order = demo.shop.order("Gent", &[line("duvel", 1)]).await?;
        until("Pulsar to be back", BACK_WITHIN, || async {
            let said = text(&driver, "#alive").await?;
            ensure!(said.is_empty(), "{said}");
            Ok(())
        })
        .await?;
        let mark = text(&driver, ".live-mark").await?;
        ensure!(!mark.contains("not"), "Pulsar is back, and the page says {mark}");
        demo.shop.until_status(&order, "delivered", BACK_WITHIN).await?;
        moves(&driver, demo).await
    })
    .await
}

/// An order is counted on the page without a reload.
async fn moves(driver: &WebDriver, demo: &Demo) -> Result<()> {
    let before = text(driver, "#map-website .count").await?;
    demo.shop.order("Gent", &[line("duvel", 1)]).await?;
    until("the map to move", SOON, || async {
        ensure!(text(driver, "#map-website .count").await? != before, "still {before}");
        Ok(())
    })
    .await
}

//! The pictures of the documents, taken from a running suite: real pages in prepared states.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context as _, Result, ensure};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::json;
use thirtyfour::By;

use super::{Place, kept::Kept, room, room::SOON};
use crate::{Site, browser::Browser, line, until};

/// A wall, and a phone.
const WALL: (u32, u32) = (1920, 1080);
const PHONE: (u32, u32) = (390, 844);
/// The largest picture of a page, in bytes: pictures are in the repository.
const BYTES_MAX: usize = 200_000;
/// The WebP quality, up to 100; lower is smaller.
const QUALITY: u32 = 82;

struct Picture {
    name: &'static str,
    page: String,
    size: (u32, u32),
    theme: &'static str,
    /// What the picture must show.
    shows: &'static str,
}

fn picture(
    name: &'static str,
    site: &Site,
    page: &str,
    size: (u32, u32),
    theme: &'static str,
    shows: &'static str,
) -> Picture {
    Picture { name, page: format!("{}{page}", site.address()), size, theme, shows }
}

/// Takes all pictures into `folder` and reports the name of each. The original settings are restored.
pub async fn take(place: &Place, folder: &Path, mut tell: impl FnMut(&str)) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let kept = Kept::of(&place.stage).await.with_context(|| place.how_to_start())?;
    let browser = Browser::open().await?;
    let taken = take_all(place, &browser, folder, &mut tell).await;
    let closed = browser.close().await;
    kept.put_back(&place.stage).await?;
    taken?;
    closed
}

async fn take_all(place: &Place, browser: &Browser, folder: &Path, tell: &mut impl FnMut(&str)) -> Result<()> {
    let (shop, stage) = (&place.shop, &place.stage);
    // One order to an unknown address, then a shop full of people, and three couriers who cannot keep up.
    stage
        .set(&json!({"couriers": 8, "courier_pace_ms": 200, "paused": [], "stock_level": null, "crowd": null}))
        .await?;
    let nowhere = shop.order("Rue introuvable 9, Liège", &[line("rodenbach", 2)]).await?;
    shop.until_status(&nowhere, "stranded", SOON).await?;
    stage
        .set(&json!({
            "couriers": 3, "courier_pace_ms": 1200, "fraud_watch": true, "act": null,
            "crowd": {"orders_per_second": 4, "suspicious": 0.1, "undeliverable": 0.05}
        }))
        .await?;
    until("a queue", SOON, || async {
        let deliveries = stage.get("/api/deliveries").await?;
        ensure!(deliveries["queue"].as_u64().is_some_and(|queue| queue >= 11), "{deliveries}");
        Ok(())
    })
    .await?;
    for picture in [
        picture("stage-dark", stage, "/", WALL, "dark", ".map-shelf .taken"),
        picture("stage-projector", stage, "/", WALL, "projector", ".map-shelf .taken"),
        picture("deliveries", stage, "/deliveries", WALL, "dark", ".letter"),
        picture("analysis", stage, "/analysis", WALL, "projector", "canvas"),
        picture("pulsar", stage, "/pulsar?topic=delivery-orders", WALL, "dark", ".last-messages li"),
        picture("ledger", stage, "/ledger", WALL, "projector", "main"),
    ] {
        take_one(browser, folder, &picture).await?;
        tell(picture.name);
    }
    let order = shop.order("Grote Markt 12, Brussel", &[line("karmeliet", 2), line("orval", 1)]).await?;
    stage.set(&json!({"crowd": null, "couriers": 8, "courier_pace_ms": 300, "fraud_watch": false})).await?;
    stage.until_status(&order, "delivered", SOON).await?;
    for picture in [
        picture("shop", shop, "/", PHONE, "dark", "[data-beer]"),
        picture("order", shop, &format!("/orders/{order}"), PHONE, "dark", "main"),
        picture("followed", stage, &format!("/orders/{order}"), WALL, "projector", "main"),
    ] {
        take_one(browser, folder, &picture).await?;
        tell(picture.name);
    }
    wrong_stock(place, browser, folder).await?;
    tell("stock-wrong");
    room::sign_in(place, &browser.driver).await?;
    take_one(browser, folder, &picture("console", stage, "/console", WALL, "dark", "[data-step]")).await?;
    tell("console");
    Ok(())
}

/// Act 5, up to where Shared has gone wrong.
async fn wrong_stock(place: &Place, browser: &Browser, folder: &Path) -> Result<()> {
    let stage = &place.stage;
    stage.direct("/api/stage/acts/5", None).await?;
    stage.set(&json!({"stock_level": {"subscription": "Shared"}})).await?;
    until("a burst that goes wrong", SOON, || async {
        stage.direct("/api/stage/burst", None).await?;
        until("a burst that is over", SOON, || async {
            let bursts = stage.get("/api/stock/bursts").await?;
            ensure!(bursts["bursts"][0]["wrong"].as_u64().is_some_and(|wrong| wrong > 0), "{bursts}");
            Ok(())
        })
        .await
    })
    .await?;
    take_one(browser, folder, &picture("stock-wrong", stage, "/stock", WALL, "dark", ".shelf-beer.wrong")).await
}

async fn take_one(browser: &Browser, folder: &Path, picture: &Picture) -> Result<()> {
    let driver = &browser.driver;
    let (width, height) = picture.size;
    let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
    browser.command("Emulation.setDeviceMetricsOverride", size).await?;
    let mark = if picture.page.contains('?') { '&' } else { '?' };
    let Picture { page, theme, .. } = picture;
    driver.goto(format!("{page}{mark}lang=en&theme={theme}")).await?;
    until(picture.shows, SOON, || async {
        driver.find(By::Css("body.live")).await?;
        driver.find(By::Css(picture.shows)).await?;
        Ok(())
    })
    .await?;
    driver.execute("await document.fonts.ready", Vec::new()).await?;
    // Moving elements have arrived.
    tokio::time::sleep(Duration::from_millis(900)).await;
    let format = json!({"format": "webp", "quality": QUALITY});
    let shot = browser.command("Page.captureScreenshot", format).await?;
    let bytes = BASE64_STANDARD.decode(shot["data"].as_str().context("no picture came")?)?;
    ensure!(bytes.len() <= BYTES_MAX, "{} has {} bytes", picture.name, bytes.len());
    Ok(fs::write(folder.join(format!("{}.webp", picture.name)), bytes)?)
}

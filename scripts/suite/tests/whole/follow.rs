//! Windows that follow the speaker, and steps that several windows leave.

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use suite::{
    Demo,
    browser::{in_browser, until_text},
    line, until,
};
use thirtyfour::{By, Key, WebDriver};

use crate::{
    browser::{SOON, sign_in},
    room::between_acts,
};

/// Waits until the window shows this page.
pub async fn until_at(driver: &WebDriver, path: &str) -> Result<()> {
    until(path, SOON, || async {
        let address = driver.current_url().await?;
        ensure!(address.path() == path, "{address}");
        Ok(())
    })
    .await
}

/// Waits until the window has followed to this act and step.
pub async fn until_followed(driver: &WebDriver, position: &str) -> Result<()> {
    until(position, SOON, || async {
        let script = "return JSON.parse(sessionStorage.getItem('followed') ?? '{}').position ?? ''";
        let followed = driver.execute(script, Vec::new()).await?.json().clone();
        ensure!(followed == position, "{followed}");
        Ok(())
    })
    .await
}

/// A window that follows goes to the page of the act and its step, and does not move if it is already there.
pub async fn a_window_follows_the_speaker(demo: &Demo) -> Result<()> {
    in_browser(|driver| async move {
        let (shop, stage) = (&demo.shop, &demo.stage);
        driver.goto(format!("{}/?lang=fr&theme=projector&follow", stage.address())).await?;
        until_followed(&driver, "null 0").await?;
        stage.direct("/api/stage/acts/3", None).await?;
        until_at(&driver, "/deliveries").await?;
        until_followed(&driver, "3 0").await?;
        driver.execute("window.stayed = true", Vec::new()).await?;
        stage.press("next").await?;
        until_followed(&driver, "3 1").await?;
        let stayed = driver.execute("return window.stayed === true", Vec::new()).await?.json().clone();
        ensure!(stayed == true, "it was loaded again");
        stage.direct("/api/stage/acts/1", None).await?;
        until_at(&driver, "/").await?;
        // After the crowd of act 3, so this is the newest order.
        let order = shop.order("Gent", &[line("orval", 1)]).await?;
        stage.press("next").await?;
        until_at(&driver, "/welcome").await?;
        stage.press("steps/4").await?;
        until_at(&driver, &format!("/orders/{order}")).await?;
        driver.execute("window.stayed = true", Vec::new()).await?;
        stage.press("next").await?;
        until_followed(&driver, "1 5").await?;
        let stayed = driver.execute("return window.stayed === true", Vec::new()).await?.json().clone();
        ensure!(stayed == true, "it was loaded again");
        let address = driver.current_url().await?;
        let query = address.query().unwrap_or_default();
        ensure!(["lang=fr", "theme=projector", "follow"].iter().all(|part| query.contains(part)), "{address}");
        driver.goto(format!("{}/?follow", stage.address())).await?;
        until_at(&driver, &format!("/orders/{order}")).await?;
        stage.set(&between_acts()).await?;
        Ok(())
    })
    .await
}

/// Four windows press "next" at the same time: the stage leaves the step once, and its effect happens once.
pub async fn a_step_that_many_leave_at_once_is_done_once(demo: &Demo) -> Result<()> {
    let stage = &demo.stage;
    stage.direct("/api/stage/acts/1", None).await?;
    stage.press("steps/2").await?;
    let placed = async || anyhow::Ok(stage.get("/api/ledger").await?["orders"]["placed"].as_u64().unwrap_or(0));
    let before = placed().await?;
    let left = json!({"act": 1, "step": 2});
    // The third step places one order.
    let press = async || stage.direct("/api/stage/next", Some(&left)).await;
    let (a, b, c, d) = tokio::try_join!(press(), press(), press(), press())?;
    let presses = [a, b, c, d];
    ensure!(presses.iter().filter(|press| press["done"] == true).count() == 1, "{presses:?}");
    ensure!(presses.iter().all(|press| press["act"] == 1 && press["step"] == 3), "{presses:?}");
    stage.until_ledger(SOON, |ledger| ledger["orders"]["placed"] == before + 1).await?;
    for key in ["next", "back", "again", "steps/1"] {
        let late = stage.direct(&format!("/api/stage/{key}"), Some(&left)).await?;
        ensure!(late["done"] == false && late["step"] == 3, "{key}: {late}");
        let nothing = stage.post_as_presenter(&format!("/api/stage/{key}"), None).await?;
        ensure!(nothing.status() == 422, "{key} that names no step is answered {}", nothing.status());
    }
    in_browser(|driver| async move {
        sign_in(&driver, demo, "/").await?;
        let listen = "document.addEventListener('follow', ({ detail }) => { window.told = detail.step; })";
        driver.execute(listen, Vec::new()).await?;
        for step in [2, 1] {
            stage.press("back").await?;
            until("the window to be told", SOON, || async {
                let told = driver.execute("return window.told", Vec::new()).await?.json().clone();
                ensure!(told == step, "{told}");
                Ok(())
            })
            .await?;
        }
        // Like a window that has not heard of the last step yet.
        let stale = "document.dispatchEvent(new CustomEvent('follow', { detail: { act: 1, step: 0 } }))";
        driver.execute(stale, Vec::new()).await?;
        for expected in [1, 2] {
            driver.find(By::Css("body")).await?.send_keys(Key::Right.value().to_string()).await?;
            until_text(&driver, "#keys-said", &format!("Act 1, step {expected}.")).await?;
            let position = stage.position().await?;
            ensure!(position == json!({"act": 1, "step": expected}), "{position}");
        }
        Ok(())
    })
    .await?;
    let after = placed().await?;
    ensure!(after == before + 1, "{after} orders instead of {}", before + 1);
    stage.set(&between_acts()).await?;
    Ok(())
}

/// The console opens the room's window, and leads it.
pub async fn the_console_leads_the_rooms_window(demo: &Demo) -> Result<()> {
    in_browser(|driver| async move {
        sign_in(&driver, demo, "/console").await?;
        let console = driver.window().await?;
        let press = async |keys: &str| driver.find(By::Css("body")).await?.send_keys(keys).await;
        press("o").await?;
        let room = until("the room's window", SOON, || async {
            let other = driver.windows().await?.into_iter().find(|window| *window != console);
            other.context("there is none")
        })
        .await?;
        press("3").await?;
        driver.switch_to_window(room.clone()).await?;
        until_at(&driver, "/deliveries").await?;
        for (key, page) in [("q", "/qr"), ("o", "/deliveries")] {
            driver.switch_to_window(console.clone()).await?;
            press(key).await?;
            driver.switch_to_window(room.clone()).await?;
            until_at(&driver, page).await?;
        }
        ensure!(driver.windows().await?.len() == 2, "another window was opened");
        demo.stage.set(&between_acts()).await?;
        Ok(())
    })
    .await
}

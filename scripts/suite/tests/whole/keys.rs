//! The presenter's keys: in every window, on every keyboard, and a clicker's.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use suite::{
    Demo,
    browser::{in_browser, until_text, with_browser},
    line, until,
};
use thirtyfour::{By, Key, WebDriver};

use crate::{
    browser::{SOON, sign_in},
    follow::{until_at, until_followed},
    room::between_acts,
};

/// Waits until the window shows this page and listens to keys.
async fn until_heard_at(driver: &WebDriver, path: &str) -> Result<()> {
    until_at(driver, path).await?;
    until("the keys", SOON, || async {
        let heard = driver.execute("return typeof speaker", Vec::new()).await?.json().clone();
        ensure!(heard == "object", "{heard}");
        Ok(())
    })
    .await
}

/// The console's keys work on a page of the stage, but not in a field.
pub async fn the_keys_work_in_every_window_that_is_signed_in(demo: &Demo) -> Result<()> {
    in_browser(|driver| async move {
        let (shop, stage) = (&demo.shop, &demo.stage);
        let order = shop.order("nowhere", &[line("orval", 1)]).await?;
        stage.until_status(&order, "stranded", SOON).await?;
        let press = async |keys: &str| driver.find(By::Css("body")).await?.send_keys(keys).await;
        let until_set = async |name: &str, value: Value| {
            until(name, SOON, || async {
                let settings = stage.get("/api/settings").await?;
                ensure!(settings[name] == value, "{settings}");
                Ok(())
            })
            .await
        };
        driver.goto(format!("{}/ledger", stage.address())).await?;
        press("3").await?;
        sign_in(&driver, demo, "/ledger").await?;
        ensure!(stage.get("/api/settings").await?["act"].is_null(), "anybody may begin an act");
        press("3").await?;
        until_at(&driver, "/deliveries").await?;
        until_set("act", json!(3)).await?;
        press(&Key::Right.value().to_string()).await?;
        until_text(&driver, "#keys-said", "Act 3, step 1.").await?;
        until_set("step", json!(1)).await?;
        press(&Key::Left.value().to_string()).await?;
        until_text(&driver, "#keys-said", "Act 3, step 0.").await?;
        let field = until("the field", SOON, || async { Ok(driver.find(By::Css(format!("#address-{order}"))).await?) });
        field.await?.send_keys("2h?").await?;
        driver.execute("document.activeElement.blur()", Vec::new()).await?;
        press("h").await?;
        until_text(&driver, "#keys-said", "Names are hidden.").await?;
        let settings = stage.get("/api/settings").await?;
        ensure!(settings["act"] == 3 && settings["hide_names"] == true, "{settings}");
        // A name that is to be hidden is hidden, whatever was typed.
        let hidden = format!("#dead-{order}[data-names-hidden] #address-{order}");
        let field = until("names hidden", SOON, || async { Ok(driver.find(By::Css(&hidden)).await?) }).await?;
        ensure!(field.prop("value").await?.unwrap_or_default().is_empty(), "the address is on the wall");
        press("h").await?;
        until_set("hide_names", json!(false)).await?;
        press("?").await?;
        until_text(&driver, "dialog[open]", "next step").await?;
        press("?").await?;
        press("q").await?;
        // The code stays on the wall until the talk goes on, even in a window that has not followed anything yet.
        until_followed(&driver, "3 0").await?;
        until_at(&driver, "/qr").await?;
        press(&Key::Right.value().to_string()).await?;
        until_at(&driver, "/deliveries").await?;
        // The first step of the talk shows the shop on a page of the stage, so the talk goes on there.
        press("1").await?;
        until_at(&driver, "/").await?;
        press(&Key::Right.value().to_string()).await?;
        until_at(&driver, "/welcome").await?;
        press(&Key::Right.value().to_string()).await?;
        until_set("step", json!(2)).await?;
        stage.set(&between_acts()).await?;
        Ok(())
    })
    .await
}

/// Keys of other keyboards, of a clicker, and with CapsLock on.
pub async fn every_keyboard_and_a_clicker_play(demo: &Demo) -> Result<()> {
    let stage = &demo.stage;
    with_browser(async |browser| {
        let driver = &browser.driver;
        sign_in(driver, demo, "/deliveries").await?;
        let until_position = async |act: Value, step: u8| {
            until("the stage to be there", SOON, || async {
                let position = stage.position().await?;
                ensure!(position == json!({"act": act, "step": step}), "{position}");
                Ok(())
            })
            .await
        };
        // The characters on the digit keys of French, Czech and American keyboards, and with Shift on the French one.
        let deliveries = "/deliveries";
        let digits = [
            ("\"", "Digit3", false, 3, deliveries),
            ("&", "Digit1", false, 1, "/"),
            ("š", "Digit3", false, 3, deliveries),
            ("2", "Digit2", true, 2, "/"),
            ("3", "Digit3", false, 3, deliveries),
        ];
        for (key, code, is_shifted, act, page) in digits {
            if is_shifted {
                browser.press_shifted(key, code).await?
            } else {
                browser.press(key, code).await?
            }
            until_position(json!(act), 0).await.with_context(|| format!("{key} of {code}"))?;
            until_heard_at(driver, page).await?;
        }
        // With Shift on an American keyboard it is not a digit.
        browser.press_shifted("!", "Digit1").await?;
        browser.press("PageDown", "PageDown").await?;
        until_position(json!(3), 1).await?;
        browser.press("ArrowRight", "ArrowRight").await?;
        until_position(json!(3), 2).await?;
        browser.press("PageUp", "PageUp").await?;
        until_position(json!(3), 1).await?;
        browser.press("ArrowLeft", "ArrowLeft").await?;
        until_position(json!(3), 0).await?;
        let said = async |words| until_text(driver, "#keys-said", words).await;
        // With CapsLock, and on a Greek keyboard.
        browser.press("H", "KeyH").await?;
        said("Names are hidden.").await?;
        browser.press("η", "KeyH").await?;
        said("Names are shown.").await?;
        let theme = async || anyhow::Ok(driver.find(By::Css("html")).await?.attr("data-theme").await?);
        for (key, code) in [("T", "KeyT"), ("τ", "KeyT"), ("t", "KeyT")] {
            let before = theme().await?;
            browser.press(key, code).await?;
            ensure!(theme().await? != before, "{key}: still {before:?}");
        }
        // A French keyboard has the question mark where others have an m.
        browser.press("?", "KeyM").await?;
        until_text(driver, "dialog[open]", "next step").await?;
        browser.press("?", "KeyM").await?;
        browser.press("Q", "KeyA").await?;
        until_heard_at(driver, "/qr").await?;
        browser.press("O", "KeyO").await?;
        until_heard_at(driver, deliveries).await?;
        browser.press(" ", "Space").await?;
        said("Act 3, step 0.").await?;
        stage.set(&between_acts()).await?;
        Ok(())
    })
    .await
}

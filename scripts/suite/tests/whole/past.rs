//! The pages about the past and about fraud, in a real browser.

use anyhow::{Result, ensure};
use serde_json::json;
use suite::{
    Demo,
    browser::{in_browser, text, until_text},
    line, until,
};
use thirtyfour::{By, WebDriver};

use crate::browser::{SOON, sign_in};

/// Clicks an element that comes soon: after a sign-in, or after a service has answered.
async fn click_once_there(driver: &WebDriver, selector: &str) -> Result<()> {
    until(selector, SOON, || async { Ok(driver.find(By::Css(selector)).await?.click().await?) }).await
}

/// Moves the slider of the time machine, as a finger does.
async fn slide(driver: &WebDriver, to: &str) -> Result<()> {
    let script = format!(
        "const slider = document.getElementById('at'); slider.value = slider.{to}; slider.dispatchEvent(new Event('input'))"
    );
    driver.execute(script, Vec::new()).await?;
    Ok(())
}

/// At the beginning the page shows the beginning, whatever happens meanwhile; back at now it is live again.
pub async fn the_slider_goes_back_and_comes_home(demo: &Demo) -> Result<()> {
    in_browser(|driver| async move {
        let (shop, stage) = (&demo.shop, &demo.stage);
        let order = shop.order("Gent", &[line("duvel", 2)]).await?;
        stage.until_status(&order, "delivered", SOON).await?;
        driver.goto(format!("{}/past?lang=en", stage.address())).await?;
        until_text(&driver, "#moment", "Now").await?;
        slide(&driver, "min").await?;
        until_text(&driver, "#moment", "This is the past").await?;
        until_text(&driver, "#shares", "0 placed").await?;
        let order = shop.order("Gent", &[line("duvel", 2)]).await?;
        stage.until_status(&order, "delivered", SOON).await?;
        ensure!(text(&driver, "#shares").await?.contains("0 placed"), "what is live was put into the past");
        slide(&driver, "max").await?;
        until_text(&driver, "#moment", "Now").await?;
        until("what is so now", SOON, || async {
            let placed = stage.get("/api/ledger").await?["orders"]["placed"].as_u64().unwrap_or(0);
            let shown = text(&driver, "#shares").await?.replace(',', "");
            ensure!(placed > 1 && shown.contains(&format!("{placed} placed")), "{placed} were placed: {shown}");
            Ok(())
        })
        .await?;
        // Without a script the same address shows the same.
        let began = driver.find(By::Css("#at")).await?.attr("min").await?.unwrap_or_default();
        driver.goto(format!("{}/past?lang=en&at={began}", stage.address())).await?;
        until_text(&driver, "#moment", "This is the past").await
    })
    .await
}

/// A rebuild is identical; questions about the past are answered, also on a page that somebody else has open.
pub async fn the_past_is_folded_and_asked(demo: &Demo) -> Result<()> {
    in_browser(|driver| async move {
        let order = demo.shop.order("Gent", &[line("duvel", 2), line("orval", 1)]).await?;
        demo.stage.until_status(&order, "delivered", SOON).await?;
        sign_in(&driver, demo, "/rebuild").await?;
        click_once_there(&driver, "[data-send='/api/analysis/rebuild']").await?;
        until_text(&driver, "#rebuild", "identical to the live one").await?;
        driver.goto(format!("{}/questions?lang=en", demo.stage.address())).await?;
        for question in ["cost-of-refusals", "same-second", "ordered-together"] {
            click_once_there(&driver, &format!("#ask-{question}")).await?;
            until("the answer", SOON, || async {
                driver.find(By::Css(format!("#answer-{question}"))).await?;
                Ok(())
            })
            .await?;
        }
        driver.delete_all_cookies().await?;
        driver.refresh().await?;
        until_text(&driver, "#answer-ordered-together", "Duvel").await?;
        ensure!(driver.find_all(By::Css("[data-send]")).await?.is_empty(), "the audience can ask");
        Ok(())
    })
    .await
}

/// Attached late, fraud watch finds earlier customers; detached, it forgets everything.
pub async fn fraud_watch_is_attached_and_detached(demo: &Demo) -> Result<()> {
    in_browser(|driver| async move {
        let (shop, stage) = (&demo.shop, &demo.stage);
        let lines: Vec<_> = ["duvel", "orval", "karmeliet"].map(|beer| line(beer, 24)).to_vec();
        shop.order("Gent", &lines).await?;
        stage.set(&json!({"fraud_watch": false})).await?;
        sign_in(&driver, demo, "/fraud").await?;
        click_once_there(&driver, "#watch[data-state='detached'] #fraud-switch").await?;
        until_text(&driver, "#findings", "72 bottles in one order").await?;
        let rows = "return new Set([...document.querySelectorAll('#watch li')].map(item => item.offsetTop)).size";
        let rows = driver.execute(rows, Vec::new()).await?;
        ensure!(*rows.json() == 1, "the readers stand beside each other, not in {} rows", rows.json());
        click_once_there(&driver, "#watch[data-state='attached'] #fraud-switch").await?;
        until_text(&driver, "#findings", "Nobody looks").await?;
        let settings = stage.get("/api/settings").await?;
        ensure!(settings["fraud_watch"] == false, "{settings}");
        Ok(())
    })
    .await
}

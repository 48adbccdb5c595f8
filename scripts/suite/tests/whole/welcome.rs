//! The page that act 1 opens: the shop beside the code that leads into it.

use anyhow::{Result, ensure};
use suite::{
    Demo,
    browser::{in_browser, text, until_text},
    until,
};
use thirtyfour::{By, WebDriver};

use crate::{apart::without, browser::SOON};

/// Waits until the frame shows the shop in this theme.
async fn until_the_shop_is_seen(driver: &WebDriver, theme: &str) -> Result<()> {
    until("the shop in its frame", SOON, || async {
        driver.find(By::Css("#shop")).await?.enter_frame().await?;
        let seen = async {
            let shown = driver.execute("return document.documentElement.dataset.theme ?? ''", Vec::new()).await?;
            anyhow::Ok((text(driver, "h1").await?, shown.json().clone()))
        };
        let seen = seen.await;
        driver.enter_default_frame().await?;
        let (heading, shown) = seen?;
        ensure!(heading == "Mijn Belgische bieren" && shown == theme, "{heading} in the theme {shown}");
        ensure!(text(driver, "#shop-cover").await?.is_empty(), "it is covered");
        Ok(())
    })
    .await
}

/// The frame shows the shop in the language and theme of the page, and the keys stay the page's. While the shop is gone
/// the page shows that, also one opened meanwhile; then the shop appears again.
pub async fn the_shop_is_seen_beside_its_code_and_covered_while_it_is_gone(demo: &Demo) -> Result<()> {
    in_browser(|driver| async move {
        driver.goto(format!("{}/welcome?lang=nl&theme=projector", demo.stage.address())).await?;
        until_the_shop_is_seen(&driver, "projector").await?;
        let frame = driver.find(By::Css("#shop")).await?;
        driver.action_chain().move_to_element_center(&frame).click().send_keys("t").perform().await?;
        until_the_shop_is_seen(&driver, "dark").await?;
        let gone = async {
            until_text(&driver, "#shop-cover", "De winkel antwoordt niet").await?;
            driver.refresh().await?;
            until_text(&driver, "#shop-cover", "De winkel antwoordt niet").await
        };
        without(demo, "website", 1, gone).await?;
        until_the_shop_is_seen(&driver, "dark").await
    })
    .await
}

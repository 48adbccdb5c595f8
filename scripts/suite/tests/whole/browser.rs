//! The pages, in a real browser.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use suite::{
    Demo, Site,
    browser::{in_browser, text, until_text},
    line, until,
};
use thirtyfour::{By, WebDriver};

pub(crate) const SOON: Duration = Duration::from_secs(20);
/// The largest first load of the shop on a phone, on the wire, in bytes.
const FIRST_LOAD_MAX: u64 = 100_000;

/// Three taps: a beer, "order", "place the order"; then the page follows the order to the customer.
pub async fn an_order_is_placed_and_followed(demo: &Demo) -> Result<()> {
    in_browser(|driver| async move {
        driver.goto(format!("{}/?lang=en", demo.shop.address())).await?;
        driver.find(By::Css("[data-beer='orval'] .more")).await?.click().await?;
        driver.find(By::Css(".to-checkout")).await?.click().await?;
        driver.find(By::Css("button.place")).await?.click().await?;
        let address = until("the order's page", SOON, || async {
            let address = driver.current_url().await?;
            ensure!(address.path().starts_with("/orders/"), "{address}");
            Ok(address)
        })
        .await?;
        until_text(&driver, "body", "Delivered").await?;
        let order_id = address.path().trim_start_matches("/orders/").to_owned();
        let order = demo.shop.get(&format!("/api/orders/{order_id}")).await?;
        ensure!(order["status"] == "delivered", "{order}");
        driver.refresh().await?;
        until_text(&driver, "body", "Delivered").await?;
        driver.back().await?;
        until_text(&driver, "body", "Orval").await
    })
    .await
}

/// The dashboards change without a reload, and agree with the API.
pub async fn the_dashboards_move(demo: &Demo) -> Result<()> {
    in_browser(|driver| async move {
        for page in ["", "/deliveries", "/stock", "/analysis", "/past", "/rebuild", "/ledger"] {
            driver.goto(format!("{}{page}?lang=en", demo.stage.address())).await?;
            until(&format!("{page} to be live"), SOON, || async {
                ensure!(driver.find(By::Css("body")).await?.class_name().await?.unwrap_or_default().contains("live"));
                Ok(())
            })
            .await?;
            let before = text(&driver, "main").await?;
            let order = demo.shop.order("Gent", &[line("duvel", 2)]).await?;
            demo.stage.until_status(&order, "delivered", SOON).await?;
            until(&format!("{page} to move"), SOON, || async {
                ensure!(text(&driver, "main").await? != before, "still the same");
                Ok(())
            })
            .await?;
        }
        Ok(())
    })
    .await
}

/// Signs the presenter in and opens the page `next`.
pub(crate) async fn sign_in(driver: &WebDriver, demo: &Demo, next: &str) -> Result<()> {
    driver.goto(format!("{}/sign-in?lang=en&next={next}", demo.stage.address())).await?;
    driver.find(By::Css("#token")).await?.send_keys("let-me-in").await?;
    driver.find(By::Css("button[type=submit]")).await?.click().await?;
    until("the page after signing in", SOON, || async {
        let address = driver.current_url().await?;
        ensure!(address.path() == next, "{address}");
        Ok(())
    })
    .await
}

/// A list to pick from keeps still under the pointer, and is up to date once the pointer has left it.
pub async fn a_list_keeps_still_under_the_pointer(demo: &Demo) -> Result<()> {
    in_browser(|driver| async move {
        demo.shop.order("Gent", &[line("duvel", 1)]).await?;
        driver.goto(format!("{}/orders?lang=en", demo.stage.address())).await?;
        let list = until("the newest orders", SOON, || async { Ok(driver.find(By::Css("#newest")).await?) }).await?;
        driver.action_chain().move_to_element_center(&list).perform().await?;
        let count = "window.news = 0; document.addEventListener('fragments', () => { window.news += 1; })";
        driver.execute(count, Vec::new()).await?;
        let order = demo.shop.order("Gent", &[line("duvel", 1)]).await?;
        // Held-back news is retried again and again.
        until("news that is held back", SOON, || async {
            let news: Value = driver.execute("return window.news", Vec::new()).await?.json().clone();
            ensure!(news.as_u64() > Some(3), "{news} times");
            Ok(())
        })
        .await?;
        let held = text(&driver, "#newest").await?;
        ensure!(!held.contains(&order), "it moved under the pointer: {held}");
        driver.action_chain().move_to(0, 0).perform().await?;
        until_text(&driver, "#newest", &order).await
    })
    .await
}

/// A link's theme is kept for the next page. The key changes it, also for a reload of that link.
pub async fn a_theme_is_kept_until_another_is_chosen(demo: &Demo) -> Result<()> {
    in_browser(|driver| async move {
        let shows = async |theme: &str| {
            let root = driver.find(By::Css("html")).await?;
            let shown = root.attr("data-theme").await?.unwrap_or_default();
            ensure!(shown == theme, "{shown} instead of {theme}");
            anyhow::Ok(())
        };
        driver.goto(format!("{}/?lang=en&theme=projector", demo.stage.address())).await?;
        shows("projector").await?;
        driver.goto(format!("{}/stock", demo.stage.address())).await?;
        shows("projector").await?;
        driver.back().await?;
        driver.find(By::Css("body")).await?.send_keys("t").await?;
        shows("dark").await?;
        driver.refresh().await?;
        shows("dark").await?;
        driver.goto(format!("{}/", demo.shop.address())).await?;
        shows("dark").await
    })
    .await
}

/// Sign in, correct an address, redrive.
pub async fn the_presenter_redrives(demo: &Demo) -> Result<()> {
    in_browser(|driver| async move {
        let order = demo.shop.order("Rue introuvable 9", &[line("orval", 1)]).await?;
        demo.stage.until_status(&order, "stranded", SOON).await?;
        driver.goto(format!("{}/sign-in?lang=en", demo.stage.address())).await?;
        driver.find(By::Css("#token")).await?.send_keys("wrong").await?;
        driver.find(By::Css("button[type=submit]")).await?.click().await?;
        until("what is wrong", SOON, || async { Ok(driver.find(By::Css("#token-fault")).await?) }).await?;
        driver.find(By::Css("#token")).await?.send_keys("let-me-in").await?;
        driver.find(By::Css("button[type=submit]")).await?.click().await?;
        until("the page after signing in", SOON, || async {
            let address = driver.current_url().await?;
            ensure!(address.path() == "/deliveries", "{address}");
            Ok(())
        })
        .await?;
        let address = format!("#address-{order}");
        let field = until("the dead letter", SOON, || async { Ok(driver.find(By::Css(&address)).await?) }).await?;
        field.clear().await?;
        field.send_keys("Markt 21, Brugge").await?;
        driver.find(By::Css(format!("#dead-{order} form.redrive button"))).await?.click().await?;
        let order = demo.stage.until_status(&order, "delivered", SOON).await?;
        ensure!(order["address"] == "Markt 21, Brugge", "{order}");
        Ok(())
    })
    .await
}

/// The analysis page draws two charts in place of the server's own. A screen reader is told what they show, and they
/// follow the theme.
pub async fn the_analysis_draws_its_charts(demo: &Demo) -> Result<()> {
    in_browser(|driver| async move {
        let order = demo.shop.order("Gent", &[line("duvel", 2)]).await?;
        demo.stage.until_status(&order, "delivered", SOON).await?;
        driver.goto(format!("{}/analysis?lang=en&theme=dark", demo.stage.address())).await?;
        let drawn = "return [...document.querySelectorAll('#plots canvas')].map((canvas) => canvas.toDataURL())";
        let before = until("the charts", SOON, || async {
            let charts = driver.execute(drawn, Vec::new()).await?.json().clone();
            ensure!(charts.as_array().is_some_and(|charts| charts.len() == 2), "{charts}");
            Ok(charts)
        })
        .await?;
        for chart in driver.find_all(By::Css("#plots [role=img]")).await? {
            let words = chart.attr("aria-label").await?.unwrap_or_default();
            ensure!(words.contains("so far in this one"), "{words:?}");
        }
        ensure!(
            !driver.find(By::Css("#sales .charts")).await?.is_displayed().await?,
            "the server's charts are seen too"
        );
        driver.find(By::Css("body")).await?.send_keys("t").await?;
        until("the charts in the other theme", SOON, || async {
            ensure!(driver.execute(drawn, Vec::new()).await?.json() != &before, "still the same");
            Ok(())
        })
        .await
    })
    .await
}

/// On a phone, no page loads from outside its own site, none scrolls sideways, and the shop is small.
pub async fn pages_stay_within_their_limits(demo: &Demo) -> Result<()> {
    let (shop, stage): (&Site, &Site) = (&demo.shop, &demo.stage);
    let order = demo.shop.order("Gent", &[line("orval", 1)]).await?;
    stage.until_status(&order, "delivered", SOON).await?;
    let order_page = format!("/orders/{order}");
    in_browser(|driver| async move {
        driver.set_window_rect(0, 0, 390, 844).await?;
        for page in ["/", &order_page, "/nothing"] {
            let bytes = bytes_within_limits(&driver, &[shop], page).await?;
            ensure!(page != "/" || bytes <= FIRST_LOAD_MAX, "the shop is {bytes} bytes");
        }
        for page in [
            "/",
            &order_page,
            "/pulsar",
            "/pulsar?topic=orders",
            "/deliveries",
            "/stock",
            "/analysis",
            "/past",
            "/rebuild",
            "/questions",
            "/fraud",
            "/ledger",
            "/qr",
            "/sign-in",
            "/nothing",
        ] {
            bytes_within_limits(&driver, &[stage], page).await?;
        }
        // This one contains the shop in a frame.
        bytes_within_limits(&driver, &[stage, shop], "/welcome").await?;
        Ok(())
    })
    .await
}

/// The bytes that a page of the first of these sites loads, all of them from these sites.
async fn bytes_within_limits(driver: &WebDriver, sites: &[&Site], page: &str) -> Result<u64> {
    driver.goto(format!("{}{page}", sites.first().context("no site")?.address())).await?;
    let script = "return [document.documentElement.scrollWidth, innerWidth, performance.getEntriesByType('resource').map(r => [r.name, r.transferSize])\
                  .concat([[location.href, performance.getEntriesByType('navigation')[0].transferSize]])]";
    let seen: Value = driver.execute(script, Vec::new()).await?.json().clone();
    let (wide, window) = (seen[0].as_u64().unwrap_or(0), seen[1].as_u64().unwrap_or(0));
    ensure!(wide <= window, "{page} is {wide} wide in a window of {window}");
    let mut bytes = 0;
    for resource in seen[2].as_array().into_iter().flatten() {
        let address = resource[0].as_str().unwrap_or_default();
        ensure!(sites.iter().any(|site| address.starts_with(site.address())), "{page} asks for {address}");
        bytes += resource[1].as_u64().unwrap_or(0);
    }
    Ok(bytes)
}

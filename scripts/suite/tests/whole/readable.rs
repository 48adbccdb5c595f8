//! Accessibility: the rules of WCAG 2.2 AA on every page, text that the last row can read, and no page that scrolls
//! sideways on a phone.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use suite::{Demo, Site, browser::in_browser, line, until};
use thirtyfour::{By, WebDriver};

use crate::browser::{SOON, sign_in};

/// The pages of the stage; `{order}` is a delivered order.
const STAGE: [&str; 18] = [
    "/",
    "/welcome",
    "/pulsar",
    "/pulsar?topic=orders",
    "/qr",
    "/deliveries",
    "/orders",
    "/orders/newest",
    "/orders/{order}",
    "/stock",
    "/stock?beer=orval",
    "/analysis",
    "/past",
    "/rebuild",
    "/questions",
    "/fraud",
    "/ledger",
    "/orders/{stranded}",
];
/// The other pages of the stage without a sign-in.
const STAGES_OTHERS: [&str; 2] = ["/sign-in", "/nothing"];
/// The pages of the shop.
const SHOP: [&str; 4] = ["/", "/orders/{order}", "/orders/{stranded}", "/nothing"];
/// Pages that show more to the presenter.
const PRESENTERS: [&str; 6] = ["/console", "/deliveries", "/stock", "/fraud", "/rebuild", "/qr"];
const LANGUAGES: [&str; 4] = ["en", "fr", "nl", "de"];
const THEMES: [&str; 2] = ["dark", "projector"];

/// The driver loads it into the browser of the tests only: the pages' own policy would refuse it.
const AXE: &str = include_str!("../../vendor/axe-core/axe.min.js");
const VIOLATIONS: &str = include_str!("violations.js");
const UNSEEN_FOCUS: &str = include_str!("unseen_focus.js");
const SMALL_TEXTS: &str = include_str!("small_texts.js");
/// How long a page may take to be checked by all rules.
const LOOKED_WITHIN: Duration = Duration::from_secs(60);

/// The width and height of a wall, and the smallest text on it, in pixels.
const WALLS: [(u32, u32, u32); 2] = [(1920, 1080, 20), (1280, 720, 18)];
/// The smallest of the big figures, in pixels.
const FIGURE_LEAST: u32 = 40;
const PHONE: (u32, u32) = (390, 844);
const LAPTOP: (u32, u32) = (1280, 720);

/// Orders of each kind, so that no page is empty.
struct Evening {
    order: String,
    stranded: String,
}

impl Evening {
    async fn begin(demo: &Demo) -> Result<Self> {
        let (shop, stage) = (&demo.shop, &demo.stage);
        let order = shop.order("Gent", &[line("orval", 2), line("duvel", 1)]).await?;
        let stranded = shop.order("Rue introuvable 9", &[line("chimay-bleue", 3)]).await?;
        stage.direct("/api/stage/burst", None).await?;
        stage.direct("/api/questions/ordered-together", None).await?;
        stage.until_status(&order, "delivered", SOON).await?;
        stage.until_status(&stranded, "stranded", SOON).await?;
        Ok(Evening { order, stranded })
    }

    /// The path of a page with its placeholders filled.
    fn path(&self, page: &str) -> String {
        page.replace("{order}", &self.order).replace("{stranded}", &self.stranded)
    }

    /// All pages without a sign-in, of both sites.
    fn pages<'a>(&self, demo: &'a Demo) -> Vec<(&'a Site, String)> {
        let (shop, stage): (&Site, &Site) = (&demo.shop, &demo.stage);
        let of = |site: &'a Site, page: &&str| (site, self.path(page));
        let stages = STAGES_OTHERS.iter().chain(&STAGE).map(|page| of(stage, page));
        SHOP.iter().map(|page| of(shop, page)).chain(stages).collect()
    }
}

/// Opens a page and waits until it is live, if it can be: before that it looks different.
async fn open(driver: &WebDriver, site: &Site, path: &str, choice: &str) -> Result<()> {
    let mark = if path.contains('?') { '&' } else { '?' };
    driver.goto(format!("{}{path}{mark}{choice}", site.address())).await?;
    until(&format!("{path} to be live"), SOON, || async {
        let script = "return document.readyState === 'complete'\
                      && (!document.body.dataset.live || document.body.classList.contains('live'))";
        ensure!(driver.execute(script, Vec::new()).await?.json() == &Value::Bool(true));
        Ok(())
    })
    .await
}

/// The violations on the page in the browser, each with its rule and place, and the places where focus is invisible.
async fn violations(driver: &WebDriver, what: &str) -> Result<Vec<String>> {
    driver.execute(format!("{AXE};window.axe = axe;"), Vec::new()).await?;
    let answer = driver.execute_async(VIOLATIONS, Vec::new()).await?;
    let mut found: Vec<String> = serde_json::from_value(answer.json().clone())?;
    let answer = driver.execute(UNSEEN_FOCUS, Vec::new()).await?;
    found.extend(serde_json::from_value::<Vec<String>>(answer.json().clone())?);
    Ok(found.into_iter().map(|violation| format!("{what}: {violation}")).collect())
}

fn nothing_found(found: &[String]) -> Result<()> {
    ensure!(found.is_empty(), "{} things:\n{}", found.len(), found.join("\n"));
    Ok(())
}

/// No page breaks a rule of WCAG 2.2 AA, in either theme, on a laptop and on a phone, also with wrong input.
pub async fn every_page_is_accessible(demo: &Demo) -> Result<()> {
    let evening = Evening::begin(demo).await?;
    in_browser(|driver| async move {
        driver.set_script_timeout(LOOKED_WITHIN).await?;
        let mut found = Vec::new();
        for (wide, high) in [LAPTOP, PHONE] {
            driver.set_window_rect(0, 0, wide, high).await?;
            for theme in THEMES {
                found
                    .extend(violations_of_all(&driver, demo, &evening, theme, &format!("{theme}, {wide} wide")).await?);
                driver.delete_all_cookies().await?;
            }
        }
        nothing_found(&found)
    })
    .await
}

/// The violations on all pages, for the room and for the presenter, who is signed in afterwards.
async fn violations_of_all(
    driver: &WebDriver,
    demo: &Demo,
    evening: &Evening,
    theme: &str,
    how: &str,
) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let choice = format!("lang=en&theme={theme}");
    for (site, page) in evening.pages(demo) {
        open(driver, site, &page, &choice).await?;
        found.extend(violations(driver, &format!("{}{page}, {how}", site.address())).await?);
    }
    open(driver, &demo.shop, "/", &choice).await?;
    driver.find(By::Css("[data-beer='orval'] .more")).await?.click().await?;
    driver.find(By::Css(".to-checkout")).await?.click().await?;
    found.extend(violations(driver, &format!("the checkout, {how}")).await?);
    driver.find(By::Css("#address")).await?.clear().await?;
    driver.find(By::Css("button.place")).await?.click().await?;
    until("what is wrong", SOON, || async { Ok(driver.find(By::Css("#address-fault")).await?) }).await?;
    found.extend(violations(driver, &format!("the checkout with a fault, {how}")).await?);
    open(driver, &demo.stage, "/sign-in", &choice).await?;
    driver.find(By::Css("#token")).await?.send_keys("wrong").await?;
    driver.find(By::Css("button[type=submit]")).await?.click().await?;
    until("what is wrong", SOON, || async { Ok(driver.find(By::Css("#token-fault")).await?) }).await?;
    found.extend(violations(driver, &format!("a wrong token, {how}")).await?);
    sign_in(driver, demo, "/console").await?;
    for page in PRESENTERS {
        open(driver, &demo.stage, page, &choice).await?;
        found.extend(violations(driver, &format!("{page} as the presenter, {how}")).await?);
    }
    driver.find(By::Css("body")).await?.send_keys("?").await?;
    until("the keys", SOON, || async { Ok(driver.find(By::Css("dialog[open]")).await?) }).await?;
    found.extend(violations(driver, &format!("the keys, {how}")).await?);
    Ok(found)
}

/// No text of the stage is too small for the last row, and the figures that matter are big.
pub async fn the_last_row_can_read_the_stage(demo: &Demo) -> Result<()> {
    let evening = Evening::begin(demo).await?;
    in_browser(|driver| async move {
        let mut found = Vec::new();
        for (wide, high, least) in WALLS {
            driver.set_window_rect(0, 0, wide, high).await?;
            for page in STAGE {
                open(&driver, &demo.stage, &evening.path(page), "lang=en").await?;
                let small = small_texts(&driver, "body", least).await?;
                let figures = small_texts(&driver, ".figure dd", FIGURE_LEAST).await?;
                found.extend(small.iter().chain(&figures).map(|text| format!("{page} at {wide}: {text}")));
            }
        }
        nothing_found(&found)
    })
    .await
}

/// Texts within these elements that are smaller than `least` pixels.
async fn small_texts(driver: &WebDriver, selector: &str, least: u32) -> Result<Vec<String>> {
    let answer = driver.execute(SMALL_TEXTS, vec![json!(selector), json!(least)]).await?;
    Ok(serde_json::from_value(answer.json().clone())?)
}

/// In any language no page scrolls sideways on a phone, and no column of the console on a laptop.
pub async fn no_page_scrolls_sideways(demo: &Demo) -> Result<()> {
    let evening = Evening::begin(demo).await?;
    in_browser(|driver| async move {
        driver.set_window_rect(0, 0, PHONE.0, PHONE.1).await?;
        let mut found = Vec::new();
        for language in LANGUAGES {
            for (site, page) in evening.pages(demo) {
                open(&driver, site, &page, &format!("lang={language}")).await?;
                let script = "return [document.documentElement.scrollWidth, innerWidth]";
                let answer = driver.execute(script, Vec::new()).await?;
                let [page_is, window_is]: [u32; 2] =
                    serde_json::from_value(answer.json().clone()).context("two widths")?;
                ensure!(window_is == PHONE.0, "the window is {window_is} wide");
                if page_is > window_is {
                    found.push(format!("{}{page} in {language} is {page_is} wide", site.address()));
                }
            }
        }
        driver.set_window_rect(0, 0, LAPTOP.0, LAPTOP.1).await?;
        sign_in(&driver, demo, "/console").await?;
        for language in LANGUAGES {
            open(&driver, &demo.stage, "/console", &format!("lang={language}")).await?;
            let script = "return [...document.querySelectorAll('.desk > *')]\
                          .filter((column) => column.scrollWidth > column.clientWidth\
                          || column.getBoundingClientRect().right > innerWidth).map((column) => column.className)";
            let answer = driver.execute(script, Vec::new()).await?;
            let columns: Vec<String> = serde_json::from_value(answer.json().clone()).context("columns")?;
            found.extend(columns.into_iter().map(|column| format!("{column} of the console in {language}")));
        }
        nothing_found(&found)
    })
    .await
}

//! A room full of people: the code that leads them in, names that must stay hidden, and thumbs that are too fast.

use anyhow::{Context as _, Result, ensure};
use reqwest::{Method, Response, header};
use serde_json::{Value, json};
use suite::{
    Demo, Site,
    browser::{in_browser, until_text},
    line, until,
};
use thirtyfour::{By, WebDriver};

use crate::browser::SOON;

/// A host name that does not exist, by which the console is opened.
const CONSOLE: &str = "beer.invalid";
/// The host name that a proxy reports.
const PROXY: &str = "proxy.invalid";
/// The largest first load of the shop on a phone, on the wire, in bytes.
const FIRST_LOAD_MAX: usize = 100_000;
/// The most orders a browser may place in a row.
const ORDERS_MAX: usize = 10;

/// A page as the owner of this cookie sees it.
async fn page_with(site: &Site, path: &str, cookie: &str) -> Result<String> {
    let address = format!("{}{path}", site.address());
    Ok(site.http().get(address).header(header::COOKIE, cookie).send().await?.text().await?)
}

/// The cookie of the presenter's browser.
async fn presenter(demo: &Demo) -> Result<String> {
    let set = demo.stage.sign_in(&[]).await?;
    Ok(set.split(';').next().unwrap_or_default().to_owned())
}

/// The cookie a browser gets in the shop.
async fn new_browser(demo: &Demo) -> Result<String> {
    let shop = demo.shop.call(Method::GET, "/", None).await?;
    let cookies = shop.headers().get_all(header::SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok());
    let cookie = cookies.filter_map(|cookie| cookie.split(';').next()).find(|cookie| cookie.starts_with("browser-"));
    Ok(cookie.context("no cookie")?.to_owned())
}

/// Sends the form; the answer is the order's page.
async fn order_by_form(demo: &Demo, cookie: &str, customer: &str, address: &str) -> Result<Response> {
    let http = demo.shop.http().post(format!("{}/orders?lang=en", demo.shop.address()));
    let form = format!("customer={customer}&address={address}&bottles-orval=1").replace(' ', "+");
    let form = http.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(form);
    Ok(form.header(header::COOKIE, cookie).send().await?)
}

/// The settings before any act.
pub fn between_acts() -> Value {
    json!({"act": null, "couriers": 4, "courier_pace_ms": 50, "crowd": null, "hide_names": false})
}

/// The code leads to the shop on the host of the console until the presenter chooses another; each is tried.
pub async fn the_code_leads_into_the_shop(demo: &Demo) -> Result<()> {
    let port = |setting: &str| demo.setting(setting).context("no port");
    let (shop_port, stage_port) = (port("HTTP_PORT")?, port("STAGE_PORT")?);
    let (console, shop) = (format!("{CONSOLE}:{stage_port}"), format!("{CONSOLE}:{shop_port}"));
    let presenter = presenter(demo).await?;
    let open = async |cookie: &str, host: &str| {
        let console = demo.stage.http().get(format!("{}/console", demo.stage.address()));
        let console = console.header("x-forwarded-host", format!("{host}:{stage_port}"));
        let console = console.header("x-forwarded-proto", "https").header(header::COOKIE, cookie).send().await?;
        ensure!(console.status() == 200, "the console answers {}", console.status());
        anyhow::Ok(page_with(&demo.stage, "/qr", "").await?)
    };
    let behind_proxy = format!("{PROXY}:{shop_port}");
    let page = open(&presenter, PROXY).await?;
    ensure!(page.contains(&behind_proxy) && page.contains("class=\"qr-code\""), "{page}");
    let page = open("", "evil.invalid").await?;
    ensure!(page.contains(&behind_proxy) && !page.contains("evil"), "anybody changes the code: {page}");
    let opened = demo.stage.http().get(format!("{}/console", demo.stage.address()));
    let opened = opened.header(header::HOST, console).header(header::COOKIE, &presenter).send().await?;
    ensure!(opened.status() == 200, "the console answers {}", opened.status());
    let page = page_with(&demo.stage, "/qr", "").await?;
    ensure!(page.contains(&shop) && page.contains("class=\"qr-code\""), "{page}");
    until("the address to be tried", SOON, || async {
        let page = page_with(&demo.stage, "/qr?lang=en", &presenter).await?;
        ensure!(page.contains("✗ does not answer"), "{page}");
        Ok(())
    })
    .await?;
    let choice = json!({"address": shop});
    let nobody = demo.stage.call(Method::POST, "/api/stage/address", Some(&choice)).await?;
    ensure!(nobody.status() == 401, "{}", nobody.status());
    let chosen = demo.stage.direct("/api/stage/address", Some(&choice)).await?;
    ensure!(chosen["address"] == format!("http://{shop}"), "{chosen}");
    for wrong in ["not an address", "localhost:8000", "https://beer.invalid/path"] {
        let other = demo.stage.post_as_presenter("/api/stage/address", Some(&json!({"address": wrong}))).await?;
        ensure!(other.status() == 422, "{wrong} is answered {}", other.status());
    }
    let typed = demo.stage.direct("/api/stage/address", Some(&json!({"address": "https://typed.invalid/"}))).await?;
    ensure!(typed["address"] == "https://typed.invalid", "{typed}");
    demo.stage.direct("/api/stage/address", Some(&json!({"address": null}))).await?;
    Ok(())
}

/// While names are hidden nobody sees one, except the browser that ordered.
pub async fn hidden_names_are_nowhere(demo: &Demo) -> Result<()> {
    let (shop, stage, browser) = (&demo.shop, &demo.stage, new_browser(demo).await?);
    let page = order_by_form(demo, &browser, "Zdenka Geheim", "Stille straat introuvable 7, Gent").await?;
    let order = page.url().path().trim_start_matches("/orders/").to_owned();
    stage.until_status(&order, "stranded", SOON).await?;
    stage.set(&json!({"hide_names": true})).await?;
    let own = format!("/orders/{order}");
    let of_api = format!("/api{own}");
    let (to_shop, to_stage): (&Site, &Site) = (shop, stage);
    let places = [
        (to_shop, own.as_str()),
        (to_shop, &of_api),
        (to_stage, "/orders"),
        (to_stage, &own),
        (to_stage, "/deliveries"),
        (to_stage, &of_api),
        (to_stage, "/api/deliveries"),
    ];
    for (site, place) in places {
        let text = until(place, SOON, || async {
            let text = page_with(site, place, "").await?;
            ensure!(!text.contains("Geheim") && !text.contains("Stille straat"), "{text}");
            Ok(text)
        })
        .await?;
        ensure!(text.contains(&order), "{place} says nothing of the order: {text}");
    }
    let theirs = page_with(shop, &own, &browser).await?;
    ensure!(theirs.contains("Zdenka Geheim") && theirs.contains("Stille straat"), "their own page: {theirs}");
    let begun = stage.direct("/api/stage/acts/3", None).await?;
    ensure!(stage.get("/api/settings").await?["hide_names"] == true, "an act shows them again: {begun}");
    stage.set(&between_acts()).await?;
    until("the name to be back", SOON, || async {
        let text = page_with(shop, &own, "").await?;
        ensure!(text.contains("Zdenka Geheim"), "{text}");
        Ok(())
    })
    .await
}

/// Eleven orders in a row are one too many for a browser, and for nobody else.
pub async fn an_eager_browser_is_asked_to_drink_more_slowly(demo: &Demo) -> Result<()> {
    let browser = new_browser(demo).await?;
    for _ in 0..ORDERS_MAX {
        let placed = order_by_form(demo, &browser, "Ada", "Markt 1, Gent").await?;
        ensure!(placed.status() == 200, "{}", placed.status());
    }
    let refused = order_by_form(demo, &browser, "Ada", "Markt 1, Gent").await?;
    ensure!(refused.status() == 429, "{}", refused.status());
    let wait = refused.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    ensure!(wait.is_some_and(|wait: u64| (1..=10).contains(&wait)), "{wait:?}");
    let page = refused.text().await?;
    ensure!(page.contains("Drink more slowly") && page.contains("name=\"bottles-orval\" value=\"1\""), "{page}");
    let other = order_by_form(demo, &new_browser(demo).await?, "Jef", "Markt 1, Gent").await?;
    ensure!(other.status() == 200, "another browser is answered {}", other.status());
    let nobody = order_by_form(demo, "", "Lotte", "Markt 1, Gent").await?;
    ensure!(nobody.status() == 200, "a browser without a cookie is answered {}", nobody.status());
    for _ in 0..=ORDERS_MAX {
        demo.shop.order("Gent", &[line("orval", 1)]).await?;
    }
    let order = json!({"customer": "Ada", "address": "Gent", "lines": [line("orval", 1)]});
    let api = demo.shop.http().post(format!("{}/api/orders", demo.shop.address())).json(&order);
    let from_elsewhere = api.header("x-forwarded-for", "10.0.0.7").header(header::COOKIE, browser).send().await?;
    ensure!(from_elsewhere.status() == 429, "{}", from_elsewhere.status());
    ensure!(from_elsewhere.headers().contains_key(header::RETRY_AFTER), "{:?}", from_elsewhere.headers());
    Ok(())
}

/// The first load of a phone: the shop and all it names, compressed as for a browser, with the heads of the answers.
pub async fn the_shop_is_light_on_the_wire(demo: &Demo) -> Result<()> {
    let get = |path: String| async move {
        let request = demo.shop.http().get(format!("{}{path}", demo.shop.address()));
        let answer = request.header(header::ACCEPT_ENCODING, "gzip, deflate, br, zstd").send().await?;
        ensure!(answer.status() == 200, "{path} answers {}", answer.status());
        let head: usize = answer.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
        Ok((answer.headers().get(header::CONTENT_ENCODING).cloned(), head, answer))
    };
    let page = demo.shop.call(Method::GET, "/", None).await?.text().await?;
    let named = ["href=\"", "src=\""].iter().flat_map(|attribute| page.split(attribute).skip(1));
    let mut paths: Vec<&str> = named.filter_map(|rest| rest.split('"').next()).collect();
    paths.retain(|path| path.starts_with("/assets/"));
    paths.push("/");
    ensure!(paths.len() > 8, "{paths:?}");
    let mut wire = 0;
    for path in paths {
        let (encoding, head, answer) = get(path.to_owned()).await?;
        let is_compressed = encoding.is_some_and(|encoding| encoding == "gzip");
        ensure!(is_compressed != path.contains(".woff2"), "{path}: {is_compressed}");
        wire += head + answer.bytes().await?.len();
    }
    ensure!(wire <= FIRST_LOAD_MAX, "{wire} bytes");
    let (encoding, ..) = get("/live/shop?lang=en".to_owned()).await?;
    ensure!(encoding.is_none(), "a stream waits for its compression");
    Ok(())
}

/// Presses what a thumb can: large enough, visible without scrolling, and not covered.
async fn tap(driver: &WebDriver, selector: &str) -> Result<()> {
    let script = "const e = document.querySelector(arguments[0]); const r = e.getBoundingClientRect();\
                  const top = document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2);\
                  return [r.width >= 44, r.height >= 44, r.top >= 0, r.bottom <= innerHeight, e.contains(top), scrollY === 0]";
    until(selector, SOON, || async {
        let seen = driver.execute(script, vec![json!(selector)]).await?.json().clone();
        ensure!(seen == json!([true, true, true, true, true, true]), "{selector}: {seen}");
        Ok(())
    })
    .await?;
    Ok(driver.find(By::Css(selector)).await?.click().await?)
}

/// A beer, "order", "place the order", each in reach of the thumb; then the phone announces the beer.
pub async fn a_thumb_orders_in_three_taps_and_is_told(demo: &Demo) -> Result<()> {
    in_browser(|driver| async move {
        demo.stage.set(&json!({"couriers": 0})).await?;
        driver.set_window_rect(0, 0, 390, 844).await?;
        driver.goto(format!("{}/?lang=en", demo.shop.address())).await?;
        tap(&driver, ".beers .beer:nth-child(2) .more").await?;
        tap(&driver, ".to-checkout").await?;
        tap(&driver, "button.place").await?;
        until_text(&driver, "body.live", "waiting for a courier").await?;
        demo.stage.set(&json!({"couriers": 4})).await?;
        until_text(&driver, "#notice", "on its way").await?;
        until_text(&driver, "body", "Delivered").await
    })
    .await
}

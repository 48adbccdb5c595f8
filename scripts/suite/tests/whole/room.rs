//! A room full of people: the code that leads them in, names nobody else shall read, and thumbs that are too fast.

use anyhow::{Context as _, Result, ensure};
use reqwest::{Method, Response, header};
use serde_json::{Value, json};
use suite::{
    Demo,
    browser::{in_browser, until_text, with_browser},
    line, until,
};
use thirtyfour::{By, Key, WebDriver};

use crate::browser::{SOON, sign_in};

/// An address no machine has, as the console's.
const CONSOLE: &str = "beer.invalid:8000";
/// The address a tunnel says it is known by.
const TUNNEL: &str = "tunnel.invalid";
/// A first load of the shop on a phone, on the wire, in bytes.
const FIRST_LOAD_MAX: usize = 100_000;
/// So many orders a browser may place in a row.
const ORDERS_MAX: usize = 10;

/// A page as somebody sees it who brings this cookie.
async fn page_with(demo: &Demo, path: &str, cookie: &str) -> Result<String> {
    let address = format!("{}{path}", demo.shop.address());
    Ok(demo.shop.http().get(address).header(header::COOKIE, cookie).send().await?.text().await?)
}

/// The cookie of the presenter's browser.
async fn presenter(demo: &Demo) -> Result<String> {
    let set = demo.shop.sign_in(&[]).await?;
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

/// The settings as they are before any act.
fn between_acts() -> Value {
    json!({"act": null, "couriers": 4, "courier_pace_ms": 50, "crowd": null, "hide_names": false})
}

/// The address of the console is that of the code, until the presenter chooses another; and each is tried.
pub async fn the_code_leads_into_the_shop(demo: &Demo) -> Result<()> {
    let presenter = presenter(demo).await?;
    let open = async |cookie: &str, host: (&str, &str)| {
        let console = demo.shop.http().get(format!("{}/console", demo.shop.address())).header(host.0, host.1);
        let console = console.header("x-forwarded-proto", "https").header(header::COOKIE, cookie).send().await?;
        ensure!(console.status() == 200, "the console answers {}", console.status());
        anyhow::Ok(page_with(demo, "/stage/qr", "").await?)
    };
    let page = open(&presenter, ("x-forwarded-host", TUNNEL)).await?;
    ensure!(page.contains(TUNNEL) && page.contains("class=\"qr-code\""), "{page}");
    let page = open("", ("x-forwarded-host", "evil.invalid")).await?;
    ensure!(page.contains(TUNNEL) && !page.contains("evil"), "anybody changes the code: {page}");
    let console = demo.shop.http().get(format!("{}/console", demo.shop.address()));
    let console = console.header(header::HOST, CONSOLE).header(header::COOKIE, &presenter).send().await?;
    ensure!(console.status() == 200, "the console answers {}", console.status());
    let page = page_with(demo, "/stage/qr", "").await?;
    ensure!(page.contains(CONSOLE) && page.contains("class=\"qr-code\""), "{page}");
    until("the address to be tried", SOON, || async {
        let page = page_with(demo, "/stage/qr?lang=en", &presenter).await?;
        ensure!(page.contains("✗ does not answer"), "{page}");
        Ok(())
    })
    .await?;
    let choice = json!({"address": CONSOLE});
    let nobody = demo.shop.call(Method::POST, "/api/stage/address", Some(&choice)).await?;
    ensure!(nobody.status() == 401, "{}", nobody.status());
    let chosen = demo.shop.direct("/api/stage/address", Some(&choice)).await?;
    ensure!(chosen["address"] == format!("http://{CONSOLE}"), "{chosen}");
    for wrong in ["not an address", "localhost:8000", "https://beer.invalid/path"] {
        let other = demo.shop.post_as_presenter("/api/stage/address", Some(&json!({"address": wrong}))).await?;
        ensure!(other.status() == 422, "{wrong} is answered {}", other.status());
    }
    let typed = demo.shop.direct("/api/stage/address", Some(&json!({"address": "https://typed.invalid/"}))).await?;
    ensure!(typed["address"] == "https://typed.invalid", "{typed}");
    demo.shop.direct("/api/stage/address", Some(&json!({"address": null}))).await?;
    Ok(())
}

/// While names are hidden nobody reads one, but for the browser that ordered.
pub async fn hidden_names_are_nowhere(demo: &Demo) -> Result<()> {
    let (shop, browser) = (&demo.shop, new_browser(demo).await?);
    let page = order_by_form(demo, &browser, "Zdenka Geheim", "Stille straat introuvable 7, Gent").await?;
    let order = page.url().path().trim_start_matches("/orders/").to_owned();
    shop.until_status(&order, "stranded", SOON).await?;
    shop.set(&json!({"hide_names": true})).await?;
    let own = format!("/orders/{order}");
    let places =
        [&own, "/stage/orders", &format!("/stage{own}"), "/stage/deliveries", &format!("/api{own}"), "/api/deliveries"];
    for place in places {
        let text = until(place, SOON, || async {
            let text = page_with(demo, place, "").await?;
            ensure!(!text.contains("Geheim") && !text.contains("Stille straat"), "{text}");
            Ok(text)
        })
        .await?;
        ensure!(text.contains(&order), "{place} says nothing of the order: {text}");
    }
    let theirs = page_with(demo, &own, &browser).await?;
    ensure!(theirs.contains("Zdenka Geheim") && theirs.contains("Stille straat"), "their own page: {theirs}");
    let begun = shop.direct("/api/stage/acts/3", None).await?;
    ensure!(shop.get("/api/settings").await?["hide_names"] == true, "an act shows them again: {begun}");
    shop.set(&between_acts()).await?;
    until("the name to be back", SOON, || async {
        let text = page_with(demo, &own, "").await?;
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

/// Waits until the window shows this page.
async fn until_at(driver: &WebDriver, path: &str) -> Result<()> {
    until(path, SOON, || async {
        let address = driver.current_url().await?;
        ensure!(address.path() == path, "{address}");
        Ok(())
    })
    .await
}

/// Waits until the window shows this page and its keys are heard.
async fn until_heard_at(driver: &WebDriver, path: &str) -> Result<()> {
    until_at(driver, path).await?;
    until("the keys", SOON, || async {
        let heard = driver.execute("return typeof speaker", Vec::new()).await?.json().clone();
        ensure!(heard == "object", "{heard}");
        Ok(())
    })
    .await
}

/// Waits until the window has followed to this act and step.
async fn until_followed(driver: &WebDriver, position: &str) -> Result<()> {
    until(position, SOON, || async {
        let script = "return JSON.parse(sessionStorage.getItem('followed') ?? '{}').position ?? ''";
        let followed = driver.execute(script, Vec::new()).await?.json().clone();
        ensure!(followed == position, "{followed}");
        Ok(())
    })
    .await
}

/// A window that follows goes to the page of the act and its step, and does not move where it is already.
pub async fn a_window_follows_the_speaker(demo: &Demo) -> Result<()> {
    in_browser(|driver| async move {
        let shop = &demo.shop;
        driver.goto(format!("{}/stage?lang=fr&theme=projector&follow", shop.address())).await?;
        until_followed(&driver, "null 0").await?;
        shop.direct("/api/stage/acts/3", None).await?;
        until_at(&driver, "/stage/deliveries").await?;
        until_followed(&driver, "3 0").await?;
        driver.execute("window.stayed = true", Vec::new()).await?;
        shop.press("next").await?;
        until_followed(&driver, "3 1").await?;
        let stayed = driver.execute("return window.stayed === true", Vec::new()).await?.json().clone();
        ensure!(stayed == true, "it was loaded again");
        shop.direct("/api/stage/acts/1", None).await?;
        until_at(&driver, "/stage").await?;
        // After the crowd of act 3: this is the newest one.
        let order = shop.order("Gent", &[line("orval", 1)]).await?;
        shop.press("next").await?;
        until_at(&driver, "/").await?;
        shop.press("steps/4").await?;
        until_at(&driver, &format!("/stage/orders/{order}")).await?;
        driver.execute("window.stayed = true", Vec::new()).await?;
        shop.press("next").await?;
        until_followed(&driver, "1 5").await?;
        let stayed = driver.execute("return window.stayed === true", Vec::new()).await?.json().clone();
        ensure!(stayed == true, "it was loaded again");
        let address = driver.current_url().await?;
        let query = address.query().unwrap_or_default();
        ensure!(["lang=fr", "theme=projector", "follow"].iter().all(|part| query.contains(part)), "{address}");
        driver.goto(format!("{}/stage?follow", shop.address())).await?;
        until_at(&driver, &format!("/stage/orders/{order}")).await?;
        shop.set(&between_acts()).await?;
        Ok(())
    })
    .await
}

/// Four windows press "next" at the same time: the step they leave is left once, and its effect is there once.
pub async fn a_step_that_many_leave_at_once_is_done_once(demo: &Demo) -> Result<()> {
    let shop = &demo.shop;
    shop.direct("/api/stage/acts/1", None).await?;
    shop.press("steps/2").await?;
    let placed = async || anyhow::Ok(shop.get("/api/ledger").await?["orders"]["placed"].as_u64().unwrap_or(0));
    let before = placed().await?;
    let left = json!({"act": 1, "step": 2});
    // The third step places one order.
    let press = async || shop.direct("/api/stage/next", Some(&left)).await;
    let (a, b, c, d) = tokio::try_join!(press(), press(), press(), press())?;
    let presses = [a, b, c, d];
    ensure!(presses.iter().filter(|press| press["done"] == true).count() == 1, "{presses:?}");
    ensure!(presses.iter().all(|press| press["act"] == 1 && press["step"] == 3), "{presses:?}");
    shop.until_ledger(SOON, |ledger| ledger["orders"]["placed"] == before + 1).await?;
    for key in ["next", "back", "again", "steps/1"] {
        let late = shop.direct(&format!("/api/stage/{key}"), Some(&left)).await?;
        ensure!(late["done"] == false && late["step"] == 3, "{key}: {late}");
        let nothing = shop.post_as_presenter(&format!("/api/stage/{key}"), None).await?;
        ensure!(nothing.status() == 422, "{key} that names no step is answered {}", nothing.status());
    }
    in_browser(|driver| async move {
        sign_in(&driver, demo, "/stage").await?;
        let listen = "document.addEventListener('follow', ({ detail }) => { window.told = detail.step; })";
        driver.execute(listen, Vec::new()).await?;
        for step in [2, 1] {
            shop.press("back").await?;
            until("the window to be told", SOON, || async {
                let told = driver.execute("return window.told", Vec::new()).await?.json().clone();
                ensure!(told == step, "{told}");
                Ok(())
            })
            .await?;
        }
        // As a window that has not heard of the last step yet.
        let stale = "document.dispatchEvent(new CustomEvent('follow', { detail: { act: 1, step: 0 } }))";
        driver.execute(stale, Vec::new()).await?;
        for expected in [1, 2] {
            driver.find(By::Css("body")).await?.send_keys(Key::Right.value().to_string()).await?;
            until_text(&driver, "#keys-said", &format!("Act 1, step {expected}.")).await?;
            let position = shop.position().await?;
            ensure!(position == json!({"act": 1, "step": expected}), "{position}");
        }
        Ok(())
    })
    .await?;
    let after = placed().await?;
    ensure!(after == before + 1, "{after} orders instead of {}", before + 1);
    shop.set(&between_acts()).await?;
    Ok(())
}

/// The console's keys work on a page of the stage, but not in a field.
pub async fn the_keys_work_in_every_window_that_is_signed_in(demo: &Demo) -> Result<()> {
    in_browser(|driver| async move {
        let shop = &demo.shop;
        let order = shop.order("nowhere", &[line("orval", 1)]).await?;
        shop.until_status(&order, "stranded", SOON).await?;
        let press = async |keys: &str| driver.find(By::Css("body")).await?.send_keys(keys).await;
        let until_set = async |name: &str, value: Value| {
            until(name, SOON, || async {
                let settings = shop.get("/api/settings").await?;
                ensure!(settings[name] == value, "{settings}");
                Ok(())
            })
            .await
        };
        driver.goto(format!("{}/stage/ledger", shop.address())).await?;
        press("3").await?;
        sign_in(&driver, demo, "/stage/ledger").await?;
        ensure!(shop.get("/api/settings").await?["act"].is_null(), "anybody may begin an act");
        press("3").await?;
        until_at(&driver, "/stage/deliveries").await?;
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
        let settings = shop.get("/api/settings").await?;
        ensure!(settings["act"] == 3 && settings["hide_names"] == true, "{settings}");
        // Whatever was typed: a name that is to be hidden is hidden.
        let hidden = format!("#dead-{order}[data-names-hidden] #address-{order}");
        let field = until("names hidden", SOON, || async { Ok(driver.find(By::Css(&hidden)).await?) }).await?;
        ensure!(field.prop("value").await?.unwrap_or_default().is_empty(), "the address is on the wall");
        press("h").await?;
        until_set("hide_names", json!(false)).await?;
        press("?").await?;
        until_text(&driver, "dialog[open]", "next step").await?;
        press("?").await?;
        press("q").await?;
        // The code stays on the wall until the talk goes on, in a window that has followed nothing yet as well.
        until_followed(&driver, "3 0").await?;
        until_at(&driver, "/stage/qr").await?;
        press(&Key::Right.value().to_string()).await?;
        until_at(&driver, "/stage/deliveries").await?;
        // The first step of the talk leads to the shop, and there it goes on.
        driver.goto(shop.address()).await?;
        press("1").await?;
        until_at(&driver, "/stage").await?;
        press(&Key::Right.value().to_string()).await?;
        until_at(&driver, "/").await?;
        press(&Key::Right.value().to_string()).await?;
        until_set("step", json!(2)).await?;
        shop.set(&between_acts()).await?;
        Ok(())
    })
    .await
}

/// Keys of other keyboards, of a clicker, and with CapsLock on.
pub async fn every_keyboard_and_a_clicker_play(demo: &Demo) -> Result<()> {
    let shop = &demo.shop;
    with_browser(async |browser| {
        let driver = &browser.driver;
        sign_in(driver, demo, "/stage/deliveries").await?;
        let until_position = async |act: Value, step: u8| {
            until("the stage to be there", SOON, || async {
                let position = shop.position().await?;
                ensure!(position == json!({"act": act, "step": step}), "{position}");
                Ok(())
            })
            .await
        };
        // What stands on the digits of a French, a Czech and an American keyboard, and with Shift on the French one.
        let deliveries = "/stage/deliveries";
        let digits = [
            ("\"", "Digit3", false, 3, deliveries),
            ("&", "Digit1", false, 1, "/stage"),
            ("š", "Digit3", false, 3, deliveries),
            ("2", "Digit2", true, 2, "/stage"),
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
        // With Shift on an American keyboard it is no digit.
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
        // With CapsLock; and on a Greek keyboard.
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
        // On a French keyboard the question mark is where others have an m.
        browser.press("?", "KeyM").await?;
        until_text(driver, "dialog[open]", "next step").await?;
        browser.press("?", "KeyM").await?;
        browser.press("Q", "KeyA").await?;
        until_heard_at(driver, "/stage/qr").await?;
        browser.press("O", "KeyO").await?;
        until_heard_at(driver, deliveries).await?;
        browser.press(" ", "Space").await?;
        said("Act 3, step 0.").await?;
        shop.set(&between_acts()).await?;
        Ok(())
    })
    .await
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
        until_at(&driver, "/stage/deliveries").await?;
        for (key, page) in [("q", "/stage/qr"), ("o", "/stage/deliveries")] {
            driver.switch_to_window(console.clone()).await?;
            press(key).await?;
            driver.switch_to_window(room.clone()).await?;
            until_at(&driver, page).await?;
        }
        ensure!(driver.windows().await?.len() == 2, "another window was opened");
        demo.shop.set(&between_acts()).await?;
        Ok(())
    })
    .await
}

/// What a phone loads first: the shop and all it names, compressed as a browser takes it, with the heads of the answers.
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

/// Presses what a thumb can: large enough, in sight without scrolling, and nothing above it.
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

/// A beer, "order", "place the order", each where the thumb is; then the phone says that the beer is on its way.
pub async fn a_thumb_orders_in_three_taps_and_is_told(demo: &Demo) -> Result<()> {
    in_browser(|driver| async move {
        demo.shop.set(&json!({"couriers": 0})).await?;
        driver.set_window_rect(0, 0, 390, 844).await?;
        driver.goto(format!("{}/?lang=en", demo.shop.address())).await?;
        tap(&driver, ".beers .beer:nth-child(2) .more").await?;
        tap(&driver, ".to-checkout").await?;
        tap(&driver, "button.place").await?;
        until_text(&driver, "body.live", "waiting for a courier").await?;
        demo.shop.set(&json!({"couriers": 4})).await?;
        until_text(&driver, "#notice", "on its way").await?;
        until_text(&driver, "body", "Delivered").await
    })
    .await
}

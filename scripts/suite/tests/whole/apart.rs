//! Shop and stage are separate processes: each works while the other is gone, and only the shop is for the audience.

use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket},
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use bus::http_client;
use reqwest::{Method, header, redirect::Policy};
use serde_json::Value;
use suite::{
    Demo, Feed,
    browser::{in_browser, until_text},
    line,
    load::{self, Placed},
    until,
};
use thirtyfour::{By, WebDriver};
use tokio::{net::TcpStream, time::timeout};

use crate::browser::SOON;

/// The load while one of the two is gone, in orders per second.
const RATE: u64 = 40;
const SECONDS: u64 = 10;
/// The first kill comes this long after the load begins.
const KILLED_AFTER: Duration = Duration::from_secs(2);
/// How often the test checks whether a part that is to stay away is back.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Time for a killed part to come back and for everything under way to arrive, on a busy machine.
const SETTLED_WITHIN: Duration = Duration::from_secs(120);
/// The demo restarts the part at least this often meanwhile: it waits a second longer each time.
const DEATHS_LEAST: u32 = 3;

/// Pages of the stage that the shop does not have, and its streams.
const PAGES: [&str; 14] = [
    "/welcome",
    "/deliveries",
    "/stock",
    "/analysis",
    "/past",
    "/past/fragments",
    "/rebuild",
    "/questions",
    "/fraud",
    "/ledger",
    "/pulsar",
    "/qr",
    "/live/map",
    "/sign-in",
];
/// What a proxy adds to the request of a client on another machine.
const GUEST: [(&str, &str); 2] = [("x-forwarded-for", "203.0.113.9"), ("x-forwarded-host", "beer.invalid")];

/// Kills a part whenever the demo has restarted it, and counts.
async fn keep_away(demo: &Demo, part: &str, deaths: &mut u32) -> Infallible {
    let mut killed = None;
    loop {
        let process = demo.process(part).ok().filter(|process| killed != Some(*process));
        if process.is_some() && demo.kill(part).await.is_ok() {
            (killed, *deaths) = (process, *deaths + 1);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Runs this while a part is away, and checks that it was killed at least `deaths_least` times.
pub async fn without<T>(
    demo: &Demo,
    part: &str,
    deaths_least: u32,
    meanwhile: impl Future<Output = Result<T>>,
) -> Result<T> {
    let mut deaths = 0;
    let outcome = tokio::select! {
        outcome = meanwhile => outcome,
        never = keep_away(demo, part, &mut deaths) => match never {},
    };
    let outcome = outcome.with_context(|| format!("without {part}, killed {deaths} times"))?;
    ensure!(deaths >= deaths_least, "{part} was killed {deaths} times only");
    Ok(outcome)
}

fn start_crowd(demo: &Demo) -> tokio::task::JoinHandle<Result<Placed>> {
    let shop = demo.shop.clone();
    tokio::spawn(async move { load::place(&shop, RATE, SECONDS, |_, _| {}).await })
}

async fn placed(demo: &Demo) -> Result<u64> {
    demo.stage.get("/api/ledger").await?["orders"]["placed"].as_u64().context("no ledger")
}

/// Waits until everything has come to its end, and the stage counts from `least` to `most` orders.
async fn until_all_is_told(demo: &Demo, least: u64, most: u64) -> Result<()> {
    let ledger = demo.stage.until_ledger(SETTLED_WITHIN, |ledger| {
        let placed = ledger["orders"]["placed"].as_u64().unwrap_or(0);
        placed >= least && ledger["orders"]["waiting"] == 0 && ledger["deliveries"]["under_way"] == 0
    });
    let ledger = ledger.await?;
    let placed = ledger["orders"]["placed"].as_u64().unwrap_or(0);
    ensure!(placed <= most && ledger["contradictions"].as_array().is_some_and(Vec::is_empty), "{ledger}");
    Ok(())
}

/// The stage dies under load and stays away: customers do not notice, and their pages go on. When it is back, the stage
/// has all orders.
pub async fn the_shop_sells_while_the_stage_is_away(demo: &Demo) -> Result<()> {
    let (shop, before) = (&demo.shop, placed(demo).await?);
    let crowd = start_crowd(demo);
    tokio::time::sleep(KILLED_AFTER).await;
    let meanwhile = async {
        let order = shop.order("Korenlei 7, Gent", &[line("orval", 1)]).await?;
        let mut page = Feed::open(shop, &format!("/live/orders/{order}?lang=en")).await?;
        timeout(SOON, until_told(&mut page, "Delivered")).await.context("the customer is not told")??;
        shop.until_status(&order, "delivered", SOON).await?;
        Ok((order, crowd.await??))
    };
    let (order, crowd) = without(demo, "stage", DEATHS_LEAST, meanwhile).await?;
    ensure!(crowd.failed == 0, "orders were turned away: {crowd:?}");
    let all = before + crowd.taken + 1;
    until_all_is_told(demo, all, all).await?;
    demo.stage.until_status(&order, "delivered", SETTLED_WITHIN).await.map(drop)
}

/// Waits until the stream of a page brings these words.
async fn until_told(page: &mut Feed, words: &str) -> Result<()> {
    while let Some(event) = page.next().await? {
        if event.name == "fragments" && event.data.to_string().contains(words) {
            return Ok(());
        }
    }
    bail!("the stream ended")
}

/// How many streams a page has opened, and after how many milliseconds it looked late, if it did.
async fn streams_and_late(driver: &WebDriver) -> Result<(Value, Value)> {
    let streams = "return performance.getEntriesByType('resource').filter(part => part.name.includes('/live/')).length";
    let streams = driver.execute(streams, Vec::new()).await?.json().clone();
    Ok((streams, driver.execute("return window.lateAfter", Vec::new()).await?.json().clone()))
}

/// Counts the streams that the page opens from now on, and notes whether it looks late.
const WATCH: &str = "
    window.lateAfter = null;
    const began = performance.now();
    performance.clearResourceTimings();
    new MutationObserver(() => {
      if (document.body.classList.contains('late')) window.lateAfter ??= performance.now() - began;
    }).observe(document.body, {attributes: true});";

/// The website dies under load and stays away: the map shows it, the page and its stream stay live, and so does the
/// feed for programs. No order is lost.
pub async fn the_stage_shows_that_the_website_is_gone_and_stays_live(demo: &Demo) -> Result<()> {
    let (stage, before) = (&demo.stage, placed(demo).await?);
    let mut feed = Feed::open(stage, "/api/live").await?;
    in_browser(|driver| async move {
        driver.goto(format!("{}/?lang=en", stage.address())).await?;
        until_seen(&driver, "body.live").await?;
        until_seen(&driver, "#map-website.running").await?;
        driver.execute(WATCH, Vec::new()).await?;
        let crowd = start_crowd(demo);
        tokio::time::sleep(KILLED_AFTER).await;
        let meanwhile = async {
            until_seen(&driver, "#map-website.gone").await?;
            let crowd = crowd.await??;
            ensure!(demo.shop.get("/api/beers").await.is_err(), "the website is there");
            stage.get("/api/ledger").await?;
            Ok(crowd)
        };
        let crowd = without(demo, "website", DEATHS_LEAST, meanwhile).await?;
        until_seen(&driver, "#map-website.running").await?;
        let (streams, late) = streams_and_late(&driver).await?;
        ensure!(streams == 0 && late.is_null(), "{streams} streams were opened again, it looked late after {late} ms");
        // Orders are safe even if the website could not confirm them.
        until_all_is_told(demo, before + crowd.taken, before + crowd.taken + crowd.failed).await?;
        driver.goto(format!("{}/ledger?lang=en", stage.address())).await?;
        until_text(&driver, "#recovery", "website").await?;
        let all_of_it = async {
            // The stream has never broken: the last order comes by the same connection.
            let order = demo.shop.order("Gent", &[line("orval", 1)]).await?;
            while let Some(event) = feed.next().await? {
                if event.name == "order" && event.data["order_id"] == order.as_str() {
                    return Ok(());
                }
            }
            bail!("it ended")
        };
        timeout(SOON, all_of_it).await.context("the feed has stopped")?
    })
    .await
}

async fn until_seen(driver: &WebDriver, selector: &str) -> Result<()> {
    until(selector, SOON, || async {
        driver.find(By::Css(selector)).await?;
        Ok(())
    })
    .await
}

/// The shop serves nothing of the stage, at its present or former addresses. A browser on this machine is redirected
/// from an old address; a proxy on this machine, such as a tunnel, is not.
pub async fn the_shop_has_nothing_of_the_stage(demo: &Demo) -> Result<()> {
    let shop = demo.shop.address();
    let http = http_client(shop).redirect(Policy::none()).build()?;
    let described = demo.stage.get("/api/openapi.json").await?;
    let theirs = demo.shop.get("/api/openapi.json").await?;
    let calls = described["paths"].as_object().context("no paths")?.keys();
    let calls = calls.filter(|path| theirs["paths"][path.as_str()].is_null());
    let calls: Vec<String> = calls.map(|path| path.replace(['{', '}'], "")).collect();
    ensure!(calls.len() > 20, "{calls:?}");
    let today: Vec<String> = PAGES.map(str::to_owned).into_iter().chain(calls).collect();
    let before = PAGES.into_iter().chain(["", "/orders", "/orders/newest"]).map(|page| format!("/stage{page}"));
    let before: Vec<String> = before.chain(["/console".to_owned()]).collect();
    let gets = today.iter().chain(&before).map(|path| (Method::GET, path));
    for (method, path) in gets.chain(today.iter().map(|path| (Method::POST, path))) {
        let mut call = http.request(method.clone(), format!("{shop}{path}")).bearer_auth(demo.stage.token());
        for (name, value) in GUEST {
            call = call.header(name, value);
        }
        let answer = call.send().await?;
        ensure!(answer.status() == 404, "{method} {path} is answered {}", answer.status());
    }
    for path in before {
        let answer = http.get(format!("{shop}{path}?lang=fr")).send().await?;
        let to = answer.headers().get(header::LOCATION).context(path.clone())?.to_str()?.to_owned();
        let page = path.strip_prefix("/stage").unwrap_or(&path);
        let page = if page.is_empty() { "/" } else { page };
        ensure!(to == format!("{}{page}?lang=fr", demo.stage.address()), "{path} leads to {to}");
    }
    Ok(())
}

/// Phones reach the shop but never the stage, at an address of this machine in a network: nobody is connected.
pub async fn the_stage_is_open_to_this_machine_only(demo: &Demo) -> Result<()> {
    let port = |setting: &str| anyhow::Ok(demo.setting(setting).context("no port")?.parse::<u16>()?);
    let (shop, stage) = (port("HTTP_PORT")?, port("STAGE_PORT")?);
    let connects = async |host: IpAddr, port: u16| {
        let connected = timeout(SOON, TcpStream::connect(SocketAddr::from((host, port)))).await;
        connected.is_ok_and(|connected| connected.is_ok())
    };
    // The second one, on Linux, is for a machine without a network.
    let hosts = address_in_a_network().into_iter().chain([IpAddr::from(Ipv4Addr::new(127, 0, 0, 2))]);
    let mut reached = 0;
    for host in hosts {
        if connects(host, shop).await {
            reached += 1;
            ensure!(!connects(host, stage).await, "the stage can be reached at {host}:{stage}");
        }
    }
    ensure!(reached > 0, "the shop cannot be reached either");
    Ok(())
}

/// This machine's address towards other networks, if it has one. Nothing is sent.
fn address_in_a_network() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((Ipv4Addr::new(203, 0, 113, 9), 9)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

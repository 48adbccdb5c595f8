//! Starting and stopping.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};
use reqwest::Method;
use suite::{Demo, line, scrape, until};

use crate::browser::SOON;

const PARTS: [&str; 7] = ["broker", "website", "stage", "warehouse", "stock-level", "inventory-analysis", "delivery"];

/// Address, token and logs are printed; the health endpoint of every part answers.
pub async fn says_what_a_speaker_needs(demo: &Demo) -> Result<()> {
    let said = demo.lines().join("\n");
    ensure!(said.contains("let-me-in"), "the token is not printed:\n{said}");
    let addresses = format!("stage: {}\nready: {}", demo.stage.address(), demo.shop.address());
    ensure!(said.ends_with(&addresses), "{said}");
    let placed = demo.stage.get("/api/ledger").await?["orders"]["placed"].clone();
    ensure!(placed == 0, "ready without having placed an order, but {placed} were");
    for service in PARTS.iter().skip(1) {
        let address = address(demo, service)?;
        for path in ["/health/live", "/health/ready", "/metrics"] {
            let answer = demo.shop.http().get(format!("{address}{path}")).send().await?;
            ensure!(answer.status().is_success(), "{service}{path} answers {}", answer.status());
        }
    }
    Ok(())
}

/// Where a service answers for its health.
fn address(demo: &Demo, service: &str) -> Result<String> {
    Ok(match service {
        "website" => demo.shop.address().to_owned(),
        "stage" => demo.stage.address().to_owned(),
        _ => {
            let port = std::fs::read_to_string(demo.data_dir.join("run").join(format!("{service}.port")))?;
            format!("http://127.0.0.1:{}", port.trim())
        }
    })
}

pub async fn what_each_service_counts_is_named_by_the_conventions(demo: &Demo) -> Result<()> {
    let order_id = demo.shop.order("Korenlei 7, Gent", &[line("orval", 1)]).await?;
    demo.shop.until_status(&order_id, "delivered", SOON).await?;
    for service in PARTS.iter().skip(1) {
        let address = format!("{}/metrics", address(demo, service)?);
        until("a scrape with all that is counted", SOON, || async {
            let scrape = demo.shop.http().get(&address).send().await?.error_for_status()?.text().await?;
            let faults = scrape::faults(&scrape, "beers");
            ensure!(faults.is_empty(), "{service}: {faults:#?}");
            for sample in [
                "beers_messages_handled_total{topic=",
                "beers_message_handling_seconds_bucket{le=",
                "beers_message_end_to_end_seconds_count{topic=",
                "beers_message_times_replaced_total 0",
                "beers_outbox_messages 0",
            ] {
                ensure!(scrape.lines().any(|line| line.starts_with(sample)), "{service} has no {sample}:\n{scrape}");
            }
            Ok(())
        })
        .await?;
    }
    Ok(())
}

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or(Path::new("/"))
}

/// A program as the demo has built it.
fn program(name: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| top().join("target"), PathBuf::from);
    target.join("release").join(name)
}

/// Help and version go to standard output. Wrong usage gives one sentence and exit code 2, and nothing is started.
pub async fn each_program_says_how_it_is_called(_: &Demo) -> Result<()> {
    for name in ["setup"].iter().chain(&PARTS[1..]) {
        let call = |argument: &str| Command::new(program(name)).arg(argument).output();
        let (help, version, wrong) = (call("--help")?, call("--version")?, call("nonsense")?);
        let said = String::from_utf8(help.stdout)?;
        ensure!(help.status.success() && said.contains(&format!("Usage: {name}")), "{name} --help: {said}");
        let said = String::from_utf8(version.stdout)?;
        ensure!(version.status.success() && said == format!("{name} {}\n", env!("CARGO_PKG_VERSION")), "{said}");
        let said = String::from_utf8(wrong.stderr)?;
        let expected = format!("{name}: unexpected argument \"nonsense\"; see {name} --help\n");
        ensure!(wrong.status.code() == Some(2) && said == expected, "{name} nonsense: {said}");
    }
    Ok(())
}

/// Otherwise a service started beside a suite has its own database, and the warehouse counts a second stock.
pub async fn a_service_finds_the_data_of_the_suite_from_its_own_folder(_: &Demo) -> Result<()> {
    for name in PARTS.iter().skip(3) {
        // There is no broker: the error names the folder that was looked into.
        let folder = format!("target/nobody-{:08x}", rand::random::<u32>());
        let mut ask = Command::new(program(name));
        ask.arg("healthcheck").env("DATA_DIR", &folder).current_dir(top().join("services").join(name));
        let said = String::from_utf8(ask.output()?.stderr)?;
        let file = top().join(&folder).join("run").join(format!("{name}.port"));
        ensure!(said.contains(&file.display().to_string()), "{name}: {said}");
    }
    Ok(())
}

/// The next start keeps what this one leaves, also from before the stage was a process of its own: orders and token
/// stay. A subscription without a specified reader is deleted, as it would keep a backlog for ever.
pub async fn a_folder_of_before_is_taken_over(_: &Demo) -> Result<()> {
    let demo = Demo::start(&[("PRESENTER_TOKEN", ""), ("COURIER_PACE_MS", "0")]).await?;
    let token = std::fs::read_to_string(token_of(&demo))?;
    let order = demo.shop.order("Gent", &[line("orval", 2)]).await?;
    demo.stage.until_status(&order, "delivered", SOON).await?;
    // The website was once a reader of the log.
    let topic = format!("{}/admin/v2/persistent/beers/stock-1/stock-events", demo.pulsar_http);
    let http = demo.shop.http().clone();
    let subscribed = http.put(format!("{topic}/subscription/website")).json("earliest").send().await?;
    ensure!(subscribed.status().is_success(), "{}", subscribed.status());
    let demo = demo.restart(&[]).await?;
    ensure!(std::fs::read_to_string(token_of(&demo))? == token, "there is another token");
    demo.shop.until_status(&order, "delivered", SOON).await?;
    demo.stage.until_status(&order, "delivered", SOON).await?;
    let readers: Vec<String> = http.get(format!("{topic}/subscriptions")).send().await?.json().await?;
    ensure!(!readers.contains(&"website".to_owned()) && readers.contains(&"stage".to_owned()), "{readers:?}");
    let next = demo.shop.order("Gent", &[line("orval", 1)]).await?;
    demo.stage.until_status(&next, "delivered", SOON).await?;
    demo.stage.until_ledger(SOON, |ledger| ledger["orders"]["placed"] == 2).await?;
    demo.stop().await
}

fn token_of(demo: &Demo) -> PathBuf {
    demo.data_dir.join("presenter-token")
}

/// Ctrl-C stops every process the demo started, and frees its ports.
pub async fn stops_and_leaves_nothing(demo: Demo) -> Result<()> {
    let processes = PARTS.map(|part| demo.process(part).unwrap_or(0));
    let (shop, stage) = (demo.shop.clone(), demo.stage.clone());
    demo.stop().await?;
    for (part, process) in PARTS.iter().zip(processes) {
        let gone = suite::processes::usage(process).await.is_err();
        ensure!(gone, "{part} (process {process}) is still there");
    }
    for site in [&*shop, &*stage] {
        let answer = site.call(Method::GET, "/", None).await;
        ensure!(answer.is_err(), "{} still answers", site.address());
    }
    Ok::<(), anyhow::Error>(()).context("stopping the demo")
}

//! Starting and stopping.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};
use reqwest::Method;
use suite::Demo;

const PARTS: [&str; 6] = ["broker", "website", "warehouse", "stock-level", "inventory-analysis", "delivery"];

/// Address, token and logs are printed; every part answers for its health.
pub async fn says_what_a_speaker_needs(demo: &Demo) -> Result<()> {
    let said = demo.lines().join("\n");
    ensure!(said.contains("let-me-in"), "the token is not printed:\n{said}");
    ensure!(said.lines().last().is_some_and(|line| line == format!("ready: {}", demo.shop.address())), "{said}");
    let placed = demo.shop.get("/api/ledger").await?["orders"]["placed"].clone();
    ensure!(placed == 0, "ready without having placed an order, but {placed} were");
    for service in PARTS.iter().skip(1) {
        let address = if *service == "website" {
            demo.shop.address().to_owned()
        } else {
            let port = std::fs::read_to_string(demo.data_dir.join("run").join(format!("{service}.port")))?;
            format!("http://127.0.0.1:{}", port.trim())
        };
        for path in ["/health/live", "/health/ready", "/metrics"] {
            let answer = demo.shop.http().get(format!("{address}{path}")).send().await?;
            ensure!(answer.status().is_success(), "{service}{path} answers {}", answer.status());
        }
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

/// Help and version go to standard output; wrong usage is one sentence and exit code 2, and nothing is started.
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

/// Else a service started beside a suite has a database of its own, and the warehouse counts a second stock.
pub async fn a_service_finds_the_data_of_the_suite_from_its_own_folder(_: &Demo) -> Result<()> {
    for name in PARTS.iter().skip(2) {
        // Nobody is there to be asked: what is missing names the folder that was looked into.
        let folder = format!("target/nobody-{:08x}", rand::random::<u32>());
        let mut ask = Command::new(program(name));
        ask.arg("healthcheck").env("DATA_DIR", &folder).current_dir(top().join("services").join(name));
        let said = String::from_utf8(ask.output()?.stderr)?;
        let file = top().join(&folder).join("run").join(format!("{name}.port"));
        ensure!(said.contains(&file.display().to_string()), "{name}: {said}");
    }
    Ok(())
}

/// Ctrl-C stops every process the demo started, and frees its ports.
pub async fn stops_and_leaves_nothing(demo: Demo) -> Result<()> {
    let processes = PARTS.map(|part| demo.process(part).unwrap_or(0));
    let shop = demo.shop.clone();
    demo.stop().await?;
    for (part, process) in PARTS.iter().zip(processes) {
        let gone = suite::processes::usage(process).await.is_err();
        ensure!(gone, "{part} (process {process}) is still there");
    }
    let answer = shop.call(Method::GET, "/", None).await;
    ensure!(answer.is_err(), "the website still answers");
    Ok::<(), anyhow::Error>(()).context("stopping the demo")
}

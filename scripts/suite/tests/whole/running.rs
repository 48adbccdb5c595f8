//! Starting and stopping.

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

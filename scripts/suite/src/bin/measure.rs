//! `measure`: the figures of `docs/performance.md`, from a running demo.
//!
//!     cargo run --release -p suite --bin measure -- latency|load|idle|memory|frames|phones|crash [options]
//!
//! The settings (`HTTP_PORT`, `STAGE_PORT`, `DATA_DIR`) name the demo. No figure makes it fail: machines differ.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::{process::ExitCode, time::Duration};

use anyhow::{Context as _, Result};
use service::{
    arguments::{Arg, Error, Parser, Program, ValueExt as _},
    environment,
};
use suite::{
    Feed, Shop, Stage, frames,
    load::{self, Latencies, percentile},
    phones,
    processes::{self, Usage, usage},
    program,
    rehearsal::Place,
    until,
};
use tokio::time::Instant;

const SERVICES: [&str; 6] = ["website", "warehouse", "stock-level", "inventory-analysis", "delivery", "stage"];

const HELP: &str = "\
measure prints the figures of docs/performance.md, measured on the running demo.

Usage: measure FIGURE [OPTION]...

  latency [--rate 50] [--seconds 30]                    from placing an order to its delivery
  load [--rate 500] [--seconds 60]                      many orders, and how long they take to drain
  idle [--seconds 20]                                   the cost of each process while nothing happens
  memory                                                of the broker and of each service
  frames [--rate 100] [--seconds 20]                    how smoothly the map is drawn
  phones [--phones 1000] [--rate 50] [--seconds 60]     what phones cost the website
  crash                                                 how long a killed stage takes to show everything again

Settings come from the environment and from the file .env; .env.example lists them.";

#[derive(Clone, Copy)]
enum Asked {
    Latency { rate: u64, seconds: u64 },
    Load { rate: u64, seconds: u64 },
    Idle { seconds: u64 },
    Memory,
    Frames { rate: u64, seconds: u64 },
    Phones { phones: u64, rate: u64, seconds: u64 },
    Crash,
}

fn main() -> ExitCode {
    program::run(&Program { name: "measure", help: HELP.to_owned() }, asked, measure)
}

fn asked(parser: &mut Parser) -> Result<Asked, Error> {
    let mut asked = match parser.next()? {
        Some(Arg::Value(name)) => match name.to_str() {
            Some("latency") => Asked::Latency { rate: 50, seconds: 30 },
            Some("load") => Asked::Load { rate: 500, seconds: 60 },
            Some("idle") => Asked::Idle { seconds: 20 },
            Some("memory") => Asked::Memory,
            Some("frames") => Asked::Frames { rate: 100, seconds: 20 },
            Some("crash") => Asked::Crash,
            Some("phones") => Asked::Phones { phones: 1000, rate: 50, seconds: 60 },
            _ => return Err(Arg::Value(name).unexpected()),
        },
        Some(other) => return Err(other.unexpected()),
        None => return Err("what to measure is missing".into()),
    };
    while let Some(argument) = parser.next()? {
        let option = match (argument, &mut asked) {
            (
                Arg::Long("rate"),
                Asked::Latency { rate, .. }
                | Asked::Load { rate, .. }
                | Asked::Frames { rate, .. }
                | Asked::Phones { rate, .. },
            ) => rate,
            (
                Arg::Long("seconds"),
                Asked::Latency { seconds, .. }
                | Asked::Load { seconds, .. }
                | Asked::Idle { seconds }
                | Asked::Frames { seconds, .. }
                | Asked::Phones { seconds, .. },
            ) => seconds,
            (Arg::Long("phones"), Asked::Phones { phones, .. }) => phones,
            (other, _) => return Err(other.unexpected()),
        };
        *option = parser.value()?.parse()?;
    }
    Ok(asked)
}

async fn measure(asked: Asked) -> Result<bool> {
    let place = Place::of(|name| std::env::var(name).ok())?;
    let (shop, stage) = (&place.shop, &place.stage);
    match asked {
        Asked::Latency { rate, seconds } => latency(shop, rate, seconds).await,
        Asked::Load { rate, seconds } => throughput(shop, stage, rate, seconds).await,
        Asked::Idle { seconds } => idle(seconds).await,
        Asked::Memory => memory().await,
        Asked::Crash => crash(&place).await,
        Asked::Frames { rate, seconds } => drawn(shop, stage, rate, seconds).await,
        Asked::Phones { phones, rate, seconds } => room(shop, phones, rate, seconds).await,
    }?;
    Ok(true)
}

/// Warms up for ten seconds, then measures the time from placing to delivery.
async fn latency(shop: &Shop, rate: u64, seconds: u64) -> Result<()> {
    const WARM_UP_S: u64 = 10;
    let latencies = Latencies::default();
    let following = tokio::spawn(latencies.clone().follow(Feed::open(shop, "/api/live").await?));
    let measured_from = Instant::now() + Duration::from_secs(WARM_UP_S);
    let noting = latencies.clone();
    let placed = load::place(shop, rate, WARM_UP_S + seconds, move |id, at| noting.sent(id, at)).await?;
    let deadline = Instant::now() + Duration::from_secs(10);
    while latencies.since(measured_from).1 > 0 && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (times, missing) = latencies.since(measured_from);
    println!(
        "latency at {rate}/s: {} orders, median {:.1} ms, 90th {:.1} ms, 99th {:.1} ms, longest {:.1} ms, not delivered {missing}, not taken {}",
        times.len(),
        percentile(&times, 0.5),
        percentile(&times, 0.9),
        percentile(&times, 0.99),
        times.last().copied().unwrap_or(f64::NAN),
        placed.failed,
    );
    following.abort();
    Ok(())
}

/// Places orders at this rate. Measures how long the rest takes afterwards, and whether the sums hold.
async fn throughput(shop: &Shop, stage: &Stage, rate: u64, seconds: u64) -> Result<()> {
    let before = stage.get("/api/ledger").await?;
    let used_before = all_usage().await;
    let placed = load::place(shop, rate, seconds, |_, _| {}).await?;
    let ended = Instant::now();
    let least = before["orders"]["placed"].as_u64().unwrap_or(0) + placed.taken;
    let ledger = stage
        .until_ledger(Duration::from_secs(120), |ledger| {
            // More, if the ledger was behind at the beginning, or if an order was stored but not confirmed in time.
            ledger["orders"]["placed"].as_u64().unwrap_or(0) >= least
                && ledger["orders"]["waiting"] == 0
                && ledger["deliveries"]["under_way"] == 0
        })
        .await?;
    let drained = ended.elapsed().as_secs_f64();
    let accepted =
        ledger["orders"]["accepted"].as_f64().unwrap_or(0.0) / ledger["orders"]["placed"].as_f64().unwrap_or(1.0);
    println!(
        "load: {} orders taken in {:.1} s ({:.0}/s), {} not taken; drained {drained:.1} s later; accepted {:.1} %; ledger {}",
        placed.taken,
        placed.seconds,
        placed.taken as f64 / placed.seconds,
        placed.failed,
        accepted * 100.0,
        if ledger["balanced"] == true { "balanced" } else { "NOT balanced" },
    );
    let elapsed = placed.seconds + drained;
    for (name, before, after) in used_before
        .iter()
        .zip(all_usage().await)
        .filter_map(|((name, before), (_, after))| Some((name, (*before)?, after?)))
    {
        let share = (after.cpu_s - before.cpu_s) / elapsed * 100.0;
        println!("  {name:<20} {share:5.1} % of a core, {:6.1} MiB", after.resident_mib);
    }
    Ok(())
}

/// The usage of every part while nothing happens.
async fn idle(seconds: u64) -> Result<()> {
    let before = all_usage().await;
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let mut services = 0.0;
    for ((name, before), (_, after)) in before.iter().zip(all_usage().await) {
        let (Some(before), Some(after)) = (before, after) else { continue };
        let share = (after.cpu_s - before.cpu_s) / seconds as f64 * 100.0;
        if name != "broker" {
            services += share;
        }
        println!("  {name:<20} {share:5.2} % of a core, {:6.1} MiB", after.resident_mib);
    }
    println!("idle: the six services together {services:.2} % of a core over {seconds} s");
    Ok(())
}

/// How smoothly the map is drawn.
async fn drawn(shop: &Shop, stage: &Stage, rate: u64, seconds: u64) -> Result<()> {
    let drawn = frames::count(shop, stage, rate, seconds).await?;
    println!(
        "frames of the map at {rate} orders/s over {seconds} s: {:.1}/s, {:.0} in the worst second, longest gap {:.0} ms; {:.1} news/s",
        drawn.per_second, drawn.worst, drawn.longest_gap_ms, drawn.news_per_second
    );
    Ok(())
}

/// What phones that follow their orders cost the website: the same load without and with them.
async fn room(shop: &Shop, phones: u64, rate: u64, seconds: u64) -> Result<()> {
    let mut cost = Vec::new();
    for phones in [0, usize::try_from(phones)?] {
        let before = website().await?;
        let heard = phones::follow(shop, phones, rate, seconds).await?;
        let after = website().await?;
        let share = (after.cpu_s - before.cpu_s) / seconds as f64 * 100.0;
        println!(
            "{:>5} phones at {rate} orders/s over {seconds} s: website {share:.1} % of a core, {:.1} MiB; {:.2} news a phone",
            heard.phones,
            after.resident_mib,
            heard.news as f64 / phones.max(1) as f64,
        );
        cost.push((share, after.resident_mib));
    }
    if let [without, with] = cost.as_slice() {
        println!("phones: {:.1} % of a core and {:.1} MiB more", with.0 - without.0, with.1 - without.1);
    }
    Ok(())
}

/// Kills the stage and waits until ledger and counts are what they were. The demo must be at rest.
async fn crash(place: &Place) -> Result<()> {
    const WITHIN: Duration = Duration::from_secs(60);
    let stage = &place.stage;
    let shown = async || {
        let (ledger, deliveries) = (stage.get("/api/ledger").await?, stage.get("/api/deliveries").await?);
        let sums = ["orders", "bottles", "deliveries", "balanced"].map(|part| ledger[part].clone());
        anyhow::Ok((sums, deliveries["delivered"].clone()))
    };
    let before = shown().await?;
    let killed = processes::noted(&place.data_dir, "stage")?;
    processes::kill(killed).await?;
    let killed_at = Instant::now();
    until("the stage to show everything again", WITHIN, || async {
        anyhow::ensure!(processes::noted(&place.data_dir, "stage")? != killed, "it was not started again");
        anyhow::ensure!(shown().await? == before, "it shows less");
        Ok(())
    })
    .await?;
    println!(
        "crash: {} orders are shown again after {:.1} s",
        before.0[0]["placed"],
        killed_at.elapsed().as_secs_f64()
    );
    Ok(())
}

async fn website() -> Result<Usage> {
    let all = all_usage().await;
    all.into_iter().find_map(|(name, usage)| usage.filter(|_| name == "website")).context("the website does not run")
}

async fn memory() -> Result<()> {
    let mut all = 0.0;
    for (name, usage) in all_usage().await {
        let Some(usage) = usage else { continue };
        all += usage.resident_mib;
        println!("  {name:<20} {:6.1} MiB", usage.resident_mib);
    }
    println!("memory: {all:.1} MiB in all");
    Ok(())
}

/// The usage of the broker and of each service that is running.
async fn all_usage() -> Vec<(String, Option<Usage>)> {
    let run = environment::data_dir().join("run");
    let mut all = Vec::new();
    for name in SERVICES.into_iter().chain(["broker"]) {
        let noted = std::fs::read_to_string(run.join(format!("{name}.pid"))).unwrap_or_default();
        let process = noted.split_whitespace().next().and_then(|id| id.parse().ok());
        let usage = match process {
            Some(process) => usage(process).await.ok(),
            None => None,
        };
        all.push((name.to_owned(), usage));
    }
    all
}

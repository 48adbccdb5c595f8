//! `kills`: kills the broker and the services of a demo under load, so many times in a row, and tells a line for each.
//!
//!     cargo run --release -p suite --bin kills -- [N] [--running] [--within SECONDS]
//!
//! N is 30 if nothing is said. It starts a demo of its own, on free ports and in a temporary folder; with `--running` it
//! takes the one that the environment names, as `rehearse` does, whose orders it throws away. An order is to be delivered
//! within 15 s of a kill, or what `--within` says: on a machine that does much else the broker alone takes longer.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "printing is what it is for")]

use std::{process::ExitCode, time::Duration};

use anyhow::{Context as _, Result, ensure};
use suite::{
    Demo,
    kills::{DELIVERED_WITHIN, KILLS_MAX, survive},
    rehearsal::Place,
    until,
};
use tokio::signal::unix::{SignalKind, signal};

/// Couriers that are no bottleneck.
const SETTINGS: [(&str, &str); 2] = [("COURIERS", "10"), ("COURIER_PACE_MS", "0")];
/// How long the suite may take to be well again after a failure.
const WELL_WITHIN: Duration = Duration::from_secs(90);

/// Longest reason of a failure that is told, in characters.
const REASON_MAX: usize = 600;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<bool> {
    let (mut kills, mut running, mut within) = (30, false, DELIVERED_WITHIN);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--running" => running = true,
            "--within" => within = Duration::from_secs(arguments.next().context("within what?")?.parse()?),
            number => kills = number.parse().with_context(|| format!("{number} is no number of kills"))?,
        }
    }
    ensure!((1..=KILLS_MAX).contains(&kills), "1 to {KILLS_MAX} kills");
    if running {
        return play(&Place::of(|name| std::env::var(name).ok())?, kills, within).await;
    }
    let demo = Demo::start(&SETTINGS).await?;
    let played = play(&Place::of_demo(&demo)?, kills, within).await;
    demo.stop().await?;
    played
}

async fn play(place: &Place, kills: u32, within: Duration) -> Result<bool> {
    let (mut interrupted, mut ended) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        survived = all(place, kills, within) => survived,
        _ = interrupted.recv() => Ok(false),
        _ = ended.recv() => Ok(false),
    }
}

async fn all(place: &Place, kills: u32, within: Duration) -> Result<bool> {
    let mut slowest = Duration::ZERO;
    let mut survived = 0;
    for number in 1..=kills {
        match survive(place, number, within).await {
            Ok(kill) => {
                println!("{kill}");
                slowest = slowest.max(kill.delivered_after);
                survived += 1;
            }
            Err(error) => {
                let reason: String = format!("{error:#}").chars().take(REASON_MAX).collect();
                println!("kill {number:>3}  FAILED: {reason}");
                // The next kill finds a suite that is well, or there is none.
                until("a reset", WELL_WITHIN, || async { place.shop.direct("/api/stage/reset", None).await.map(drop) })
                    .await?;
            }
        }
    }
    println!(
        "{survived} of {kills} kills survived; an order was delivered {:.1} s after a kill at the latest",
        slowest.as_secs_f64()
    );
    Ok(survived == kills)
}

//! `rehearse`: the checks before a talk, and its acts played without a person; see `scripts/rehearse`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "printing is what it is for")]

use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use suite::rehearsal::{ACTS, Place, rehearse};
use tokio::{
    signal::unix::{SignalKind, signal},
    time::Instant,
};

#[tokio::main]
async fn main() -> ExitCode {
    match play().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn play() -> Result<bool> {
    let acts = wanted(std::env::args().skip(1))?;
    let place = Place::of(|name| std::env::var(name).ok())?;
    let (mut interrupted, mut ended) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let stop = async move {
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = ended.recv() => {}
        }
    };
    let began = Instant::now();
    let fine = rehearse(&place, &acts, stop, |line| println!("{line}")).await?;
    println!("{} in {:.0} s; the settings are as they were", verdict(fine), began.elapsed().as_secs_f64());
    Ok(fine)
}

fn verdict(fine: bool) -> &'static str {
    if fine { "all is fine" } else { "NOT all is fine" }
}

/// The acts that are named, all if none is.
fn wanted(arguments: impl Iterator<Item = String>) -> Result<Vec<u8>> {
    let mut acts = Vec::new();
    for argument in arguments {
        let act: u8 = argument.parse().with_context(|| format!("{argument} is no act: they are 1 to {ACTS}"))?;
        ensure!((1..=ACTS).contains(&act), "{argument} is no act: they are 1 to {ACTS}");
        acts.push(act);
    }
    Ok(if acts.is_empty() { (1..=ACTS).collect() } else { acts })
}

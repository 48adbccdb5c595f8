//! `kills`: kills the broker and services of a demo under load, several times in a row, and prints a line each time.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::{process::ExitCode, time::Duration};

use anyhow::Result;
use service::arguments::{Arg, Error, Parser, Program, ValueExt as _};
use suite::{
    Demo,
    kills::{DELIVERED_WITHIN, KILLS_MAX, reset, survive},
    program,
    rehearsal::Place,
    until,
};
use tokio::signal::unix::{SignalKind, signal};

/// Enough couriers not to be a bottleneck.
const SETTINGS: [(&str, &str); 2] = [("COURIERS", "10"), ("COURIER_PACE_MS", "0")];
/// How long the suite may take to recover from a failure.
const WELL_WITHIN: Duration = Duration::from_secs(90);

/// The longest reason of a failure that is printed, in characters.
const REASON_MAX: usize = 600;

const HELP: &str = "\
kills kills the broker and the services of a demo under load, several times in a row, and prints a line for each kill.

Usage: kills [N] [--running] [--within SECONDS]

  N                 how many times; 30 by default
  --running         uses the demo that runs with these settings and discards its orders; otherwise starts a demo of its
                    own, on free ports and in a temporary folder
  --within SECONDS  the time limit for delivering an order after a kill; 15 by default; set more on a busy machine

Settings come from the environment and from the file .env; .env.example lists them.";

fn main() -> ExitCode {
    let program = Program { name: "kills", help: HELP.to_owned() };
    let asked = |parser: &mut Parser| {
        let (mut kills, mut running, mut within) = (30, false, DELIVERED_WITHIN);
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Long("running") => running = true,
                Arg::Long("within") => within = Duration::from_secs(parser.value()?.parse()?),
                Arg::Value(many) => kills = many.parse_with(a_number)?,
                other => return Err(other.unexpected()),
            }
        }
        Ok((kills, running, within))
    };
    program::run(&program, asked, |(kills, running, within)| run(kills, running, within))
}

fn a_number(kills: &str) -> Result<u32, Error> {
    match kills.parse() {
        Ok(kills) if (1..=KILLS_MAX).contains(&kills) => Ok(kills),
        _ => Err(Error::from(format!("{kills} kills are not possible, 1 to {KILLS_MAX} are"))),
    }
}

async fn run(kills: u32, running: bool, within: Duration) -> Result<bool> {
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
    reset(&place.stage).await?;
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
                // The next kill starts with a healthy suite, or there is none.
                until("a reset", WELL_WITHIN, || async {
                    place.stage.direct("/api/stage/reset", None).await.map(drop)
                })
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

//! `rehearse`: the checks before a talk, and its acts played automatically; see `scripts/rehearse`.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::process::ExitCode;

use anyhow::Result;
use service::arguments::{Arg, Error, Parser, Program, ValueExt as _};
use suite::{
    program,
    rehearsal::{ACTS, Place, rehearse},
};
use tokio::{
    signal::unix::{SignalKind, signal},
    time::Instant,
};

const HELP: &str = "\
rehearse checks the running suite and plays the acts of the talk unattended; scripts/rehearse builds and runs it.

Usage: rehearse [ACT]...

  ACT  1 to 8; all acts by default

Settings come from the environment and from the file .env; .env.example lists them.";

fn main() -> ExitCode {
    let program = Program { name: "rehearse", help: HELP.to_owned() };
    let acts = |parser: &mut Parser| {
        let mut acts = Vec::new();
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Value(act) => acts.push(act.parse_with(an_act)?),
                other => return Err(other.unexpected()),
            }
        }
        Ok(if acts.is_empty() { (1..=ACTS).collect() } else { acts })
    };
    program::run(&program, acts, play)
}

async fn play(acts: Vec<u8>) -> Result<bool> {
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

fn an_act(act: &str) -> Result<u8, Error> {
    match act.parse() {
        Ok(act) if (1..=ACTS).contains(&act) => Ok(act),
        _ => Err(Error::from(format!("there is no act {act}"))),
    }
}

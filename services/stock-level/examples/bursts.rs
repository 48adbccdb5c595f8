//! Counts what a burst does to the levels, in each of the four modes that act 5 shows.
//!
//! `cargo run -p stock-level --example bursts [how many]`, with a broker at `PULSAR_URL` and `PULSAR_ADMIN_URL`. It
//! works on a tenant of its own. A beer is wrong when, with the burst fully handled, the level written last is not the
//! log's.

#![expect(clippy::print_stdout, reason = "a program that prints a table")]

#[path = "../tests/floor/mod.rs"]
mod floor;

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context as _, Result, ensure};
use events::{
    settings::{
        Fold::{Naive, Versioned},
        Folding,
    },
    topics::SubscriptionType::{Failover, KeyShared, Shared},
};
use floor::{Floor, act_5};

/// How many bursts of each kind by default.
const BURSTS: u32 = 100;

#[derive(Default)]
struct Counted {
    wrong_bursts: u32,
    wrong_beers: usize,
    took: Duration,
    events: BTreeMap<String, usize>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let bursts = std::env::args().nth(1).map_or(Ok(BURSTS), |many| many.parse()).context("how many bursts?")?.max(1);
    let kinds = [(Failover, Naive), (Shared, Naive), (KeyShared, Naive), (Shared, Versioned)];
    let mut floor = Floor::open(act_5(Failover, Naive)).await?;
    println!("{bursts} bursts of each kind, handled by {}\n", floor.presence.staff(|staff| staff.workers.join(", ")));
    println!(
        "| subscription, fold | bursts with a wrong beer | wrong beers a burst | seconds a burst | events by worker |"
    );
    println!("|---|---|---|---|---|");
    for (subscription, fold) in kinds {
        let folding = act_5(subscription, fold);
        floor.choose(folding);
        let counted = count(&mut floor, bursts).await?;
        print_row(folding, bursts, &counted);
    }
    floor.close().await
}

async fn count(floor: &mut Floor, bursts: u32) -> Result<Counted> {
    let mut counted = Counted::default();
    for _ in 0..bursts {
        floor.fold_afresh().await?;
        let burst = floor.burst().await?;
        ensure!(floor.is_settled(), "not every event is handled: {:?}", floor.shown);
        counted.wrong_bursts += u32::from(burst.wrong > 0);
        counted.wrong_beers += burst.wrong;
        counted.took += burst.took;
        for write in burst.writes {
            *counted.events.entry(write.worker).or_default() += 1;
        }
    }
    Ok(counted)
}

fn print_row(folding: Folding, bursts: u32, counted: &Counted) {
    let by_worker: Vec<String> = counted.events.iter().map(|(worker, events)| format!("{worker} {events}")).collect();
    println!(
        "| {:?}, {:?} | {} of {bursts} | {:.1} | {:.2} | {} |",
        folding.subscription,
        folding.fold,
        counted.wrong_bursts,
        counted.wrong_beers as f64 / f64::from(bursts),
        counted.took.as_secs_f64() / f64::from(bursts),
        by_worker.join(", "),
    );
}

//! Act 5: a stream, read in four ways.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::room::{Room, SOON, number};
use crate::until;

/// Events of each beer in a burst.
const IN_A_BURST: u64 = 5;
/// A burst with Shared and the naive fold nearly always goes wrong; right twice in a row is a fault.
const SHARED_TRIES: usize = 2;
/// With Key_Shared each worker has at least three of the twelve beers. One may be the scarce one, which is in no burst.
const BEERS_EACH: usize = 2;

/// The result of a burst.
struct Burst {
    /// How many beers are wrong.
    wrong: u64,
    /// The beers that each worker wrote.
    workers: BTreeMap<String, BTreeSet<String>>,
}

impl Burst {
    fn workers(&self) -> BTreeSet<&str> {
        self.workers.keys().map(String::as_str).collect()
    }

    fn is_right(&self, how: &str) -> Result<()> {
        ensure!(self.wrong == 0, "{how}: {} beers are wrong", self.wrong);
        Ok(())
    }
}

/// Act 5. Failover is right and one works; Shared is wrong; Key_Shared is right and all work; Shared can be right too.
pub(super) async fn a_stream(room: &mut Room<'_>) -> Result<()> {
    room.next().await?; // the log
    let failover = burst(room).await?;
    failover.is_right("Failover")?;
    ensure!(failover.workers.len() == 1, "one works and the others wait, but {:?} wrote", failover.workers());
    room.next().await?; // the one who works crashes
    let other = burst(room).await?;
    other.is_right("Failover after a crash")?;
    ensure!(!other.workers().is_subset(&failover.workers()), "nobody took over from {:?}", failover.workers());
    room.next().await?; // Shared
    let shared = burst_that_goes_wrong(room).await?;
    ensure!(shared.workers.len() == 3, "three share the work, but {:?} wrote", shared.workers());
    room.next().await?; // a finger
    room.until_seen(".shelf-beer.wrong", |count| u64::try_from(count).is_ok_and(|count| count == shared.wrong)).await?;
    room.next().await?; // Key_Shared
    let keys = burst(room).await?;
    keys.is_right("Key_Shared")?;
    let owned: Vec<usize> = keys.workers.values().map(BTreeSet::len).collect();
    let beers: usize = owned.iter().sum();
    ensure!(owned.len() == 3 && beers == 11 && owned.iter().all(|own| *own >= BEERS_EACH), "{:?}", keys.workers);
    room.next().await?; // Shared, but versioned
    let versioned = burst(room).await?;
    versioned.is_right("Shared, versioned")?;
    ensure!(versioned.workers.len() == 3, "three share the work, but {:?} wrote", versioned.workers());
    room.until_seen(".shelf-beer.wrong", |count| count == 0).await?;
    room.next().await // the table
}

async fn burst(room: &mut Room<'_>) -> Result<Burst> {
    let before = log(room).await?;
    room.next().await?;
    handled(room, &before).await
}

async fn burst_that_goes_wrong(room: &mut Room<'_>) -> Result<Burst> {
    let mut before = log(room).await?;
    room.next().await?;
    for _ in 1..SHARED_TRIES {
        let burst = handled(room, &before).await?;
        if burst.wrong > 0 {
            return Ok(burst);
        }
        before = log(room).await?;
        room.again().await?;
    }
    let burst = handled(room, &before).await?;
    ensure!(burst.wrong > 0, "Shared with the naive fold was right {SHARED_TRIES} times");
    Ok(burst)
}

/// The last sequence of each beer.
async fn log(room: &Room<'_>) -> Result<BTreeMap<String, u64>> {
    let stock = room.stage.get("/api/stock").await?;
    let sequence = |beer: &Value| Some((beer["beer"].as_str()?.to_owned(), number(&beer["sequence"])));
    Ok(stock["beers"].as_array().into_iter().flatten().filter_map(sequence).collect())
}

/// Waits until every event of a burst is in the log and a worker has written it. What is wrong then stays wrong.
async fn handled(room: &Room<'_>, before: &BTreeMap<String, u64>) -> Result<Burst> {
    until("the burst to be handled", SOON, || async {
        let mut burst = Burst { wrong: 0, workers: BTreeMap::new() };
        for (beer, sequence) in before {
            let explained = room.stage.get(&format!("/api/stock/explain/{beer}")).await?;
            let writes: Vec<&Value> = explained["written"].as_array().into_iter().flatten().collect();
            let logged = explained["log"].as_array().into_iter().flatten().map(|event| number(&event["sequence"]));
            let new: BTreeSet<u64> = logged.filter(|logged| logged > sequence).collect();
            let written: BTreeSet<u64> = writes.iter().map(|write| number(&write["sequence"])).collect();
            // The scarce beer is in no burst.
            ensure!(new.is_empty() || new.len() as u64 >= IN_A_BURST, "{beer}: {} events", new.len());
            ensure!(new.is_subset(&written), "{beer}: {new:?} happened, {written:?} was written");
            for write in writes.iter().filter(|write| new.contains(&number(&write["sequence"]))) {
                let worker = write["worker"].as_str().context("a write without a worker")?;
                burst.workers.entry(worker.to_owned()).or_default().insert(beer.clone());
            }
            burst.wrong += u64::from(explained["level"] != explained["shown_level"]);
        }
        let beers: BTreeSet<&String> = burst.workers.values().flatten().collect();
        ensure!(beers.len() == before.len() - 1, "events of {} beers", beers.len());
        let counted = number(&room.stage.get("/api/stock").await?["wrong"]);
        ensure!(counted == burst.wrong, "{counted} are counted as wrong, {} are", burst.wrong);
        Ok(burst)
    })
    .await
}

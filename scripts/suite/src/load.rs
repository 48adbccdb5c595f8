//! Orders at a steady rate, bounded in number and time, and their outcome.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Result;
use serde_json::Value;
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior},
};

use crate::{Feed, Shop, line};

/// The highest rate, in orders per second.
pub const RATE_MAX: u64 = 2_000;
pub const SECONDS_MAX: u64 = 600;

/// The beers of a load: all but the scarce one, which sells out soon.
const BEERS: [&str; 11] = [
    "moinette",
    "karmeliet",
    "chimay-bleue",
    "chouffe",
    "orval",
    "rochefort-10",
    "westmalle-tripel",
    "duvel",
    "cantillon-gueuze",
    "rodenbach",
    "blanche-de-namur",
];

/// The result of a load.
#[derive(Debug, Clone, Default)]
pub struct Placed {
    /// Orders the shop took.
    pub taken: u64,
    /// Orders it did not take.
    pub failed: u64,
    /// The duration in seconds.
    pub seconds: f64,
}

/// Places `rate` orders per second for `seconds`, whatever the answers: customers in a crowd do not wait for each
/// other. `started` gets the id of each order and when it was sent.
///
/// # Errors
/// If the rate or the time is beyond its limit.
pub async fn place(
    shop: &Shop,
    rate: u64,
    seconds: u64,
    started: impl Fn(&str, Instant) + Send + Sync + 'static,
) -> Result<Placed> {
    anyhow::ensure!((1..=RATE_MAX).contains(&rate), "the rate is 1 to {RATE_MAX} orders a second");
    anyhow::ensure!((1..=SECONDS_MAX).contains(&seconds), "the time is 1 to {SECONDS_MAX} seconds");
    let (taken, failed, started) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)), Arc::new(started));
    let began = Instant::now();
    let mut tick = tokio::time::interval(Duration::from_nanos(1_000_000_000 / rate));
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut orders = JoinSet::new();
    for n in 0..rate * seconds {
        tick.tick().await;
        let (shop, taken, failed, started) = (shop.clone(), taken.clone(), failed.clone(), started.clone());
        orders.spawn(async move {
            let sent = Instant::now();
            match shop.order("Grote Markt 1, Brussel", &lines(n)).await {
                Ok(order_id) => {
                    started(&order_id, sent);
                    taken.fetch_add(1, Ordering::Relaxed);
                }
                Err(_) => {
                    failed.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        while orders.try_join_next().is_some() {}
    }
    while orders.join_next().await.is_some() {}
    Ok(Placed {
        taken: taken.load(Ordering::Relaxed),
        failed: failed.load(Ordering::Relaxed),
        seconds: began.elapsed().as_secs_f64(),
    })
}

/// One line mostly, two in every fourth order, 1 to 3 bottles each.
fn lines(n: u64) -> Vec<Value> {
    let beer = |n: u64| BEERS[usize::try_from(n % 11).unwrap_or(0)];
    let bottles = u32::try_from(1 + n % 3).unwrap_or(1);
    let mut lines = vec![line(beer(n), bottles)];
    if n.is_multiple_of(4) {
        lines.push(line(beer(n + 5), 1));
    }
    lines
}

/// Times from placing to delivery, seen from outside: from before the order is sent until the feed says delivered.
#[derive(Clone, Default)]
pub struct Latencies(Arc<Mutex<Times>>);

#[derive(Default)]
struct Times {
    sent: HashMap<String, Instant>,
    delivered: HashMap<String, Instant>,
}

impl Latencies {
    pub fn sent(&self, order_id: &str, at: Instant) {
        self.times(|times| times.sent.insert(order_id.to_owned(), at));
    }

    /// Follows the feed until it ends or is dropped.
    pub async fn follow(self, mut feed: Feed) -> Result<()> {
        while let Some(event) = feed.next().await? {
            if event.name == "order" && event.data["status"] == "delivered" {
                let (order_id, at) = (event.data["order_id"].as_str().unwrap_or_default(), Instant::now());
                self.times(|times| times.delivered.insert(order_id.to_owned(), at));
            }
        }
        Ok(())
    }

    /// The sorted times of the orders sent after `since`, in milliseconds, and how many of those are not delivered.
    pub fn since(&self, since: Instant) -> (Vec<f64>, usize) {
        self.times(|times| {
            let mut known = Vec::new();
            let mut missing = 0;
            for (order_id, sent) in times.sent.iter().filter(|(_, sent)| **sent >= since) {
                match times.delivered.get(order_id) {
                    Some(delivered) => known.push(delivered.duration_since(*sent).as_secs_f64() * 1000.0),
                    None => missing += 1,
                }
            }
            known.sort_by(f64::total_cmp);
            (known, missing)
        })
    }

    fn times<R>(&self, change: impl FnOnce(&mut Times) -> R) -> R {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The value below which this share of the sorted values lies.
pub fn percentile(sorted: &[f64], share: f64) -> f64 {
    if sorted.is_empty() {
        return f64::NAN;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index into a list of at most millions"
    )]
    let index = ((sorted.len() - 1) as f64 * share).round() as usize;
    sorted[index.min(sorted.len() - 1)]
}

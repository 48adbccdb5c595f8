//! How fast the state at any moment is computed, and how much memory it takes: `cargo run --release --example as_of`.
//!
//! Folds the messages of 17,000 orders (102,000 events; the argument changes the number), each
//! placed, accepted with two beers, picked up and delivered; then asks for moments all over.

use std::{
    fs,
    io::{self, Write as _},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use events::{
    beers::BEERS,
    decisions::OrderDecision,
    delivery::DeliveryUpdate,
    ids::{EventId, Moment, OrderId},
    orders::{self, Line},
    quantities::Bottles,
    stock::{StockChange, StockEvent},
};
use inventory_analysis::{analysis::Analysis, timeline::Timeline};

/// Orders per second; with five commits per second this decides how many rows are stored.
const ORDERS_PER_SECOND: u64 = 100;
const MOMENTS: u64 = 1_000;

fn main() -> anyhow::Result<()> {
    let orders: u64 = std::env::args().nth(1).map_or(Ok(17_000), |orders| orders.parse())?;
    let mut analysis = Analysis::default();
    let mut rows = Vec::new();
    for n in 0..orders {
        tell(&mut analysis, n)?;
        if n % (ORDERS_PER_SECOND / 5) == 0 {
            rows.push(serde_json::to_string(&analysis.take_news())?);
        }
    }
    rows.push(serde_json::to_string(&analysis.take_news())?);
    drop(analysis.take_changes());
    let (resident, began) = (resident_kib(), Instant::now());
    let mut timeline = Timeline::default();
    for row in &rows {
        timeline.absorb(serde_json::from_str(row)?);
    }
    let (grown, loaded) = (resident_kib().zip(resident).map(|(now, before)| now - before), began.elapsed());
    let (events, (median, longest)) = (timeline.as_of(moment(orders * 2)).events, ask(&timeline, orders));
    let stored: usize = rows.iter().map(String::len).sum();
    let mut out = io::stdout().lock();
    writeln!(out, "{orders} orders, {events} events, {} entries", timeline.len())?;
    writeln!(out, "as of a moment: {median:?} in the median, {longest:?} at most, of {MOMENTS}")?;
    writeln!(out, "in memory: {} KiB; the process grew by {grown:?} KiB", timeline.bytes() / 1024)?;
    writeln!(out, "in the database: {} rows, {} KiB; read back in {loaded:?}", rows.len(), stored / 1024)?;
    Ok(())
}

fn moment(n: u64) -> Moment {
    Moment::from_micros(1_795_552_867_000_000 + i64::try_from(n * 1_000_000 / ORDERS_PER_SECOND).unwrap_or(i64::MAX))
}

/// The life of one order.
fn tell(analysis: &mut Analysis, n: u64) -> anyhow::Result<()> {
    let (order_id, at): (OrderId, _) = (format!("o-{n}").parse()?, moment(n));
    let beers = [n % 11, n % 11 + 1].map(|beer| usize::try_from(beer).unwrap_or_default());
    let beers = beers.map(|beer| BEERS.get(beer).context("no such beer").map(events::beers::Beer::beer_id));
    let lines = beers.into_iter().map(|beer| Ok(Line { beer: beer?, bottles: Bottles(1) }));
    let lines = lines.collect::<anyhow::Result<Vec<_>>>()?;
    let (bottles, total_cents) = (orders::bottles(&lines), orders::total(&lines));
    analysis.place(order_id.clone(), at);
    for line in &lines {
        let (sequence, level) =
            analysis.shelf(&line.beer).map_or_else(Default::default, |shelf| (shelf.sequence, shelf.level));
        // Put back, so that there are always enough: to the time machine it makes no difference.
        let event = StockEvent {
            change: StockChange::Released,
            beer: line.beer.clone(),
            sequence: sequence.next(),
            bottles: line.bottles,
            level: level.plus(line.bottles),
            order_id: Some(order_id.clone()),
        };
        analysis.stock(&event, at.plus_millis(5));
    }
    let accepted = OrderDecision::Accepted { order_id: order_id.clone(), lines, bottles, total_cents };
    analysis.decide(&accepted, at.plus_millis(5));
    let courier = "courier-1".to_owned();
    let picked_up =
        DeliveryUpdate::PickedUp { order_id: order_id.clone(), round: 1, attempt: 1, courier: courier.clone() };
    analysis.deliver(&picked_up, &EventId::new(format!("p-{n}")), at.plus_millis(20));
    let delivered = DeliveryUpdate::Delivered { order_id, round: 1, attempt: 1, courier };
    analysis.deliver(&delivered, &EventId::new(format!("d-{n}")), at.plus_millis(2_020));
    Ok(())
}

/// Median and longest time of an answer.
fn ask(timeline: &Timeline, orders: u64) -> (Duration, Duration) {
    let mut took: Vec<Duration> = (0..MOMENTS)
        .map(|n| {
            let began = Instant::now();
            std::hint::black_box(timeline.as_of(moment(n * orders / MOMENTS)));
            began.elapsed()
        })
        .collect();
    took.sort_unstable();
    let of = |place: usize| took.get(place).copied().unwrap_or_default();
    (of(took.len() / 2), of(took.len().saturating_sub(1)))
}

/// What this process holds, where the system says it.
fn resident_kib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

//! What the website reads from its books: one order with its way, and what must be known again after a restart.

use events::{
    ids::{BeerId, Moment, OrderId, Service},
    insights::Insight,
    quantities::{Bottles, Cents, Sequence},
    topics::{self, INSIGHTS, STOCK_LEVELS},
    unreadable::Unreadable,
};
use store::{Store, StoreError};

use crate::{
    known::Known,
    order::Progress,
    shelf::{Shelf, Shelves},
    store::from_json,
    views::{OrderView, Status, Step, What},
};

type OrderRow = (String, String, String, i64, String, Option<String>, Option<String>, Option<String>);
type HopRow = (i64, String, String, String, Option<String>, Option<i64>, Option<i64>, Option<i64>);

/// One order; `None` if nothing was read about it.
///
/// # Errors
/// If the database fails.
pub async fn order(store: &Store, order_id: &OrderId) -> Result<Option<OrderView>, StoreError> {
    let row: Option<OrderRow> = sqlx::query_as(
        "select customer, address, lines, total_cents, status, refusal, failure, courier
         from orders where order_id = $1",
    )
    .bind(order_id.as_str())
    .fetch_optional(store.reader())
    .await?;
    let Some((customer, address, lines, total, status, refusal, failure, courier)) = row else { return Ok(None) };
    Ok(Some(OrderView {
        order_id: order_id.clone(),
        status: read_status(&status)?,
        customer,
        address,
        lines: from_json(&lines)?,
        total: Cents(unsigned(total)),
        refusal: refusal.as_deref().map(from_json).transpose()?,
        failure: failure.as_deref().map(from_json).transpose()?,
        courier,
        journey: journey(store, order_id).await?,
    }))
}

fn read_status(word: &str) -> Result<Status, StoreError> {
    from_json(&format!("\"{word}\""))
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// The way of an order: its own hops, and the two that carry no order in their messages but are known by what they
/// cover: the level that shows its bottles gone, and the insight that has its decision counted.
async fn journey(store: &Store, order_id: &OrderId) -> Result<Vec<Step>, StoreError> {
    let hops: Vec<HopRow> = sqlx::query_as(
        "select at, service, topic, what, beer, sequence, ledger, entry from journey where order_id = $1",
    )
    .bind(order_id.as_str())
    .fetch_all(store.reader())
    .await?;
    let mut steps = Vec::with_capacity(hops.len() + 3);
    for (at, service, topic, what, beer, sequence, ledger, entry) in hops {
        if let (Some(beer), Some(sequence)) = (&beer, sequence) {
            steps.extend(shown(store, beer, sequence).await?);
        }
        if let (Some(ledger), Some(entry)) = (ledger, entry) {
            steps.extend(counted(store, ledger, entry).await?);
        }
        let service = Service::ALL.into_iter().find(|known| known.name() == service).unwrap_or(Service::Website);
        let topic = topics::find(&topic).map_or("", |entry| entry.name);
        steps.push(Step { at: Moment::from_micros(at), service, topic, what: from_json(&what)? });
    }
    steps.sort_by_key(|step| step.at);
    Ok(steps)
}

async fn shown(store: &Store, beer: &str, sequence: i64) -> Result<Option<Step>, StoreError> {
    let row: Option<(i64, i64)> =
        sqlx::query_as("select at, level from shown where beer = $1 and sequence >= $2 order by sequence limit 1")
            .bind(beer)
            .bind(sequence)
            .fetch_optional(store.reader())
            .await?;
    Ok(row.map(|(at, level)| Step {
        at: Moment::from_micros(at),
        service: Service::StockLevel,
        topic: STOCK_LEVELS.entry.name,
        what: What::Shown { beer: BeerId::new(beer), level: Bottles(u32::try_from(level).unwrap_or(0)) },
    }))
}

async fn counted(store: &Store, ledger: i64, entry: i64) -> Result<Option<Step>, StoreError> {
    let row: Option<(i64,)> = sqlx::query_as(
        "select at from counted where ledger > $1 or (ledger = $1 and entry >= $2) order by ledger, entry limit 1",
    )
    .bind(ledger)
    .bind(entry)
    .fetch_optional(store.reader())
    .await?;
    Ok(row.map(|(at,)| Step {
        at: Moment::from_micros(at),
        service: Service::InventoryAnalysis,
        topic: INSIGHTS.entry.name,
        what: What::Counted,
    }))
}

/// What is known at the start of the process.
///
/// # Errors
/// If the database fails.
pub async fn load(store: &Store) -> Result<Known, StoreError> {
    let mut known = Known::default();
    known.shelves = load_shelves(store).await?;
    load_parcels(store, &mut known).await?;
    load_delivered(store, &mut known).await?;
    let insights: Vec<(String, i64)> =
        sqlx::query_as("select insight, since from insights").fetch_all(store.reader()).await?;
    for (insight, since) in insights {
        known.stored_insight(&from_json::<Insight>(&insight)?, Moment::from_micros(since));
    }
    let unreadable: Vec<(String, String, String, String, String, i64)> =
        sqlx::query_as("select topic, message_id, reader, reason, first_bytes, at from unreadable order by at")
            .fetch_all(store.reader())
            .await?;
    for (topic, message_id, reader, reason, first_bytes, at) in unreadable {
        let reader = Service::ALL.into_iter().find(|known| known.name() == reader).unwrap_or(Service::Website);
        let at = Moment::from_micros(at);
        known.unreadable(Unreadable { topic, message_id, reader, reason, first_bytes, at });
    }
    Ok(known)
}

type BeerRow = (String, Option<i64>, i64, Option<i64>, i64, i64, Option<String>, i64);

async fn load_shelves(store: &Store) -> Result<Shelves, StoreError> {
    let rows: Vec<BeerRow> = sqlx::query_as(
        "select beer, level, sequence, shown_level, shown_sequence, shown_written, worker, settled from beers",
    )
    .fetch_all(store.reader())
    .await?;
    let bottles = |level: i64| Bottles(u32::try_from(level).unwrap_or(0));
    Ok(Shelves::of(rows.into_iter().map(|row| {
        let (beer, level, sequence, shown_level, shown_sequence, written, worker, settled) = row;
        let shelf = Shelf {
            level: level.map(bottles),
            sequence: Sequence(unsigned(sequence)),
            shown_level: shown_level.map(bottles),
            shown_sequence: Sequence(unsigned(shown_sequence)),
            settled: Sequence(unsigned(settled)),
            shown_written: unsigned(written),
            worker,
        };
        (BeerId::new(beer), shelf)
    })))
}

type ParcelRow = (String, String, String, String, Option<String>, i64, Option<i64>, i64);

async fn load_parcels(store: &Store, known: &mut Known) -> Result<(), StoreError> {
    let rows: Vec<ParcelRow> = sqlx::query_as(
        "select order_id, customer, address, status, failure, attempt, retry_at, changed_at
         from orders where status in ('accepted', 'retrying', 'picked_up', 'stranded')",
    )
    .fetch_all(store.reader())
    .await?;
    for (order_id, customer, address, status, failure, attempt, retry_at, changed_at) in rows {
        let Ok(order_id) = order_id.parse::<OrderId>() else { continue };
        let progress = Progress {
            status: read_status(&status)?,
            failure: failure.as_deref().map(from_json).transpose()?,
            attempt: u32::try_from(attempt).unwrap_or(0),
            retry_at: retry_at.map(Moment::from_micros),
            ..Progress::placed()
        };
        known.parcels.moved(&order_id, &customer, &address, &progress, Moment::from_micros(changed_at));
    }
    Ok(())
}

async fn load_delivered(store: &Store, known: &mut Known) -> Result<(), StoreError> {
    let rows: Vec<(Option<String>, i64)> =
        sqlx::query_as("select courier, count(*) from orders where status = 'delivered' group by courier")
            .fetch_all(store.reader())
            .await?;
    for (courier, count) in rows {
        known.parcels.count_delivered(&courier.unwrap_or_default(), unsigned(count));
    }
    Ok(())
}

//! What the website reads from its books: one order with its way, and what must be known again after a restart.

use events::{
    ids::{BeerId, EventId, Moment, OrderId, Service},
    insights::Insight,
    orders::{self, Line},
    quantities::{Bottles, Cents, Sequence},
    topics::{self, INSIGHTS, ORDER_DECISIONS, STOCK_LEVELS},
    unreadable::{ReasonCode, Unreadable},
};
use store::{Store, StoreError};

use crate::{
    desk::waiting,
    journey,
    known::Known,
    newest::{NEWEST_MAX, listed},
    order::Progress,
    parcels::DEAD_LETTERS_SHOWN_MAX,
    shelf::{Shelf, Shelves},
    store::from_json,
    views::{OrderView, Status, Step, What},
};

type OrderRow = (String, String, String, i64, String, Option<String>, Option<String>, Option<String>);
type HopRow = (String, i64, String, String, String, Option<String>, Option<i64>, Option<i64>, Option<i64>);

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
        "select event_id, at, service, topic, what, beer, sequence, ledger, entry from journey where order_id = $1",
    )
    .bind(order_id.as_str())
    .fetch_all(store.reader())
    .await?;
    let mut steps = Vec::with_capacity(hops.len() + 3);
    for (event_id, at, service, topic, what, beer, sequence, ledger, entry) in hops {
        if let (Some(beer), Some(sequence)) = (&beer, sequence) {
            steps.extend(shown(store, beer, sequence).await?);
        }
        if let (Some(ledger), Some(entry)) = (ledger, entry) {
            steps.extend(counted(store, ledger, entry).await?);
        }
        let service = Service::ALL.into_iter().find(|known| known.name() == service).unwrap_or(Service::Website);
        let topic = topics::find(&topic).map_or("", |entry| entry.name);
        let (at, event_id) = (Moment::from_micros(at), EventId::new(event_id));
        steps.push(Step { at, event_id, service, topic, what: from_json(&what)? });
    }
    journey::sort(&mut steps);
    Ok(steps)
}

async fn shown(store: &Store, beer: &str, sequence: i64) -> Result<Option<Step>, StoreError> {
    let row: Option<(i64, i64, String)> = sqlx::query_as(
        "select at, level, event_id from shown where beer = $1 and sequence >= $2 order by sequence limit 1",
    )
    .bind(beer)
    .bind(sequence)
    .fetch_optional(store.reader())
    .await?;
    Ok(row.map(|(at, level, event_id)| Step {
        at: Moment::from_micros(at),
        event_id: EventId::new(event_id),
        service: Service::StockLevel,
        topic: STOCK_LEVELS.entry.name,
        what: What::Shown { beer: BeerId::new(beer), level: Bottles(u32::try_from(level).unwrap_or(0)) },
    }))
}

async fn counted(store: &Store, ledger: i64, entry: i64) -> Result<Option<Step>, StoreError> {
    let row: Option<(i64, String)> = sqlx::query_as(
        "select at, event_id from counted where ledger > $1 or (ledger = $1 and entry >= $2) order by ledger, entry limit 1",
    )
    .bind(ledger)
    .bind(entry)
    .fetch_optional(store.reader())
    .await?;
    Ok(row.map(|(at, event_id)| Step {
        at: Moment::from_micros(at),
        event_id: EventId::new(event_id),
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
    load_tried(store, &mut known).await?;
    load_delivered(store, &mut known).await?;
    load_newest(store, &mut known).await?;
    let (orders,): (i64,) = sqlx::query_as("select count(*) from orders").fetch_one(store.reader()).await?;
    known.count_orders(unsigned(orders));
    load_decided(store, &mut known).await?;
    let insights: Vec<(String, i64)> =
        sqlx::query_as("select insight, since from insights").fetch_all(store.reader()).await?;
    for (insight, since) in insights {
        known.stored_insight(&from_json::<Insight>(&insight)?, Moment::from_micros(since));
    }
    load_unreadable(store, &mut known).await?;
    known.waiting = waiting::count(store).await?;
    Ok(known)
}

type UnreadableRow = (String, String, String, String, String, String, i64);

/// The newest of them, and how many there are.
async fn load_unreadable(store: &Store, known: &mut Known) -> Result<(), StoreError> {
    let (all,): (i64,) = sqlx::query_as("select count(*) from unreadable").fetch_one(store.reader()).await?;
    let newest: Vec<UnreadableRow> = sqlx::query_as(
        "select topic, message_id, reader, code, reason, first_bytes, at from unreadable order by at desc limit $1",
    )
    .bind(i64::try_from(DEAD_LETTERS_SHOWN_MAX).unwrap_or(i64::MAX))
    .fetch_all(store.reader())
    .await?;
    known.count_unreadable(unsigned(all).saturating_sub(newest.len() as u64));
    for (topic, message_id, reader, code, reason, first_bytes, at) in newest.into_iter().rev() {
        let reader = Service::ALL.into_iter().find(|known| known.name() == reader).unwrap_or(Service::Website);
        let (code, at) = (ReasonCode::find(&code).unwrap_or_default(), Moment::from_micros(at));
        known.unreadable(Unreadable { topic, message_id, reader, code, reason, first_bytes, at });
    }
    Ok(())
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

type ParcelRow = (String, String, String, String, Option<String>, Option<String>, i64, Option<i64>, i64);

async fn load_parcels(store: &Store, known: &mut Known) -> Result<(), StoreError> {
    let rows: Vec<ParcelRow> = sqlx::query_as(
        "select order_id, customer, address, status, failure, courier, attempt, retry_at, changed_at
         from orders where status in ('accepted', 'retrying', 'picked_up', 'stranded')",
    )
    .fetch_all(store.reader())
    .await?;
    for (order_id, customer, address, status, failure, courier, attempt, retry_at, changed_at) in rows {
        let Ok(order_id) = order_id.parse::<OrderId>() else { continue };
        let progress = Progress {
            status: read_status(&status)?,
            failure: failure.as_deref().map(from_json).transpose()?,
            courier,
            attempt: u32::try_from(attempt).unwrap_or(0),
            retry_at: retry_at.map(Moment::from_micros),
            ..Progress::placed()
        };
        known.parcels.moved(&order_id, &customer, &address, &progress, Moment::from_micros(changed_at));
    }
    Ok(())
}

/// What was tried with parcels that are still under way or stranded.
async fn load_tried(store: &Store, known: &mut Known) -> Result<(), StoreError> {
    let rows: Vec<(String, i64, String)> = sqlx::query_as(
        "select journey.order_id, journey.at, journey.what from orders join journey using (order_id)
         where orders.status in ('retrying', 'picked_up', 'stranded') and journey.service = $1 order by journey.at",
    )
    .bind(Service::Delivery.name())
    .fetch_all(store.reader())
    .await?;
    for (order_id, at, what) in rows {
        let Ok(order_id) = order_id.parse::<OrderId>() else { continue };
        known.parcels.tried(&order_id, Moment::from_micros(at), &from_json(&what)?);
    }
    Ok(())
}

async fn load_newest(store: &Store, known: &mut Known) -> Result<(), StoreError> {
    let rows: Vec<(String, String, String, String, i64)> = sqlx::query_as(
        "select order_id, customer, lines, status, placed_at from orders order by placed_at desc limit $1",
    )
    .bind(i64::try_from(NEWEST_MAX).unwrap_or(i64::MAX))
    .fetch_all(store.reader())
    .await?;
    for (order_id, customer, lines, status, at) in rows {
        let Ok(order_id) = order_id.parse::<OrderId>() else { continue };
        let bottles = orders::bottles(&from_json::<Vec<Line>>(&lines)?);
        known.newest.placed(listed(&order_id, &customer, bottles.0, read_status(&status)?, Moment::from_micros(at)));
    }
    Ok(())
}

async fn load_decided(store: &Store, known: &mut Known) -> Result<(), StoreError> {
    let (decided, refused): (i64, i64) = sqlx::query_as(
        "select (select count(*) from journey where topic = $1), (select count(*) from orders where refusal is not null)",
    )
    .bind(ORDER_DECISIONS.entry.name)
    .fetch_one(store.reader())
    .await?;
    known.count_decided(unsigned(decided - refused), unsigned(refused));
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

//! Writes orders. Each statement covers a whole batch: the way to SQLite's thread and back costs more than a row. Statements
//! that read for a page are in `read`.

use std::collections::{HashMap, HashSet};

use events::{
    ids::{EventId, Moment, OrderId, Service},
    orders::Line,
    quantities::Cents,
};
use sqlx::sqlite::SqliteRow;
use store::{Columns, Migrator, StoreError, Transaction, json_of};
use web::order::{
    progress::Progress,
    view::{Status, What},
};

pub static TABLES: Migrator = sqlx::migrate!();

/// The status in this column.
pub fn status(row: Columns<'_>, column: &'static str) -> Result<Status, StoreError> {
    row.found(column, "a status", |word| Status::ALL.into_iter().find(|known| known.name() == word))
}

/// An order as it was placed.
#[derive(Debug)]
pub struct Placed {
    pub order_id: OrderId,
    pub key: Option<StoredKey>,
    pub customer: String,
    pub address: String,
    pub lines: Vec<Line>,
    pub total: Cents,
    pub at: Moment,
}

/// The key an order was placed with, and what was ordered with it where that matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredKey {
    pub key: String,
    pub ordered: Option<String>,
}

/// An order that was placed with a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Before {
    pub order_id: OrderId,
    pub ordered: Option<String>,
}

/// The orders that were placed with these keys.
pub async fn of_keys(transaction: &mut Transaction, keys: &[String]) -> Result<HashMap<String, Before>, StoreError> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query(
        "select idempotency_key, order_id, ordered from orders
         where idempotency_key in (select value from json_each($1))",
    )
    .bind(json_of("orders", "idempotency_key", &keys)?)
    .fetch_all(&mut **transaction)
    .await?;
    let before = |row: &SqliteRow| {
        let row = Columns::of("orders", row);
        let before = Before { order_id: row.parsed("order_id")?, ordered: row.optional("ordered", Columns::text)? };
        Ok((row.text("idempotency_key")?, before))
    };
    rows.iter().map(before).collect()
}

/// Writes placed orders. An order that an earlier version stored without its content is completed.
pub async fn place(transaction: &mut Transaction, orders: &[Placed]) -> Result<(), StoreError> {
    if orders.is_empty() {
        return Ok(());
    }
    let mut rows = Vec::with_capacity(orders.len());
    for Placed { order_id, key, customer, address, lines, total, at } in orders {
        let (key, ordered) = key.as_ref().map(|stored| (&stored.key, stored.ordered.as_deref())).unzip();
        let lines = json_of("orders", "lines", lines)?;
        rows.push((order_id, key, customer, address, lines, total, at.micros(), ordered.flatten()));
    }
    sqlx::query(
        "insert into orders (order_id, idempotency_key, customer, address, lines, total_cents, placed_at, ordered, status,
                             updated, attempt, changed_at, returned)
         select value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
                'placed', 0, 0, value ->> 6, 0
         from json_each($1) where true
         on conflict (order_id) do update
         set customer = excluded.customer, address = excluded.address, lines = excluded.lines,
             total_cents = excluded.total_cents, placed_at = excluded.placed_at
         where orders.placed_at = 0",
    )
    .bind(json_of("orders", "lines", &rows)?)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// What must be known of an order to judge the next message about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderState {
    /// Whether it was read from `orders`, or placed here.
    pub placed: bool,
    pub progress: Progress,
    pub address: String,
}

impl OrderState {
    /// The state of an order about which nothing was read.
    pub const fn blank() -> Self {
        OrderState { placed: false, progress: Progress::placed(), address: String::new() }
    }
}

/// The states of those of these orders that exist.
pub async fn states(
    transaction: &mut Transaction,
    orders: &HashSet<OrderId>,
) -> Result<HashMap<OrderId, OrderState>, StoreError> {
    if orders.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query(
        "select order_id, status, decided, updated, refusal, failure, courier, attempt, retry_at, returned, address,
                placed_at
         from orders where order_id in (select value from json_each($1))",
    )
    .bind(json_of("orders", "order_id", orders)?)
    .fetch_all(&mut **transaction)
    .await?;
    rows.iter().map(state).collect()
}

fn state(row: &SqliteRow) -> Result<(OrderId, OrderState), StoreError> {
    let row = Columns::of("orders", row);
    let returned = row.flag("returned")?;
    let progress = Progress {
        status: status(row, "status")?,
        decided: row.flag("decided")?,
        updated: row.flag("updated")?,
        refusal: row.optional("refusal", Columns::json)?,
        failure: row.optional("failure", Columns::json)?,
        courier: row.optional("courier", Columns::text)?,
        attempt: row.number("attempt")?,
        retry_at: row.optional("retry_at", Columns::moment)?,
        returned,
        // The log says when the bottles are back on the shelf; the shop does not read it.
        released: returned,
    };
    let placed = row.moment("placed_at")? != Moment::default();
    Ok((row.parsed("order_id")?, OrderState { placed, progress, address: row.text("address")? }))
}

/// Writes the state of orders, each with the time of its change.
pub async fn save_states<'a>(
    transaction: &mut Transaction,
    states: impl Iterator<Item = (&'a OrderId, &'a OrderState, Moment)>,
) -> Result<(), StoreError> {
    let mut rows = Vec::new();
    for (order_id, OrderState { progress, address, .. }, at) in states {
        let refusal = progress.refusal.as_ref().map(|why| json_of("orders", "refusal", why)).transpose()?;
        let failure = progress.failure.as_ref().map(|why| json_of("orders", "failure", why)).transpose()?;
        let Progress { status, decided, updated, courier, attempt, retry_at, returned, .. } = progress;
        let [decided, updated, returned] = [*decided, *updated, *returned].map(u8::from);
        let (status, retry_at, at) = (status.name(), retry_at.map(Moment::micros), at.micros());
        rows.push((
            order_id, status, decided, updated, refusal, failure, courier, attempt, retry_at, returned, at, address,
        ));
    }
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "update orders
         set status = changed.value ->> 1, decided = changed.value ->> 2, updated = changed.value ->> 3,
             refusal = changed.value ->> 4, failure = changed.value ->> 5, courier = changed.value ->> 6,
             attempt = changed.value ->> 7, retry_at = changed.value ->> 8, returned = changed.value ->> 9,
             changed_at = changed.value ->> 10, address = changed.value ->> 11
         from json_each($1) as changed where orders.order_id = changed.value ->> 0",
    )
    .bind(json_of("orders", "status", &rows)?)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// A hop of an order.
#[derive(Debug)]
pub struct Hop {
    pub event_id: EventId,
    pub order_id: OrderId,
    pub at: Moment,
    pub service: Service,
    pub topic: &'static str,
    pub what: What,
}

/// Adds hops. One that exists stays as it is.
pub async fn add_hops(transaction: &mut Transaction, hops: &[Hop]) -> Result<(), StoreError> {
    if hops.is_empty() {
        return Ok(());
    }
    let mut rows = Vec::with_capacity(hops.len());
    for Hop { event_id, order_id, at, service, topic, what } in hops {
        rows.push((event_id, order_id, at.micros(), service.name(), topic, json_of("journey", "what", what)?));
    }
    sqlx::query(
        "insert into journey (event_id, order_id, at, service, topic, what)
         select value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5 from json_each($1) where true
         on conflict (event_id) do nothing",
    )
    .bind(json_of("journey", "what", &rows)?)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// Those of these events that are stored as hops.
pub async fn known_hops(transaction: &mut Transaction, events: &[&EventId]) -> Result<HashSet<EventId>, StoreError> {
    if events.is_empty() {
        return Ok(HashSet::new());
    }
    let rows = sqlx::query("select event_id from journey where event_id in (select value from json_each($1))")
        .bind(json_of("journey", "event_id", &events)?)
        .fetch_all(&mut **transaction)
        .await?;
    rows.iter().map(|row| Ok(EventId::new(Columns::of("journey", row).text("event_id")?))).collect()
}

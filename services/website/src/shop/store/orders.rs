//! What the shop writes: orders and their hops. All statements that change them stand here; those that read for a page stand
//! in `read`.

use events::{
    ids::{BeerId, EventId, Moment, OrderId, Service},
    orders::Line,
    quantities::{Cents, Sequence},
    received::Position,
};
use sqlx::sqlite::SqliteRow;
use store::{Columns, Migrator, StoreError, Transaction, column_of, json_of};
use web::order::{
    progress::Progress,
    view::{Status, What},
};

/// The website's tables.
pub static TABLES: Migrator = sqlx::migrate!();

/// The status in this column.
pub fn status(row: Columns<'_>, column: &'static str) -> Result<Status, StoreError> {
    row.found(column, "a status", |word| Status::ALL.into_iter().find(|known| known.name() == word))
}

/// An order as it was placed.
pub struct Placed<'a> {
    pub order_id: &'a OrderId,
    pub keyed: Keyed<'a>,
    pub customer: &'a str,
    pub address: &'a str,
    pub lines: &'a [Line],
    pub total: Cents,
    pub at: Moment,
}

/// The key an order was placed with, and what was ordered with it where that matters.
#[derive(Clone, Copy, Default)]
pub struct Keyed<'a> {
    pub key: Option<&'a str>,
    pub ordered: Option<&'a str>,
}

/// An order that was placed with a key.
pub struct Before {
    pub order_id: OrderId,
    pub ordered: Option<String>,
}

/// The order that was placed with this key before, if any.
pub async fn order_of_key(transaction: &mut Transaction, key: &str) -> Result<Option<Before>, StoreError> {
    let row = sqlx::query("select order_id, ordered from orders where idempotency_key = $1")
        .bind(key)
        .fetch_optional(&mut **transaction)
        .await?;
    let before = |row: SqliteRow| {
        let row = Columns::of("orders", &row);
        Ok(Before { order_id: row.parsed("order_id")?, ordered: row.optional("ordered", Columns::text)? })
    };
    row.map(before).transpose()
}

/// Writes an order that was placed. `false` if it is there already; one of which only later news was read so far is
/// filled in.
pub async fn place(transaction: &mut Transaction, order: &Placed<'_>) -> Result<bool, StoreError> {
    let written = sqlx::query(
        "insert into orders (order_id, idempotency_key, customer, address, lines, total_cents, placed_at, ordered, status,
                             updated, attempt, changed_at, returned, released)
         values ($1, $2, $3, $4, $5, $6, $7, $8, 'placed', 0, 0, $7, 0, 0)
         on conflict (order_id) do update
         set customer = excluded.customer, address = excluded.address, lines = excluded.lines,
             total_cents = excluded.total_cents, placed_at = excluded.placed_at
         where orders.placed_at = 0",
    )
    .bind(order.order_id.as_str())
    .bind(order.keyed.key)
    .bind(order.customer)
    .bind(order.address)
    .bind(json_of("orders", "lines", &order.lines)?)
    .bind(column_of("orders", "total_cents", order.total.0)?)
    .bind(order.at.micros())
    .bind(order.keyed.ordered)
    .execute(&mut **transaction)
    .await?;
    Ok(written.rows_affected() > 0)
}

/// What the writer needs to know of an order to take news of it in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderState {
    /// Whether it was read from `orders`, or placed here.
    pub placed: bool,
    pub progress: Progress,
    pub customer: String,
    pub address: String,
}

/// The state of an order; a blank one if it was not placed, as far as it is known.
pub async fn state(transaction: &mut Transaction, order_id: &OrderId) -> Result<OrderState, StoreError> {
    let row = sqlx::query(
        "select status, decided, updated, refusal, failure, courier, attempt, retry_at, returned, released, customer,
                address, placed_at
         from orders where order_id = $1",
    )
    .bind(order_id.as_str())
    .fetch_optional(&mut **transaction)
    .await?;
    match row {
        Some(row) => read_state(&row),
        None => {
            let (customer, address) = (String::new(), String::new());
            Ok(OrderState { placed: false, progress: Progress::placed(), customer, address })
        }
    }
}

fn read_state(row: &SqliteRow) -> Result<OrderState, StoreError> {
    let row = Columns::of("orders", row);
    let progress = Progress {
        status: status(row, "status")?,
        decided: row.flag("decided")?,
        updated: row.flag("updated")?,
        refusal: row.optional("refusal", Columns::json)?,
        failure: row.optional("failure", Columns::json)?,
        courier: row.optional("courier", Columns::text)?,
        attempt: row.number("attempt")?,
        retry_at: row.optional("retry_at", Columns::moment)?,
        returned: row.flag("returned")?,
        released: row.flag("released")?,
    };
    let (customer, address) = (row.text("customer")?, row.text("address")?);
    Ok(OrderState { placed: row.moment("placed_at")? != Moment::default(), progress, customer, address })
}

/// Writes how far an order is, and where it goes.
pub async fn save_state(
    transaction: &mut Transaction,
    order_id: &OrderId,
    state: &OrderState,
    at: Moment,
) -> Result<(), StoreError> {
    let progress = &state.progress;
    sqlx::query(
        "update orders set decided = $13, status = $2, updated = $3, refusal = $4, failure = $5, courier = $6, attempt = $7,
                           retry_at = $8, returned = $9, released = $10, changed_at = $11, address = $12
         where order_id = $1",
    )
    .bind(order_id.as_str())
    .bind(progress.status.name())
    .bind(i64::from(progress.updated))
    .bind(progress.refusal.as_ref().map(|why| json_of("orders", "refusal", why)).transpose()?)
    .bind(progress.failure.as_ref().map(|why| json_of("orders", "failure", why)).transpose()?)
    .bind(progress.courier.as_deref())
    .bind(i64::from(progress.attempt))
    .bind(progress.retry_at.map(Moment::micros))
    .bind(i64::from(progress.returned))
    .bind(i64::from(progress.released))
    .bind(at.micros())
    .bind(&state.address)
    .bind(i64::from(progress.decided))
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// A hop of an order.
pub struct Hop<'a> {
    pub event_id: &'a EventId,
    pub order_id: &'a OrderId,
    pub at: Moment,
    pub service: Service,
    pub topic: &'static str,
    pub what: &'a What,
    /// Of a stock event: beer and sequence.
    pub stock: Option<(&'a BeerId, Sequence)>,
    /// Of a decision: where it lies.
    pub position: Option<Position>,
}

/// Adds a hop; `false` if it is there already: the message is a repeat.
pub async fn add_hop(transaction: &mut Transaction, hop: &Hop<'_>) -> Result<bool, StoreError> {
    let inserted = sqlx::query(
        "insert into journey (event_id, order_id, at, service, topic, what, beer, sequence, ledger, entry)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict (event_id) do nothing",
    )
    .bind(hop.event_id.as_str())
    .bind(hop.order_id.as_str())
    .bind(hop.at.micros())
    .bind(hop.service.name())
    .bind(hop.topic)
    .bind(json_of("journey", "what", hop.what)?)
    .bind(hop.stock.map(|(beer, _)| beer.as_str()))
    .bind(hop.stock.map(|(_, sequence)| column_of("journey", "sequence", sequence.0)).transpose()?)
    .bind(hop.position.map(|position| column_of("journey", "ledger", position.ledger)).transpose()?)
    .bind(hop.position.map(|position| column_of("journey", "entry", position.entry)).transpose()?)
    .execute(&mut **transaction)
    .await?;
    Ok(inserted.rows_affected() > 0)
}

/// Whether this hop is there.
pub async fn has_hop(transaction: &mut Transaction, event_id: &EventId) -> Result<bool, StoreError> {
    let row: Option<(i64,)> = sqlx::query_as("select 1 from journey where event_id = $1")
        .bind(event_id.as_str())
        .fetch_optional(&mut **transaction)
        .await?;
    Ok(row.is_some())
}

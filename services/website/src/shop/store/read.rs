//! One order with its way, as a page shows it.

use events::{
    ids::{BeerId, EventId, OrderId, Service},
    quantities::{Bottles, Cents},
    topics::{self, INSIGHTS, STOCK_LEVELS},
};
use sqlx::sqlite::SqliteRow;
use store::{Columns, Store, StoreError};
use web::order::{
    journey,
    view::{OrderView, Step, What},
};

use crate::shop::store::orders::status;

/// One order; `None` if nothing was read about it.
///
/// # Errors
/// If the database fails.
pub async fn order(store: &Store, order_id: &OrderId) -> Result<Option<OrderView>, StoreError> {
    let row = sqlx::query(
        "select customer, address, lines, total_cents, status, refusal, failure, courier
         from orders where order_id = $1",
    )
    .bind(order_id.as_str())
    .fetch_optional(store.reader())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let row = Columns::of("orders", &row);
    Ok(Some(OrderView {
        order_id: order_id.clone(),
        status: status(row, "status")?,
        customer: row.text("customer")?,
        address: row.text("address")?,
        lines: row.json("lines")?,
        total: Cents(row.number("total_cents")?),
        refusal: row.optional("refusal", Columns::json)?,
        failure: row.optional("failure", Columns::json)?,
        courier: row.optional("courier", Columns::text)?,
        journey: journey(store, order_id).await?,
    }))
}

/// The service in this column.
pub fn service(row: Columns<'_>, column: &'static str) -> Result<Service, StoreError> {
    row.found(column, "a service", |name| Service::ALL.into_iter().find(|known| known.name() == name))
}

/// The way of an order: its own hops, and the two that carry no order in their messages but are known by what they
/// cover: the level that shows its bottles gone, and the insight that has its decision counted.
async fn journey(store: &Store, order_id: &OrderId) -> Result<Vec<Step>, StoreError> {
    let hops = sqlx::query(
        "select event_id, at, service, topic, what, beer, sequence, ledger, entry from journey where order_id = $1",
    )
    .bind(order_id.as_str())
    .fetch_all(store.reader())
    .await?;
    let mut steps = Vec::with_capacity(hops.len() + 3);
    for row in &hops {
        let row = Columns::of("journey", row);
        let (beer, sequence) = (row.optional("beer", Columns::text)?, row.optional("sequence", Columns::number)?);
        if let (Some(beer), Some(sequence)) = (beer, sequence) {
            steps.extend(shown(store, &beer, sequence).await?);
        }
        let (ledger, entry) = (row.optional("ledger", Columns::number)?, row.optional("entry", Columns::number)?);
        if let (Some(ledger), Some(entry)) = (ledger, entry) {
            steps.extend(counted(store, ledger, entry).await?);
        }
        steps.push(Step {
            at: row.moment("at")?,
            event_id: EventId::new(row.text("event_id")?),
            service: service(row, "service")?,
            topic: row.found("topic", "a known topic", topics::find)?.name,
            what: row.json("what")?,
        });
    }
    journey::sort(&mut steps);
    Ok(steps)
}

async fn shown(store: &Store, beer: &str, sequence: i64) -> Result<Option<Step>, StoreError> {
    let row = sqlx::query(
        "select at, level, event_id from shown where beer = $1 and sequence >= $2 order by sequence limit 1",
    )
    .bind(beer)
    .bind(sequence)
    .fetch_optional(store.reader())
    .await?;
    let step = |row: SqliteRow| {
        let row = Columns::of("shown", &row);
        Ok(Step {
            at: row.moment("at")?,
            event_id: EventId::new(row.text("event_id")?),
            service: Service::StockLevel,
            topic: STOCK_LEVELS.spec.name,
            what: What::Shown { beer: BeerId::new(beer), level: Bottles(row.number("level")?) },
        })
    };
    row.map(step).transpose()
}

async fn counted(store: &Store, ledger: i64, entry: i64) -> Result<Option<Step>, StoreError> {
    let row = sqlx::query(
        "select at, event_id from counted where ledger > $1 or (ledger = $1 and entry >= $2) order by ledger, entry limit 1",
    )
    .bind(ledger)
    .bind(entry)
    .fetch_optional(store.reader())
    .await?;
    let step = |row: SqliteRow| {
        let row = Columns::of("counted", &row);
        Ok(Step {
            at: row.moment("at")?,
            event_id: EventId::new(row.text("event_id")?),
            service: Service::InventoryAnalysis,
            topic: INSIGHTS.spec.name,
            what: What::Counted,
        })
    };
    row.map(step).transpose()
}

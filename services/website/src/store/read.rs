//! One order with its journey, as a page shows it.

use events::{
    ids::{EventId, OrderId, Service},
    quantities::Cents,
    topics::{self, DELIVERY_UPDATES, ORDER_DECISIONS, ORDERS},
};
use sqlx::sqlite::SqliteRow;
use store::{Columns, Store, StoreError};
use web::order::{
    journey,
    view::{OrderView, Step},
};

use crate::store::orders::status;

/// One order; `None` if nothing was read about it. A database of an earlier version holds more hops than a customer is
/// shown.
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
        trace: None,
        journey: journey(store, order_id).await?,
    }))
}

/// The hops that a customer is shown.
async fn journey(store: &Store, order_id: &OrderId) -> Result<Vec<Step>, StoreError> {
    let rows = sqlx::query(
        "select event_id, at, service, topic, what from journey where order_id = $1 and topic in ($2, $3, $4)",
    )
    .bind(order_id.as_str())
    .bind(ORDERS.spec.name)
    .bind(ORDER_DECISIONS.spec.name)
    .bind(DELIVERY_UPDATES.spec.name)
    .fetch_all(store.reader())
    .await?;
    let mut steps = rows.iter().map(step).collect::<Result<Vec<_>, StoreError>>()?;
    journey::sort(&mut steps);
    Ok(steps)
}

fn step(row: &SqliteRow) -> Result<Step, StoreError> {
    let row = Columns::of("journey", row);
    let of_name = |name: &str| Service::ALL.into_iter().find(|known| known.name() == name);
    Ok(Step {
        at: row.moment("at")?,
        event_id: EventId::new(row.text("event_id")?),
        service: row.found("service", "a service", of_name)?,
        topic: row.found("topic", "a known topic", topics::find)?.name,
        what: row.json("what")?,
    })
}

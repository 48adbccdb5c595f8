//! All the warehouse's SQL, beside inbox and outbox.

use events::{
    ids::{BeerId, EventId, OrderId},
    orders::Line,
    quantities::{Bottles, Sequence},
};
use store::{Migrator, Store, StoreError, Transaction};

use crate::{
    given_out::Given,
    stock::{Shelf, Stock},
};

/// The warehouse's tables.
pub(crate) static TABLES: Migrator = sqlx::migrate!();

/// The stock as it was committed last.
pub(crate) async fn load(store: &Store) -> Result<Stock, StoreError> {
    let rows: Vec<(String, i64, i64)> =
        sqlx::query_as("select beer, level, sequence from shelf").fetch_all(store.reader()).await?;
    Ok(Stock::of(rows.into_iter().map(|(beer, level, sequence)| {
        let level = Bottles(u32::try_from(level).unwrap_or(0));
        let sequence = Sequence(u64::try_from(sequence).unwrap_or(0));
        (BeerId::new(beer), Shelf { level, sequence })
    })))
}

/// Writes one beer's shelf.
pub(crate) async fn save(transaction: &mut Transaction, beer: &BeerId, shelf: Shelf) -> Result<(), StoreError> {
    sqlx::query(
        "insert into shelf (beer, level, sequence) values ($1, $2, $3)
         on conflict (beer) do update set level = excluded.level, sequence = excluded.sequence",
    )
    .bind(beer.as_str())
    .bind(i64::from(shelf.level.0))
    .bind(i64::try_from(shelf.sequence.0).unwrap_or(i64::MAX))
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// Notes what an order got.
pub(crate) async fn give_out(
    transaction: &mut Transaction,
    order_id: &OrderId,
    lines: &[Line],
) -> Result<(), StoreError> {
    let lines = serde_json::to_string(lines).map_err(|error| StoreError::Message(error.to_string()))?;
    sqlx::query("insert into given_out (order_id, lines) values ($1, $2)")
        .bind(order_id.as_str())
        .bind(lines)
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// What is known of the bottles of an order.
pub(crate) async fn given(transaction: &mut Transaction, order_id: &OrderId) -> Result<Given, StoreError> {
    let row: Option<(Option<String>, Option<String>)> =
        sqlx::query_as("select lines, closed_by from given_out where order_id = $1")
            .bind(order_id.as_str())
            .fetch_optional(&mut **transaction)
            .await?;
    Ok(match row {
        Some((_, Some(closed_by))) => Given::Closed(EventId::new(closed_by)),
        Some((Some(lines), None)) => {
            Given::Out(serde_json::from_str(&lines).map_err(|error| StoreError::Message(error.to_string()))?)
        }
        Some((None, None)) => Given::NotNoted,
        None if is_decided(transaction, order_id).await? => Given::Nothing,
        None => Given::Unknown,
    })
}

/// The word in the inbox that says that an order is decided.
pub(crate) fn decision_of(order_id: &OrderId) -> String {
    format!("order {order_id}")
}

async fn is_decided(transaction: &mut Transaction, order_id: &OrderId) -> Result<bool, StoreError> {
    let row: Option<(i64,)> = sqlx::query_as("select 1 from inbox where id = $1")
        .bind(decision_of(order_id))
        .fetch_optional(&mut **transaction)
        .await?;
    Ok(row.is_some())
}

/// Notes that an order is delivered or back; its lines are not needed any more.
pub(crate) async fn close(
    transaction: &mut Transaction,
    order_id: &OrderId,
    event_id: &EventId,
) -> Result<(), StoreError> {
    sqlx::query("update given_out set lines = null, closed_by = $2 where order_id = $1")
        .bind(order_id.as_str())
        .bind(event_id.as_str())
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

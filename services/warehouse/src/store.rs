//! All of the warehouse's SQL, apart from inbox and outbox.

use events::{
    ids::{BeerId, EventId, OrderId},
    orders::Line,
    quantities::{Bottles, Sequence},
};
use sqlx::sqlite::SqliteRow;
use store::{Columns, Migrator, Store, StoreError, Transaction, column_of, json_of};

use crate::{
    given_out::Given,
    stock::{Shelf, Stock},
};

pub(crate) static TABLES: Migrator = sqlx::migrate!();

/// The stock as last committed.
pub(crate) async fn load(store: &Store) -> Result<Stock, StoreError> {
    let rows = sqlx::query("select beer, level, sequence from shelf").fetch_all(store.reader()).await?;
    let shelves = rows.iter().map(shelf).collect::<Result<Vec<_>, _>>()?;
    Ok(Stock::of(shelves))
}

fn shelf(row: &SqliteRow) -> Result<(BeerId, Shelf), StoreError> {
    let row = Columns::of("shelf", row);
    let (level, sequence) = (Bottles(row.number("level")?), Sequence(row.number("sequence")?));
    Ok((BeerId::new(row.text("beer")?), Shelf { level, sequence }))
}

/// Writes one beer's shelf.
pub(crate) async fn save(transaction: &mut Transaction, beer: &BeerId, shelf: Shelf) -> Result<(), StoreError> {
    sqlx::query(
        "insert into shelf (beer, level, sequence) values ($1, $2, $3)
         on conflict (beer) do update set level = excluded.level, sequence = excluded.sequence",
    )
    .bind(beer.as_str())
    .bind(i64::from(shelf.level.0))
    .bind(column_of("shelf", "sequence", shelf.sequence.0)?)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// Records what an order was given.
pub(crate) async fn give_out(
    transaction: &mut Transaction,
    order_id: &OrderId,
    lines: &[Line],
) -> Result<(), StoreError> {
    let lines = json_of("given_out", "lines", &lines)?;
    sqlx::query("insert into given_out (order_id, lines) values ($1, $2)")
        .bind(order_id.as_str())
        .bind(lines)
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// What is known of the bottles of an order.
pub(crate) async fn given(transaction: &mut Transaction, order_id: &OrderId) -> Result<Given, StoreError> {
    let row = sqlx::query("select lines, closed_by from given_out where order_id = $1")
        .bind(order_id.as_str())
        .fetch_optional(&mut **transaction)
        .await?;
    match row {
        Some(row) => read_given(&row),
        None if is_decided(transaction, order_id).await? => Ok(Given::Nothing),
        None => Ok(Given::Unknown),
    }
}

fn read_given(row: &SqliteRow) -> Result<Given, StoreError> {
    let row = Columns::of("given_out", row);
    if let Some(closed_by) = row.optional("closed_by", Columns::text)? {
        return Ok(Given::Closed(EventId::new(closed_by)));
    }
    Ok(row.optional("lines", Columns::json)?.map_or(Given::NotNoted, Given::Out))
}

/// The id in the inbox which says that an order is decided.
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

/// Records that an order is delivered or returned; its lines are no longer needed.
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

#[cfg(test)]
mod tests {
    use store::testing::Database;

    use super::*;

    #[tokio::test]
    async fn a_column_that_cannot_be_is_refused_by_name() {
        let database = Database::new(&TABLES).await.unwrap();
        database.execute("insert into shelf (beer, level, sequence) values ('orval', 7, 3)").await.unwrap();
        let load = async |store: Store| load(&store).await;
        let wrong = [
            ("shelf", "beer", &["x'ff'"][..]),
            ("shelf", "level", &["-1", "4294967296", "1.5", "'many'", "x'07'"]),
            ("shelf", "sequence", &["-1", "1.5", "'next'"]),
        ];
        assert_eq!(database.not_refused(&wrong, load).await.unwrap(), [""; 0]);
        assert_eq!(load(database.store.clone()).await.unwrap().shelf(&BeerId::new("orval")).level, Bottles(7));
    }

    #[tokio::test]
    async fn what_an_order_got_is_refused_by_name() {
        let database = Database::new(&TABLES).await.unwrap();
        let order_id: OrderId = "a".parse().unwrap();
        database.execute("insert into given_out (order_id, lines) values ('a', '[]')").await.unwrap();
        let load = async |store: Store| given(&mut store.begin().await?, &order_id).await;
        let wrong = [("given_out", "lines", &["''", "'{}'", "x'ff'"][..]), ("given_out", "closed_by", &["x'ff'"])];
        assert_eq!(database.not_refused(&wrong, load).await.unwrap(), [""; 0]);
    }

    #[tokio::test]
    async fn what_no_column_can_hold_is_not_written() {
        let database = Database::new(&TABLES).await.unwrap();
        let mut transaction = database.store.begin().await.unwrap();
        let shelf = Shelf { level: Bottles(7), sequence: Sequence(u64::MAX) };
        let refused = save(&mut transaction, &BeerId::new("orval"), shelf).await.unwrap_err();
        assert!(refused.to_string().starts_with("shelf.sequence is \"18446744073709551615\""), "{refused}");
    }
}

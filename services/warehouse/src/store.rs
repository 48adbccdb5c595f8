//! All the warehouse's SQL, beside inbox and outbox.

use events::{
    ids::BeerId,
    quantities::{Bottles, Sequence},
};
use store::{Migrator, Store, StoreError, Transaction};

use crate::stock::{Shelf, Stock};

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

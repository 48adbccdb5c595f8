//! All of stock-level's SQL, beside its outbox.

use events::{
    ids::BeerId,
    quantities::{Bottles, Sequence},
};
use store::{Migrator, Store, StoreError, Transaction};

use crate::levels::{Levels, Written};

/// stock-level's tables.
pub(crate) static TABLES: Migrator = sqlx::migrate!();

/// The levels as they were committed last.
pub(crate) async fn load(store: &Store) -> Result<Levels, StoreError> {
    let rows: Vec<(String, i64, i64, i64)> =
        sqlx::query_as("select beer, level, sequence, written from levels").fetch_all(store.reader()).await?;
    Ok(Levels::of(rows.into_iter().map(|(beer, level, sequence, written)| {
        let written = Written {
            level: Bottles(u32::try_from(level).unwrap_or(0)),
            sequence: Sequence(u64::try_from(sequence).unwrap_or(0)),
            written: u64::try_from(written).unwrap_or(0),
        };
        (BeerId::new(beer), written)
    })))
}

/// Writes one beer's level.
pub(crate) async fn save(transaction: &mut Transaction, beer: &BeerId, level: Written) -> Result<(), StoreError> {
    sqlx::query(
        "insert into levels (beer, level, sequence, written) values ($1, $2, $3, $4)
         on conflict (beer) do update
         set level = excluded.level, sequence = excluded.sequence, written = excluded.written",
    )
    .bind(beer.as_str())
    .bind(i64::from(level.level.0))
    .bind(i64::try_from(level.sequence.0).unwrap_or(i64::MAX))
    .bind(i64::try_from(level.written).unwrap_or(i64::MAX))
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

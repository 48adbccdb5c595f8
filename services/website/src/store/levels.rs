//! The levels customers see. They are stored because stock-level does not repeat what was acknowledged.

use std::collections::BTreeMap;

use events::{ids::BeerId, quantities::Bottles};
use sqlx::sqlite::SqliteRow;
use store::{Columns, Store, StoreError, Transaction, json_of};

use crate::read_model::Level;

/// All of them.
///
/// # Errors
/// If the database fails.
pub async fn load(store: &Store) -> Result<BTreeMap<BeerId, Level>, StoreError> {
    let rows = sqlx::query("select beer, bottles, written from levels").fetch_all(store.reader()).await?;
    rows.iter().map(level).collect()
}

fn level(row: &SqliteRow) -> Result<(BeerId, Level), StoreError> {
    let row = Columns::of("levels", row);
    let level = Level { bottles: Bottles(row.number("bottles")?), written: row.number("written")? };
    Ok((BeerId::new(row.text("beer")?), level))
}

/// Writes these levels in one statement.
pub async fn save(transaction: &mut Transaction, levels: &BTreeMap<BeerId, Level>) -> Result<(), StoreError> {
    if levels.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = levels.iter().map(|(beer, level)| (beer, level.bottles.0, level.written)).collect();
    sqlx::query(
        "insert into levels (beer, bottles, written)
         select value ->> 0, value ->> 1, value ->> 2 from json_each($1) where true
         on conflict (beer) do update set bottles = excluded.bottles, written = excluded.written",
    )
    .bind(json_of("levels", "bottles", &rows)?)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

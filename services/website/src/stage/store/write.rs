//! What is written of the stage's topics: beers, insights, what nobody could read.

use events::{
    ids::{EventId, Moment},
    insights::{Insight, ReadUpTo},
    stock::StockLevel,
    unreadable::Unreadable,
};
use store::{StoreError, Transaction, column_of, json_of};

use crate::stage::read_model::stock::Shelf;

/// Writes one beer.
pub async fn save_beer(transaction: &mut Transaction, beer: &str, shelf: &Shelf) -> Result<(), StoreError> {
    sqlx::query(
        "insert into beers (beer, level, sequence, shown_level, shown_sequence, shown_written, worker, settled)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (beer) do update
         set level = excluded.level, sequence = excluded.sequence, shown_level = excluded.shown_level,
             shown_sequence = excluded.shown_sequence, shown_written = excluded.shown_written,
             worker = excluded.worker, settled = excluded.settled",
    )
    .bind(beer)
    .bind(shelf.level.map(|level| i64::from(level.0)))
    .bind(column_of("beers", "sequence", shelf.sequence.0)?)
    .bind(shelf.shown_level.map(|level| i64::from(level.0)))
    .bind(column_of("beers", "shown_sequence", shelf.shown_sequence.0)?)
    .bind(column_of("beers", "shown_written", shelf.shown_written)?)
    .bind(shelf.worker.as_deref())
    .bind(column_of("beers", "settled", shelf.settled.0)?)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// Notes when stock-level showed which sequence.
pub async fn note_shown(
    transaction: &mut Transaction,
    level: &StockLevel,
    event_id: &EventId,
) -> Result<(), StoreError> {
    sqlx::query(
        "insert into shown (beer, sequence, at, level, event_id) values ($1, $2, $3, $4, $5)
         on conflict (beer, sequence) do nothing",
    )
    .bind(level.beer.as_str())
    .bind(column_of("shown", "sequence", level.sequence.0)?)
    .bind(level.at.micros())
    .bind(i64::from(level.level.0))
    .bind(event_id.as_str())
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// Notes how far the analysis has counted.
pub async fn note_counted(
    transaction: &mut Transaction,
    read: &ReadUpTo,
    at: Moment,
    event_id: &EventId,
) -> Result<(), StoreError> {
    sqlx::query(
        "insert into counted (ledger, entry, at, event_id) values ($1, $2, $3, $4)
         on conflict (ledger, entry) do nothing",
    )
    .bind(column_of("counted", "ledger", read.ledger)?)
    .bind(column_of("counted", "entry", read.entry)?)
    .bind(at.micros())
    .bind(event_id.as_str())
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// Writes the newest insight of its kind.
pub async fn save_insight(
    transaction: &mut Transaction,
    insight: &Insight,
    at: Moment,
    since: Moment,
) -> Result<(), StoreError> {
    sqlx::query(
        "insert into insights (kind, insight, at, since) values ($1, $2, $3, $4)
         on conflict (kind) do update set insight = excluded.insight, at = excluded.at, since = excluded.since",
    )
    .bind(insight.kind())
    .bind(json_of("insights", "insight", insight)?)
    .bind(at.micros())
    .bind(since.micros())
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// Writes what nobody could read; `false` if somebody else had met it before.
pub async fn save_unreadable(transaction: &mut Transaction, unreadable: &Unreadable) -> Result<bool, StoreError> {
    let inserted = sqlx::query(
        "insert into unreadable (topic, message_id, reader, code, reason, first_bytes, at)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (topic, message_id) do nothing",
    )
    .bind(&unreadable.topic)
    .bind(&unreadable.message_id)
    .bind(unreadable.reader.name())
    .bind(unreadable.code.name())
    .bind(&unreadable.reason)
    .bind(&unreadable.first_bytes)
    .bind(unreadable.at.micros())
    .execute(&mut **transaction)
    .await?;
    Ok(inserted.rows_affected() > 0)
}

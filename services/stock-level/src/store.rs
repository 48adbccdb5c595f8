//! All of stock-level's SQL, beside its outbox.

use bus::Position;
use events::{
    chain::{Chains, Said},
    ids::BeerId,
    quantities::{Bottles, Sequence},
};
use store::{Migrator, Store, StoreError, Transaction};

use crate::{
    levels::{Levels, Written},
    settled::Settled,
    snapshot::Snapshot,
};

/// stock-level's tables.
pub(crate) static TABLES: Migrator = sqlx::migrate!();

/// The levels as they were committed last.
pub(crate) async fn load(store: &Store) -> Result<Levels, StoreError> {
    let rows: Vec<(String, i64, i64, i64, i64, String)> =
        sqlx::query_as("select beer, level, sequence, written, settled, beyond from levels")
            .fetch_all(store.reader())
            .await?;
    let level = |(beer, level, sequence, written, settled, beyond): (String, i64, i64, i64, i64, String)| {
        let beyond: Vec<Sequence> = serde_json::from_str(&beyond)?;
        let written = Written {
            level: bottles(level),
            sequence: sequence_of(sequence),
            written: u64::try_from(written).unwrap_or(0),
            ..Written::default()
        };
        Ok((BeerId::new(beer), written, Settled::of(sequence_of(settled), beyond)))
    };
    let levels = rows.into_iter().map(level).collect::<serde_json::Result<Vec<_>>>();
    Ok(Levels::of(levels.map_err(|error| StoreError::Message(error.to_string()))?))
}

/// Writes one beer's level, and which of its events are handled.
pub(crate) async fn save(transaction: &mut Transaction, beer: &BeerId, levels: &Levels) -> Result<(), StoreError> {
    let (level, handled) = (levels.level(beer), levels.handled(beer));
    let beyond: Vec<Sequence> = handled.beyond().collect();
    let beyond = serde_json::to_string(&beyond).map_err(|error| StoreError::Message(error.to_string()))?;
    sqlx::query(
        "insert into levels (beer, level, sequence, written, settled, beyond) values ($1, $2, $3, $4, $5, $6)
         on conflict (beer) do update
         set level = excluded.level, sequence = excluded.sequence, written = excluded.written,
             settled = excluded.settled, beyond = excluded.beyond",
    )
    .bind(beer.as_str())
    .bind(i64::from(level.level.0))
    .bind(whole(level.sequence.0))
    .bind(whole(level.written))
    .bind(whole(handled.until().0))
    .bind(beyond)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// The snapshot that was kept last; an empty one if none was.
pub(crate) async fn load_snapshot(store: &Store) -> Result<Snapshot, StoreError> {
    let until: Option<(i64, i64)> =
        sqlx::query_as("select ledger, entry from snapshot_until").fetch_optional(store.reader()).await?;
    let rows: Vec<(String, i64, i64)> =
        sqlx::query_as("select beer, level, sequence from snapshot").fetch_all(store.reader()).await?;
    let until = until.map(|(ledger, entry)| Position {
        ledger: u64::try_from(ledger).unwrap_or(0),
        entry: u64::try_from(entry).unwrap_or(0),
        batch_index: 0,
        batch_size: 1,
    });
    let said = |(beer, level, sequence): (String, i64, i64)| {
        (BeerId::new(beer), Said { level: bottles(level), sequence: sequence_of(sequence) })
    };
    Ok(Snapshot { beers: Chains::of(rows.into_iter().map(said)), until })
}

/// Keeps a snapshot instead of the one before.
pub(crate) async fn save_snapshot(transaction: &mut Transaction, snapshot: &Snapshot) -> Result<(), StoreError> {
    let Some(until) = snapshot.until else { return Ok(()) };
    for (beer, said) in snapshot.beers.said() {
        sqlx::query(
            "insert into snapshot (beer, level, sequence) values ($1, $2, $3)
             on conflict (beer) do update set level = excluded.level, sequence = excluded.sequence",
        )
        .bind(beer.as_str())
        .bind(i64::from(said.level.0))
        .bind(whole(said.sequence.0))
        .execute(&mut **transaction)
        .await?;
    }
    sqlx::query(
        "insert into snapshot_until (only_one, ledger, entry) values (1, $1, $2)
         on conflict (only_one) do update set ledger = excluded.ledger, entry = excluded.entry",
    )
    .bind(whole(until.ledger))
    .bind(whole(until.entry))
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

fn bottles(number: i64) -> Bottles {
    Bottles(u32::try_from(number).unwrap_or(0))
}

fn sequence_of(number: i64) -> Sequence {
    Sequence(u64::try_from(number).unwrap_or(0))
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

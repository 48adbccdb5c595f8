//! All of stock-level's SQL, apart from its outbox.

use events::{
    chain::{Chains, Said},
    ids::BeerId,
    quantities::{Bottles, Sequence},
    received::Position,
};
use sqlx::sqlite::SqliteRow;
use store::{Columns, Migrator, Store, StoreError, Transaction, column_of, json_of};

use crate::{
    levels::{Levels, Written},
    settled::Settled,
    snapshot::Snapshot,
};

pub(crate) static TABLES: Migrator = sqlx::migrate!();

/// The levels as last committed.
pub(crate) async fn load(store: &Store) -> Result<Levels, StoreError> {
    let rows = sqlx::query("select beer, level, sequence, written, settled, beyond from levels")
        .fetch_all(store.reader())
        .await?;
    let levels = rows.iter().map(level).collect::<Result<Vec<_>, _>>()?;
    Ok(Levels::of(levels))
}

fn level(row: &SqliteRow) -> Result<(BeerId, Written, Settled), StoreError> {
    let row = Columns::of("levels", row);
    let written = Written {
        level: Bottles(row.number("level")?),
        sequence: Sequence(row.number("sequence")?),
        written: row.number("written")?,
        ..Written::default()
    };
    let beyond: Vec<Sequence> = row.json("beyond")?;
    let settled = Settled::of(Sequence(row.number("settled")?), beyond);
    Ok((BeerId::new(row.text("beer")?), written, settled))
}

/// Writes one beer's level, and which of its events are handled.
pub(crate) async fn save(transaction: &mut Transaction, beer: &BeerId, levels: &Levels) -> Result<(), StoreError> {
    let (level, handled) = (levels.level(beer), levels.handled(beer));
    let beyond: Vec<Sequence> = handled.beyond().collect();
    let beyond = json_of("levels", "beyond", &beyond)?;
    sqlx::query(
        "insert into levels (beer, level, sequence, written, settled, beyond) values ($1, $2, $3, $4, $5, $6)
         on conflict (beer) do update
         set level = excluded.level, sequence = excluded.sequence, written = excluded.written,
             settled = excluded.settled, beyond = excluded.beyond",
    )
    .bind(beer.as_str())
    .bind(i64::from(level.level.0))
    .bind(column_of("levels", "sequence", level.sequence.0)?)
    .bind(column_of("levels", "written", level.written)?)
    .bind(column_of("levels", "settled", handled.until().0)?)
    .bind(beyond)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// The last snapshot; an empty one if there is none.
pub(crate) async fn load_snapshot(store: &Store) -> Result<Snapshot, StoreError> {
    let until = sqlx::query("select ledger, entry from snapshot_until").fetch_optional(store.reader()).await?;
    let rows = sqlx::query("select beer, level, sequence from snapshot").fetch_all(store.reader()).await?;
    Ok(Snapshot {
        beers: Chains::of(rows.iter().map(said).collect::<Result<Vec<_>, _>>()?),
        until: until.as_ref().map(position).transpose()?,
    })
}

fn said(row: &SqliteRow) -> Result<(BeerId, Said), StoreError> {
    let row = Columns::of("snapshot", row);
    let said = Said { level: Bottles(row.number("level")?), sequence: Sequence(row.number("sequence")?) };
    Ok((BeerId::new(row.text("beer")?), said))
}

fn position(row: &SqliteRow) -> Result<Position, StoreError> {
    let row = Columns::of("snapshot_until", row);
    Ok(Position { ledger: row.number("ledger")?, entry: row.number("entry")?, batch_index: 0, batch_size: 1 })
}

pub(crate) async fn save_snapshot(transaction: &mut Transaction, snapshot: &Snapshot) -> Result<(), StoreError> {
    let Some(until) = snapshot.until else { return Ok(()) };
    for (beer, said) in snapshot.beers.said() {
        sqlx::query(
            "insert into snapshot (beer, level, sequence) values ($1, $2, $3)
             on conflict (beer) do update set level = excluded.level, sequence = excluded.sequence",
        )
        .bind(beer.as_str())
        .bind(i64::from(said.level.0))
        .bind(column_of("snapshot", "sequence", said.sequence.0)?)
        .execute(&mut **transaction)
        .await?;
    }
    sqlx::query(
        "insert into snapshot_until (only_one, ledger, entry) values (1, $1, $2)
         on conflict (only_one) do update set ledger = excluded.ledger, entry = excluded.entry",
    )
    .bind(column_of("snapshot_until", "ledger", until.ledger)?)
    .bind(column_of("snapshot_until", "entry", until.entry)?)
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
        for row in [
            "insert into levels (beer, level, sequence, written, settled, beyond) values ('orval', 7, 3, 5, 3, '[5]')",
            "insert into snapshot (beer, level, sequence) values ('orval', 7, 3)",
            "insert into snapshot_until (only_one, ledger, entry) values (1, 12, 34)",
        ] {
            database.execute(row).await.unwrap();
        }
        let load_both = async |store: Store| load(&store).await.and(load_snapshot(&store).await);
        let number = &["-1", "1.5", "'many'"][..];
        let wrong = [
            ("levels", "beer", &["x'ff'"][..]),
            ("levels", "level", &["-1", "4294967296", "'many'"]),
            ("levels", "sequence", number),
            ("levels", "written", number),
            ("levels", "settled", number),
            ("levels", "beyond", &["''", "'[-1]'", "'[5'", "'{}'", "7.5"]),
            ("snapshot", "beer", &["x'ff'"]),
            ("snapshot", "level", &["-1", "4294967296", "'many'"]),
            ("snapshot", "sequence", number),
            ("snapshot_until", "ledger", number),
            ("snapshot_until", "entry", number),
        ];
        assert_eq!(database.not_refused(&wrong, load_both).await.unwrap(), [""; 0]);
        load_both(database.store.clone()).await.unwrap();
    }

    #[tokio::test]
    async fn what_no_column_can_hold_is_not_written() {
        let database = Database::new(&TABLES).await.unwrap();
        let mut transaction = database.store.begin().await.unwrap();
        let last = Position { ledger: u64::MAX, ..Position::default() };
        let snapshot = Snapshot { until: Some(last), ..Snapshot::default() };
        let refused = save_snapshot(&mut transaction, &snapshot).await.unwrap_err().to_string();
        assert!(refused.starts_with("snapshot_until.ledger is \"18446744073709551615\""), "{refused}");
    }
}

//! All the SQL of the analysis, apart from the outbox.

use std::collections::BTreeSet;

use anyhow::Context as _;
use events::{ids::Moment, received::Position};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection, sqlite::SqliteRow};
use store::{Columns, Migrator, Store, StoreError, Transaction, column_of, json_of};

use crate::{
    analysis::{Analysis, Checkpoint, Key, Reached, topics},
    timeline::Timeline,
};

pub(crate) static TABLES: Migrator = sqlx::migrate!();

/// Most rows in one statement.
const ROWS_MAX: usize = 100;
/// Most rows read at once.
const PAGE_ROWS: i64 = 1000;

/// The stored aggregates and their checkpoint at one moment, whatever is written meanwhile: an open read
/// transaction. The rows are not in memory.
pub struct Snapshot {
    transaction: sqlx::Transaction<'static, Sqlite>,
    /// How far each topic is counted in it.
    pub checkpoint: Checkpoint,
}

/// A row of the aggregates: subject, key, facts.
pub(crate) type Row = (String, String, String);

impl Snapshot {
    pub async fn take(store: &Store) -> anyhow::Result<Self> {
        let mut transaction = store.reader().begin().await?;
        // The first statement fixes what later ones see.
        let checkpoint = checkpoint(&mut transaction).await?;
        Ok(Snapshot { transaction, checkpoint })
    }

    /// Some of the rows after this one, in the order of the database; none at the end.
    pub(crate) async fn page(&mut self, after: Option<&Row>) -> anyhow::Result<Vec<Row>> {
        let (subject, key) = after.map_or(("", ""), |(subject, key, _)| (subject, key));
        let rows = sqlx::query(
            "select subject, key, facts from aggregate where (subject, key) > ($1, $2)
             order by subject, key limit $3",
        );
        let rows = rows.bind(subject).bind(key).bind(PAGE_ROWS).fetch_all(&mut *self.transaction).await?;
        Ok(rows.iter().map(aggregate).collect::<Result<_, _>>()?)
    }

    pub(crate) async fn timeline(&mut self) -> anyhow::Result<Timeline> {
        let mut timeline = Timeline::default();
        let mut after: i64 = 0;
        loop {
            let rows = sqlx::query("select id, facts from past where id > $1 order by id limit $2")
                .bind(after)
                .bind(PAGE_ROWS)
                .fetch_all(&mut *self.transaction)
                .await?;
            if rows.is_empty() {
                return Ok(timeline);
            }
            for row in &rows {
                let row = Columns::of("past", row);
                after = row.number("id")?;
                timeline.absorb(row.json("facts").with_context(|| format!("row {after} of the past"))?);
            }
        }
    }
}

fn aggregate(row: &SqliteRow) -> Result<Row, StoreError> {
    let row = Columns::of("aggregate", row);
    Ok((row.text("subject")?, row.text("key")?, row.text("facts")?))
}

/// The analysis as last committed.
pub(crate) async fn load(store: &Store) -> anyhow::Result<Analysis> {
    let mut snapshot = Snapshot::take(store).await?;
    let mut analysis = Analysis::default();
    let mut page = snapshot.page(None).await?;
    while let Some(last) = page.pop() {
        for (subject, name, facts) in page.iter().chain([&last]) {
            let key = Key::stored(subject, name).with_context(|| format!("aggregate.key is no {subject}: {name:?}"))?;
            analysis.restore(key, facts).with_context(|| format!("aggregate.facts of {subject} {name}: {facts:?}"))?;
        }
        page = snapshot.page(Some(&last)).await?;
    }
    analysis.restore_timeline(snapshot.timeline().await?);
    analysis.restore_checkpoint(snapshot.checkpoint);
    Ok(analysis)
}

/// Writes the rows that changed, deletes those that are gone, adds what happened, and writes the
/// checkpoint.
pub(crate) async fn save(
    transaction: &mut Transaction,
    analysis: &Analysis,
    changed: &BTreeSet<Key>,
    news: &Timeline,
) -> anyhow::Result<()> {
    let mut rows = Vec::with_capacity(changed.len());
    for key in changed {
        match analysis.facts(key)? {
            Some(facts) => rows.push((key.subject(), key.name(), facts)),
            None => delete(transaction, key).await?,
        }
    }
    for rows in rows.chunks(ROWS_MAX) {
        let mut insert = QueryBuilder::<Sqlite>::new("insert into aggregate (subject, key, facts) ");
        insert.push_values(rows, |mut row, (subject, key, facts)| {
            row.push_bind(*subject).push_bind(key).push_bind(facts);
        });
        insert.push(" on conflict (subject, key) do update set facts = excluded.facts");
        // Almost every statement has a different number of rows, so none is kept prepared.
        insert.build().persistent(false).execute(&mut **transaction).await?;
    }
    if !news.is_empty() {
        let facts = json_of("past", "facts", news)?;
        sqlx::query("insert into past (facts) values ($1)").bind(facts).execute(&mut **transaction).await?;
    }
    for (topic, reached) in analysis.checkpoint() {
        save_checkpoint(transaction, topic, reached).await?;
    }
    Ok(())
}

async fn delete(transaction: &mut Transaction, key: &Key) -> anyhow::Result<()> {
    sqlx::query("delete from aggregate where subject = $1 and key = $2")
        .bind(key.subject())
        .bind(key.name())
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

async fn save_checkpoint(transaction: &mut Transaction, topic: &str, reached: &Reached) -> anyhow::Result<()> {
    let Reached { last, messages } = reached;
    sqlx::query(
        "insert into checkpoint (topic, ledger, entry, batch_index, batch_size, messages)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (topic) do update set ledger = excluded.ledger, entry = excluded.entry,
         batch_index = excluded.batch_index, batch_size = excluded.batch_size, messages = excluded.messages",
    )
    .bind(topic)
    .bind(column_of("checkpoint", "ledger", last.ledger)?)
    .bind(column_of("checkpoint", "entry", last.entry)?)
    .bind(i64::from(last.batch_index))
    .bind(i64::from(last.batch_size))
    .bind(column_of("checkpoint", "messages", *messages)?)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

async fn checkpoint(connection: &mut SqliteConnection) -> anyhow::Result<Checkpoint> {
    let rows = sqlx::query("select topic, ledger, entry, batch_index, batch_size, messages from checkpoint")
        .fetch_all(connection)
        .await?;
    Ok(rows.iter().map(reached).collect::<Result<_, _>>()?)
}

fn reached(row: &SqliteRow) -> Result<(&'static str, Reached), StoreError> {
    let row = Columns::of("checkpoint", row);
    let topic =
        row.found("topic", "a topic that is read here", |name| topics().into_iter().find(|known| known.name == name))?;
    let last = Position {
        ledger: row.number("ledger")?,
        entry: row.number("entry")?,
        batch_index: row.number("batch_index")?,
        batch_size: row.number("batch_size")?,
    };
    Ok((topic.name, Reached { last, messages: row.number("messages")? }))
}

/// Records that a rebuild is under way.
pub(crate) async fn note_rebuild(store: &Store, began_at: Moment) -> anyhow::Result<()> {
    let mut transaction = store.begin().await?;
    sqlx::query("insert into rebuild_under_way (began_at) values ($1)")
        .bind(began_at.micros())
        .execute(&mut *transaction)
        .await?;
    Ok(transaction.commit().await?)
}

/// Records that none is under way, and returns whether one was.
pub(crate) async fn end_rebuild(store: &Store) -> anyhow::Result<bool> {
    let mut transaction = store.begin().await?;
    let deleted = sqlx::query("delete from rebuild_under_way").execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(deleted.rows_affected() > 0)
}

#[cfg(test)]
mod tests {
    use store::testing::Database;

    use super::*;
    use crate::sales::Totals;

    #[tokio::test]
    async fn a_column_that_cannot_be_is_refused_by_name() {
        let database = Database::new(&TABLES).await.unwrap();
        let totals = serde_json::to_string(&Totals::default()).unwrap();
        for row in [
            &format!("insert into aggregate (subject, key, facts) values ('totals', '', '{totals}')"),
            "insert into past (id, facts) values (1, '{}')",
            "insert into checkpoint (topic, ledger, entry, batch_index, batch_size, messages)
             values ('orders', 12, 34, 0, 1, 56)",
        ] {
            database.execute(row).await.unwrap();
        }
        let load = async |store: Store| load(&store).await;
        let (number, small) = (&["-1", "1.5", "'many'"][..], &["-1", "4294967296", "'many'"][..]);
        let wrong = [
            ("aggregate", "facts", &["''", "'7'", "x'ff'"][..]),
            ("aggregate", "subject", &["x'ff'"]),
            ("aggregate", "key", &["x'ff'"]),
            ("past", "facts", &["''", "'7'", "x'ff'"]),
            ("checkpoint", "topic", &["'no-such-topic'", "x'ff'"]),
            ("checkpoint", "ledger", number),
            ("checkpoint", "entry", number),
            ("checkpoint", "messages", number),
            ("checkpoint", "batch_index", small),
            ("checkpoint", "batch_size", small),
        ];
        assert_eq!(database.not_refused(&wrong, load).await.unwrap(), [""; 0]);
        for row in ["('order', 'no id', '{}')", "('minute', 'soon', '{}')", "('bottle', '', '{}')"] {
            database.execute(&format!("insert into aggregate (subject, key, facts) values {row}")).await.unwrap();
            let refused = load(database.store.clone()).await.unwrap_err();
            assert!(format!("{refused:#}").contains("aggregate.key"), "{refused:#}");
            database.execute("delete from aggregate where subject <> 'totals'").await.unwrap();
        }
        load(database.store.clone()).await.unwrap();
    }
}

//! The messages that came before their cause.

use anyhow::Context as _;
use events::{
    ids::{EventId, Moment, OrderId},
    received::Position,
    topics::{self, TopicSpec},
    unreadable::ReasonCode,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use sqlx::{AssertSqlSafe, sqlite::SqliteRow};
use store::{Columns, Store, StoreError, Transaction, column_of, json_of};

use crate::pure::fact::Fact;

/// A message that waits.
pub struct Waiting {
    pub event_id: String,
    pub topic: &'static TopicSpec,
    pub position: Position,
    pub at: Moment,
    pub code: ReasonCode,
    pub message: Value,
}

const COLUMNS: &str = "event_id, topic, ledger, entry, batch_index, batch_size, at, code, message";

/// Stores a message that waits for its order since `since`. Returns how many more wait now: none, if it waits already.
pub async fn add<M: Serialize>(
    transaction: &mut Transaction,
    topic: &'static TopicSpec,
    fact: &Fact<M>,
    order_id: &OrderId,
    (code, since): (ReasonCode, Moment),
) -> Result<u64, StoreError> {
    let Position { ledger, entry, batch_index, batch_size } = fact.position;
    let inserted = sqlx::query(
        "insert into waiting (event_id, order_id, topic, ledger, entry, batch_index, batch_size, at, since, code,
                              message)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict (event_id) do nothing",
    )
    .bind(fact.event_id.as_str())
    .bind(order_id.as_str())
    .bind(topic.name)
    .bind(column_of("waiting", "ledger", ledger)?)
    .bind(column_of("waiting", "entry", entry)?)
    .bind(i64::from(batch_index))
    .bind(i64::from(batch_size))
    .bind(fact.at.micros())
    .bind(since.micros())
    .bind(code.name())
    .bind(json_of("waiting", "message", &fact.message)?)
    .execute(&mut **transaction)
    .await?;
    Ok(inserted.rows_affected())
}

/// The messages that wait for this order, in the order they came.
pub async fn of_order(transaction: &mut Transaction, order_id: &OrderId) -> Result<Vec<Waiting>, StoreError> {
    let select = format!("select {COLUMNS} from waiting where order_id = $1 order by place");
    let rows = sqlx::query(AssertSqlSafe(select)).bind(order_id.as_str()).fetch_all(&mut **transaction).await?;
    rows.iter().map(Waiting::read).collect()
}

/// The messages that have waited longest, of those that wait since before this time.
pub async fn longest(transaction: &mut Transaction, most: i64, since: Moment) -> Result<Vec<Waiting>, StoreError> {
    let select = format!("select {COLUMNS} from waiting where since < $1 order by since, place limit $2");
    let rows = sqlx::query(AssertSqlSafe(select)).bind(since.micros()).bind(most).fetch_all(&mut **transaction).await?;
    rows.iter().map(Waiting::read).collect()
}

/// Removes a message that no longer waits.
pub async fn remove(transaction: &mut Transaction, event_id: &str) -> Result<(), StoreError> {
    sqlx::query("delete from waiting where event_id = $1").bind(event_id).execute(&mut **transaction).await?;
    Ok(())
}

impl Waiting {
    fn read(row: &SqliteRow) -> Result<Self, StoreError> {
        let row = Columns::of("waiting", row);
        Ok(Waiting {
            event_id: row.text("event_id")?,
            topic: row.found("topic", "a known topic", topics::find)?,
            position: Position {
                ledger: row.number("ledger")?,
                entry: row.number("entry")?,
                batch_index: row.number("batch_index")?,
                batch_size: row.number("batch_size")?,
            },
            at: row.moment("at")?,
            code: row.found("code", "a reason", ReasonCode::find)?,
            message: row.json("message")?,
        })
    }

    /// The message as it was received.
    ///
    /// # Errors
    /// If it is not a message of its topic.
    pub fn fact<M: DeserializeOwned>(self) -> anyhow::Result<Fact<M>> {
        let message = serde_json::from_value(self.message)
            .with_context(|| format!("waiting.message of {} is not a message of {}", self.event_id, self.topic.name))?;
        Ok(Fact { event_id: EventId::new(self.event_id), position: self.position, at: self.at, message })
    }
}

/// How many messages wait.
///
/// # Errors
/// If the database fails.
pub async fn count(store: &Store) -> Result<u64, StoreError> {
    let row = sqlx::query("select count(*) as waiting from waiting").fetch_one(store.reader()).await?;
    Columns::of("waiting", &row).number("waiting")
}

#[cfg(test)]
mod tests {
    use events::decisions::OrderDecision;
    use store::testing::Database;

    use super::*;
    use crate::store::orders::TABLES;

    /// Read as when its order comes, and as when it is given up.
    async fn read_both(store: Store) -> anyhow::Result<()> {
        let mut transaction = store.begin().await?;
        let order_id: OrderId = "a".parse()?;
        for row in of_order(&mut transaction, &order_id).await? {
            row.fact::<OrderDecision>()?;
        }
        longest(&mut transaction, 1, Moment::MAX).await?;
        Ok(())
    }

    #[tokio::test]
    async fn a_column_that_cannot_be_is_refused_by_name() {
        let database = Database::new(&TABLES).await.unwrap();
        let accepted = r#"{"type":"Accepted","order_id":"a","lines":[],"bottles":1,"total_cents":360}"#;
        let row = format!(
            "insert into waiting (event_id, order_id, topic, ledger, entry, batch_index, batch_size, at, since, code, message)
             values ('e', 'a', 'order-decisions', 12, 34, 0, 1, 5, 6, 'unknown_order', '{accepted}')"
        );
        database.execute(&row).await.unwrap();
        read_both(database.store.clone()).await.unwrap();
        let (number, small) = (&["-1", "1.5", "'many'"][..], &["-1", "4294967296", "'many'"][..]);
        let wrong = [
            ("waiting", "event_id", &["x'ff'"][..]),
            ("waiting", "topic", &["'no-such-topic'", "x'ff'"]),
            ("waiting", "ledger", number),
            ("waiting", "entry", number),
            ("waiting", "batch_index", small),
            ("waiting", "batch_size", small),
            ("waiting", "at", &["-1", "253402300800000000", "1.5", "'yesterday'"]),
            ("waiting", "code", &["'because'", "''", "x'ff'"]),
            ("waiting", "message", &["''", "'{'", "x'ff'", "'{}'", "7"]),
        ];
        assert_eq!(database.not_refused(&wrong, read_both).await.unwrap(), [""; 0]);
        read_both(database.store.clone()).await.unwrap();
    }
}

//! What came before its cause: topics are not ordered among each other, so a decision may be read before its order, and
//! an update before the decision. It waits here, has no effect meanwhile, and is read again when the cause comes.

use anyhow::Context as _;
use events::{
    decisions::OrderDecision,
    delivery::DeliveryUpdate,
    ids::{EventId, Moment, OrderId, Service},
    received::{Position, Received},
    stock::StockEvent,
    topics::{self, DELIVERY_UPDATES, ORDER_DECISIONS, STOCK_EVENTS, Topic, TopicSpec},
    unreadable::ReasonCode,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use sqlx::{AssertSqlSafe, sqlite::SqliteRow};
use store::{Columns, Store, StoreError, Transaction, column_of, disbelieve, json_of, quarantine_as};

use crate::{order::progress::Doubt, shop::control::writer::Work};

/// How long a message waits for its cause. The broker delivers in milliseconds, and who comes back after a pause reads
/// all topics at once; after this long the cause is not missing by chance.
pub const CAUSE_WITHIN_MS: i64 = 30_000;
/// Most messages that wait; of more, the first ones wait no longer.
pub const WAITING_MAX: u64 = 10_000;
/// Most that are given up in one transaction.
const GIVEN_UP_AT_ONCE: i64 = 256;

struct Row {
    event_id: String,
    topic: &'static TopicSpec,
    position: Position,
    at: Moment,
    code: ReasonCode,
    message: Value,
}

const COLUMNS: &str = "event_id, topic, ledger, entry, batch_index, batch_size, at, code, message";

impl Work<'_> {
    /// A message has no effect: it waits, or it is not believed. One that was believed before came again.
    pub(super) async fn doubt<M: Serialize>(
        &mut self,
        topic: Topic<M>,
        received: &Received<M>,
        order_id: &OrderId,
        message: &M,
        doubt: Doubt,
    ) -> anyhow::Result<()> {
        if crate::store::has_hop(&mut self.transaction, &received.event_id).await? {
            return Ok(());
        }
        match doubt {
            Doubt::Untrue(code) => self.disbelieve(topic.spec, received.position, code).await,
            Doubt::Early(code) => self.wait(topic.spec, received, order_id, message, code).await,
        }
    }

    /// Counts a message that is not believed.
    pub(super) async fn disbelieve(
        &mut self,
        topic: &'static TopicSpec,
        position: Position,
        code: ReasonCode,
    ) -> anyhow::Result<()> {
        self.has_untrue = true;
        Ok(disbelieve(&mut self.transaction, topic, position, code).await?)
    }

    async fn wait<M: Serialize>(
        &mut self,
        topic: &'static TopicSpec,
        received: &Received<M>,
        order_id: &OrderId,
        message: &M,
        code: ReasonCode,
    ) -> anyhow::Result<()> {
        let Position { ledger, entry, batch_index, batch_size } = received.position;
        let inserted = sqlx::query(
            "insert into waiting (event_id, order_id, topic, ledger, entry, batch_index, batch_size, at, since, code,
                                  message)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict (event_id) do nothing",
        )
        .bind(received.event_id.as_str())
        .bind(order_id.as_str())
        .bind(topic.name)
        .bind(column_of("waiting", "ledger", ledger)?)
        .bind(column_of("waiting", "entry", entry)?)
        .bind(i64::from(batch_index))
        .bind(i64::from(batch_size))
        .bind(received.at.micros())
        .bind(self.now.micros())
        .bind(code.name())
        .bind(json_of("waiting", "message", message)?)
        .execute(&mut *self.transaction)
        .await?;
        let more = inserted.rows_affected();
        let waiting = self.site.learn(|known| {
            known.waiting += more;
            known.waiting
        });
        if waiting > WAITING_MAX {
            self.give_up(1, Moment::from_micros(i64::MAX)).await?;
        }
        Ok(())
    }

    /// Reads again what waited for this order.
    pub(super) async fn take_up(&mut self, order_id: &OrderId) -> anyhow::Result<()> {
        if self.site.known(|known| known.waiting == 0) {
            return Ok(());
        }
        let rows = of_order(&mut self.transaction, order_id).await?;
        for row in &rows {
            self.forget(&row.event_id).await?;
        }
        for row in rows {
            // What waits for something else still waits on.
            if row.topic.name == ORDER_DECISIONS.spec.name {
                let received: Received<OrderDecision> = row.received()?;
                if let Ok(decision) = &received.message {
                    Box::pin(self.decided(&received, decision)).await?;
                }
            } else if row.topic.name == DELIVERY_UPDATES.spec.name {
                let received: Received<DeliveryUpdate> = row.received()?;
                if let Ok(update) = &received.message {
                    Box::pin(self.updated(&received, update)).await?;
                }
            } else if row.topic.name == STOCK_EVENTS.spec.name {
                let received: Received<StockEvent> = row.received()?;
                if let Ok(event) = &received.message {
                    Box::pin(self.moved(&received, event)).await?;
                }
            }
        }
        Ok(())
    }

    /// Gives up what waits for longer than a cause takes.
    pub(super) async fn give_up_overdue(&mut self) -> anyhow::Result<()> {
        self.give_up(GIVEN_UP_AT_ONCE, self.now.plus_millis(-CAUSE_WITHIN_MS)).await
    }

    /// Quarantines the messages that have waited longest, those that came before `since`.
    async fn give_up(&mut self, most: i64, since: Moment) -> anyhow::Result<()> {
        for row in longest(&mut self.transaction, most, since).await? {
            let Row { event_id, topic, position, code, message, .. } = row;
            self.forget(&event_id).await?;
            let why = (code, format!("{code}: what it follows from did not come within {} s", CAUSE_WITHIN_MS / 1000));
            quarantine_as(&mut self.transaction, Service::Website, topic, position, why, &message, self.now).await?;
            self.site.context.metrics.unreadable(topic.name, 1);
            self.to_publish = true;
        }
        Ok(())
    }

    async fn forget(&mut self, event_id: &str) -> anyhow::Result<()> {
        sqlx::query("delete from waiting where event_id = $1").bind(event_id).execute(&mut *self.transaction).await?;
        self.site.learn(|known| known.waiting = known.waiting.saturating_sub(1));
        Ok(())
    }
}

impl Row {
    fn read(row: &SqliteRow) -> Result<Self, StoreError> {
        let row = Columns::of("waiting", row);
        Ok(Row {
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

    fn received<M: DeserializeOwned>(self) -> anyhow::Result<Received<M>> {
        let message = serde_json::from_value(self.message)
            .with_context(|| format!("waiting.message of {} is no message of {}", self.event_id, self.topic.name))?;
        let (position, event_id, at) = (self.position, EventId::new(self.event_id), self.at);
        Ok(Received { message: Ok(message), position, event_id, at })
    }
}

/// What waits for this order, in the order it came.
async fn of_order(transaction: &mut Transaction, order_id: &OrderId) -> Result<Vec<Row>, StoreError> {
    let select = format!("select {COLUMNS} from waiting where order_id = $1 order by place");
    let rows = sqlx::query(AssertSqlSafe(select)).bind(order_id.as_str()).fetch_all(&mut **transaction).await?;
    rows.iter().map(Row::read).collect()
}

/// What waits longest, of that which waits since before then.
async fn longest(transaction: &mut Transaction, most: i64, since: Moment) -> Result<Vec<Row>, StoreError> {
    let select = format!("select {COLUMNS} from waiting where since < $1 order by since, place limit $2");
    let rows = sqlx::query(AssertSqlSafe(select)).bind(since.micros()).bind(most).fetch_all(&mut **transaction).await?;
    rows.iter().map(Row::read).collect()
}

/// How many messages wait.
///
/// # Errors
/// If the database fails.
pub(crate) async fn count(store: &Store) -> Result<u64, StoreError> {
    let row = sqlx::query("select count(*) as waiting from waiting").fetch_one(store.reader()).await?;
    Columns::of("waiting", &row).number("waiting")
}

#[cfg(test)]
mod tests {
    use store::testing::Database;

    use super::*;
    use crate::store::TABLES;

    /// As when its order comes, and as when it is given up.
    async fn read_both(store: Store) -> anyhow::Result<()> {
        let mut transaction = store.begin().await?;
        let order_id: OrderId = "a".parse()?;
        for row in of_order(&mut transaction, &order_id).await? {
            row.received::<OrderDecision>()?;
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
        for (column, wrong) in [
            ("event_id", &["x'ff'"][..]),
            ("topic", &["'no-such-topic'", "x'ff'"]),
            ("ledger", number),
            ("entry", number),
            ("batch_index", small),
            ("batch_size", small),
            ("at", &["-1", "253402300800000000", "1.5", "'yesterday'"]),
            ("code", &["'because'", "''", "x'ff'"]),
            ("message", &["''", "'{'", "x'ff'", "'{}'", "7"]),
        ] {
            let not_refused = database.not_refused("waiting", column, wrong, read_both).await.unwrap();
            assert!(not_refused.is_empty(), "{not_refused:?}");
        }
        read_both(database.store.clone()).await.unwrap();
    }
}

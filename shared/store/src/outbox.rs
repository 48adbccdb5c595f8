//! The outbox: messages that follow from an effect, written with it and published after it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bus::{Bus, Outgoing, PublishError, Publisher};
use events::{
    ids::{EventId, Moment},
    topics::{self, Topic},
};
use futures_util::future::BoxFuture;
use serde::Serialize;
use tokio::sync::{Notify, watch};
use tracing::{info, warn};

use sqlx::{SqliteConnection, sqlite::SqliteRow};

use crate::{
    columns::Columns,
    database::{Store, StoreError},
    transaction::Transaction,
};

/// Most rows read and published at once.
const ROWS_MAX: u16 = 500;
/// Pause after a failure, while the broker is away.
const PAUSE: Duration = Duration::from_millis(200);

/// Adds a message to the outbox; it is written when the transaction commits. Its event id is derived from its row when it is
/// published. It continues the transaction's trace.
///
/// # Errors
/// If the message cannot be written as JSON.
pub fn enqueue<M: Serialize>(
    transaction: &mut Transaction,
    topic: Topic<M>,
    key: &str,
    at: Moment,
    message: &M,
) -> Result<(), StoreError> {
    enqueue_for_later(transaction, topic, key, at, None, message)
}

/// Like [`enqueue`], but not delivered before `deliver_at`; only Shared subscriptions honour that.
///
/// # Errors
/// As [`enqueue`].
pub fn enqueue_for_later<M: Serialize>(
    transaction: &mut Transaction,
    topic: Topic<M>,
    key: &str,
    at: Moment,
    deliver_at: Option<Moment>,
    message: &M,
) -> Result<(), StoreError> {
    let payload = serde_json::to_string(message).map_err(StoreError::Message)?;
    transaction.outgoing.push(Row(
        topic.spec.name,
        key.to_owned(),
        at.micros(),
        transaction.trace.map(|trace| trace.to_string()),
        deliver_at.map(Moment::micros),
        payload,
    ));
    Ok(())
}

/// A message that goes out with a transaction: topic, key, time, trace, earliest delivery, JSON.
#[derive(Debug, Serialize)]
pub(crate) struct Row(&'static str, String, i64, Option<String>, Option<i64>, String);

/// Writes all of them, in order, in one statement: the round trip to SQLite's thread costs more than a row.
pub(crate) async fn insert(connection: &mut SqliteConnection, rows: &[Row]) -> Result<(), StoreError> {
    let rows = serde_json::to_string(rows).map_err(StoreError::Message)?;
    sqlx::query(
        "insert into outbox (topic, key, at, traceparent, deliver_at, payload)
         select value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, cast(value ->> 5 as blob)
         from json_each($1) order by key",
    )
    .bind(rows)
    .execute(connection)
    .await?;
    Ok(())
}

/// A handle to the outbox; cheap to clone.
#[derive(Clone)]
pub struct OutboxHandle {
    wake: Arc<Notify>,
    asked: Arc<AtomicU64>,
    served: watch::Receiver<u64>,
}

impl OutboxHandle {
    /// Asks for committed messages to be published, without waiting.
    pub fn wake(&self) {
        self.asked.fetch_add(1, Ordering::Release);
        self.wake.notify_one();
    }

    /// Waits until everything committed so far is published and confirmed, however long the broker is away.
    /// Can be cancelled. `false` if the outbox has stopped.
    pub async fn flush(&self) -> bool {
        let ticket = self.asked.fetch_add(1, Ordering::AcqRel) + 1;
        self.wake.notify_one();
        self.served.clone().wait_for(|served| *served >= ticket).await.is_ok()
    }
}

/// Publishes the rows of one store in their order, one process at a time.
pub struct Outbox {
    store: Store,
    publisher: Publisher,
    handle: OutboxHandle,
    served: watch::Sender<u64>,
}

impl Outbox {
    /// The outbox of this store, and the handle to it. [`Outbox::run`] does the work.
    pub fn new(store: Store, bus: &Bus) -> (Self, OutboxHandle) {
        let (served, receiver) = watch::channel(0);
        let handle = OutboxHandle { wake: Arc::default(), asked: Arc::new(AtomicU64::new(0)), served: receiver };
        (Outbox { store, publisher: bus.publisher(), handle: handle.clone(), served }, handle)
    }

    /// Publishes what an earlier process left, and then whatever is committed, until it is dropped. While the broker is
    /// away it retries.
    ///
    /// # Errors
    /// If the database fails, or another process has taken over a topic that has one writer.
    pub fn run(self) -> BoxFuture<'static, Result<(), OutboxError>> {
        Box::pin(self.publish_for_ever())
    }

    async fn publish_for_ever(mut self) -> Result<(), OutboxError> {
        loop {
            let ticket = self.handle.asked.load(Ordering::Acquire);
            while self.publish_some().await? {}
            self.served.send_replace(ticket);
            self.handle.wake.notified().await;
        }
    }

    /// Publishes the first rows; `false` if none was left after them.
    async fn publish_some(&mut self) -> Result<bool, OutboxError> {
        let rows = self.store.patiently(|| self.first_rows()).await?;
        let full = rows.len() >= usize::from(ROWS_MAX);
        let last: Option<i64> = rows.last().map(|row| Columns::of("outbox", row).number("id")).transpose()?;
        let messages = rows.iter().map(|row| self.outgoing(row)).collect::<Result<Vec<_>, _>>()?;
        self.publish(&messages).await?;
        if let Some(last) = last {
            let mut transaction = self.store.begin().await?;
            sqlx::query("delete from outbox where id <= $1")
                .bind(last)
                .execute(&mut *transaction)
                .await
                .map_err(StoreError::from)?;
            transaction.commit().await?;
            self.store.unpublished().fetch_sub(i64::try_from(messages.len()).unwrap_or(i64::MAX), Ordering::Relaxed);
        }
        Ok(full)
    }

    async fn first_rows(&self) -> Result<Vec<SqliteRow>, StoreError> {
        let rows =
            sqlx::query("select id, topic, key, at, traceparent, deliver_at, payload from outbox order by id limit $1");
        Ok(rows.bind(i64::from(ROWS_MAX)).fetch_all(self.store.reader()).await?)
    }

    fn outgoing(&self, row: &SqliteRow) -> Result<Outgoing, StoreError> {
        let row = Columns::of("outbox", row);
        Ok(Outgoing {
            topic: row.found("topic", "a known topic", topics::find)?,
            key: row.text("key")?,
            event_id: EventId::new(self.store.event_id(row.number("id")?)),
            at: row.moment("at")?,
            trace: row.optional("traceparent", Columns::parsed)?,
            deliver_at: row.optional("deliver_at", Columns::moment)?,
            payload: row.bytes("payload")?,
        })
    }

    /// Publishes all of them; after a failure again from the first unconfirmed one, so that the order is kept.
    async fn publish(&mut self, messages: &[Outgoing]) -> Result<(), OutboxError> {
        let mut left = messages;
        let mut failures = 0_u32;
        while !left.is_empty() {
            match self.publisher.publish(left).await {
                Ok(()) => break,
                Err(PublishError::Fenced { topic }) => return Err(OutboxError::Fenced { topic }),
                Err(PublishError::Unconfirmed { confirmed, cause }) => {
                    left = left.get(confirmed..).unwrap_or_default();
                    failures += 1;
                    // Once, and not five times per second for as long as the broker is away.
                    if failures == 1 {
                        warn!(%cause, waiting = left.len(), "the broker does not accept messages; they wait in the outbox");
                    }
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        if failures > 0 {
            info!(published = messages.len(), "the broker accepts messages again");
        }
        Ok(())
    }
}

/// Why an outbox stopped.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another process writes this topic now.
    #[error("another process took over {topic}; this one stops")]
    Fenced { topic: &'static str },
}

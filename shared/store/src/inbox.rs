//! The inbox: which messages were handled.

use std::collections::HashSet;

use events::{
    ids::{Moment, Service},
    received::{Position, Undecodable},
    topics::{TopicSpec, UNREADABLE},
    unreadable::{self, Disbelieved, ReasonCode, Unreadable},
};
use serde::Serialize;

use crate::{
    columns::Columns,
    database::{Store, StoreError},
    outbox::enqueue,
    transaction::Transaction,
};

/// Records `id` in the inbox; `false` if it is there already: then its effect is committed.
pub async fn record_once(transaction: &mut Transaction, id: &str) -> Result<bool, StoreError> {
    let inserted = sqlx::query("insert into inbox (id) values ($1) on conflict (id) do nothing")
        .bind(id)
        .execute(&mut **transaction)
        .await?;
    Ok(inserted.rows_affected() > 0)
}

/// Records all of these ids, in one statement, and returns those that were not there before.
pub async fn record_all_once(transaction: &mut Transaction, ids: &[String]) -> Result<HashSet<String>, StoreError> {
    let ids = serde_json::to_string(ids).map_err(StoreError::Message)?;
    let inserted = sqlx::query_scalar(
        "insert into inbox (id) select value from json_each($1) where true on conflict (id) do nothing returning id",
    );
    Ok(inserted.bind(ids).fetch_all(&mut **transaction).await?.into_iter().collect())
}

/// Moves a message that cannot be read onto `unreadable`, once, so that the messages behind it are handled.
pub async fn quarantine(
    transaction: &mut Transaction,
    reader: Service,
    topic: &'static TopicSpec,
    position: Position,
    undecodable: &Undecodable,
    now: Moment,
) -> Result<(), StoreError> {
    let Undecodable { reason, first_bytes } = undecodable.clone();
    let why = (ReasonCode::Undecodable, reason);
    put_on_unreadable(transaction, reader, topic, position, why, first_bytes, now).await
}

/// Moves a message onto `unreadable` that can be read but not used, as [`quarantine`] does.
pub async fn quarantine_as<M: Serialize>(
    transaction: &mut Transaction,
    reader: Service,
    topic: &'static TopicSpec,
    position: Position,
    why: (ReasonCode, String),
    message: &M,
    now: Moment,
) -> Result<(), StoreError> {
    let payload = serde_json::to_vec(message).map_err(StoreError::Message)?;
    put_on_unreadable(transaction, reader, topic, position, why, unreadable::first_bytes(&payload), now).await
}

async fn put_on_unreadable(
    transaction: &mut Transaction,
    reader: Service,
    topic: &'static TopicSpec,
    position: Position,
    (code, reason): (ReasonCode, String),
    first_bytes: String,
    at: Moment,
) -> Result<(), StoreError> {
    if !record_once(transaction, &format!("unreadable {} {position}", topic.name)).await? {
        return Ok(());
    }
    let (topic_name, message_id) = (topic.name.to_owned(), position.to_string());
    let message = Unreadable { topic: topic_name, message_id, reader, code, reason, first_bytes, at };
    enqueue(transaction, UNREADABLE, topic.name, at, &message)
}

/// Counts a message that is not believed, once even if it is redelivered. It has no other effect.
pub async fn disbelieve(
    transaction: &mut Transaction,
    topic: &'static TopicSpec,
    position: Position,
    code: ReasonCode,
) -> Result<(), StoreError> {
    if !record_once(transaction, &format!("disbelieved {} {position}", topic.name)).await? {
        return Ok(());
    }
    sqlx::query(
        "insert into disbelieved (topic, code, count) values ($1, $2, 1)
         on conflict (topic, code) do update set count = disbelieved.count + 1",
    )
    .bind(topic.name)
    .bind(code.name())
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// How many messages were not believed so far, by topic and reason.
///
/// # Errors
/// If the statement fails, or the table holds something else.
pub async fn disbelieved(store: &Store) -> Result<Vec<Disbelieved>, StoreError> {
    let rows = sqlx::query("select topic, code, count from disbelieved order by topic, code")
        .fetch_all(store.reader())
        .await?;
    rows.iter()
        .map(|row| {
            let row = Columns::of("disbelieved", row);
            let code = row.found("code", "a reason", ReasonCode::find)?;
            Ok(Disbelieved { topic: row.text("topic")?, code, count: row.number("count")? })
        })
        .collect()
}

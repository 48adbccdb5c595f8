//! The inbox: what was handled before.

use bus::{Position, Undecodable};
use events::{
    ids::{Moment, Service},
    topics::{Entry, UNREADABLE},
    unreadable::Unreadable,
};

use crate::{
    database::{StoreError, Transaction},
    outbox::enqueue,
};

/// Notes `id` in the inbox; `false` if it was there: then its effect is there too, and nothing is left to do.
///
/// # Errors
/// If the statement fails.
pub async fn is_new(transaction: &mut Transaction, id: &str) -> Result<bool, StoreError> {
    let inserted = sqlx::query("insert into inbox (id) values ($1) on conflict (id) do nothing")
        .bind(id)
        .execute(&mut **transaction)
        .await?;
    Ok(inserted.rows_affected() > 0)
}

/// Puts a message that cannot be read aside: onto `unreadable`, once, so that it holds nobody up.
///
/// # Errors
/// If a statement fails.
pub async fn put_aside(
    transaction: &mut Transaction,
    reader: Service,
    topic: &'static Entry,
    position: Position,
    undecodable: &Undecodable,
    now: Moment,
) -> Result<(), StoreError> {
    if !is_new(transaction, &format!("unreadable {} {position}", topic.name)).await? {
        return Ok(());
    }
    let message = Unreadable {
        topic: topic.name.to_owned(),
        message_id: position.to_string(),
        reader,
        reason: undecodable.reason.clone(),
        first_bytes: undecodable.first_bytes.clone(),
        at: now,
    };
    enqueue(transaction, UNREADABLE, topic.name, now, None, &message).await
}

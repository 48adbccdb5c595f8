//! The database of a service: one SQLite file per service and episode, an inbox, an outbox, and the transaction that
//! ties them to what the service itself writes.
//!
//! At-least-once delivery is made harmless here: a repeat is recognised by the inbox in the transaction of its effect,
//! and messages that follow from an effect are rows of that transaction, published afterwards in their order.
//!
//! Deliberately absent: tables of services (each has its own migrations), and SQL that only SQLite understands, so that a
//! service may move to Postgres one day. The exception are statements for a whole batch: they read JSON, for which
//! Postgres has other functions.
//!
//! In reading order:

mod files;

mod database;
pub use database::{Reader, Store, StoreError};

mod transaction;
pub use transaction::Transaction;

mod columns;
pub use columns::{Columns, column_of, json_of};

mod inbox;
pub use inbox::{disbelieve, disbelieved, quarantine, quarantine_as, record_all_once, record_once};

mod outbox;
pub use outbox::{Outbox, OutboxError, OutboxHandle, enqueue, enqueue_for_later};

pub mod testing;

pub use sqlx::migrate::Migrator;

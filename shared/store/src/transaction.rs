//! A transaction that writes: a service's own tables, and the messages that follow.

use std::{
    ops::{Deref, DerefMut},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use events::trace::TraceContext;
use sqlx::{Sqlite, SqliteConnection};

use crate::{
    database::StoreError,
    outbox::{self, Row},
};

/// A transaction on the only connection that writes. Statements run on it as on a connection. It is rolled back if it is
/// dropped before it is committed.
pub struct Transaction {
    /// The trace that messages continue which are enqueued from now on.
    pub trace: Option<TraceContext>,
    connection: sqlx::Transaction<'static, Sqlite>,
    pub(crate) outgoing: Vec<Row>,
    /// How many messages wait in the outbox.
    unpublished: Arc<AtomicI64>,
}

impl Transaction {
    pub(crate) fn new(connection: sqlx::Transaction<'static, Sqlite>, unpublished: &Arc<AtomicI64>) -> Self {
        Transaction { trace: None, connection, outgoing: Vec::new(), unpublished: Arc::clone(unpublished) }
    }

    /// Whether it has outgoing messages.
    pub fn publishes(&self) -> bool {
        !self.outgoing.is_empty()
    }

    /// Commits everything, including outgoing messages.
    ///
    /// # Errors
    /// If a statement fails: then nothing is written.
    pub async fn commit(mut self) -> Result<(), StoreError> {
        if self.publishes() {
            outbox::insert(&mut self.connection, &self.outgoing).await?;
        }
        self.connection.commit().await?;
        self.unpublished.fetch_add(i64::try_from(self.outgoing.len()).unwrap_or(i64::MAX), Ordering::Relaxed);
        Ok(())
    }
}

impl Deref for Transaction {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.connection
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }
}

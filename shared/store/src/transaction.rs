//! A transaction that writes: a service's own tables, and the messages that follow.

use std::ops::{Deref, DerefMut};

use sqlx::{Sqlite, SqliteConnection};

use crate::{
    database::StoreError,
    outbox::{self, Row},
};

/// A transaction on the only connection that writes. Statements run on it as on a connection. It is rolled back if it is
/// dropped before it is committed.
pub struct Transaction {
    connection: sqlx::Transaction<'static, Sqlite>,
    pub(crate) outgoing: Vec<Row>,
}

impl Transaction {
    pub(crate) fn new(connection: sqlx::Transaction<'static, Sqlite>) -> Self {
        Transaction { connection, outgoing: Vec::new() }
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
        Ok(self.connection.commit().await?)
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

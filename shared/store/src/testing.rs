//! Ground for the tests of a service's SQL: a database of its own, in which anything can be written. Used by tests only.

use std::{fmt::Display, future::Future, path::PathBuf};

use sqlx::{AssertSqlSafe, migrate::Migrator};

use crate::{Store, StoreError};

/// A database that is gone when the test is over.
pub struct Database {
    /// The database.
    pub store: Store,
    folder: PathBuf,
}

impl Database {
    /// An empty one with these tables.
    ///
    /// # Errors
    /// If it cannot be made.
    pub async fn new(tables: &Migrator) -> Result<Self, StoreError> {
        let folder = std::env::temp_dir().join(format!("beers-database-{:08x}", rand::random::<u32>()));
        Ok(Database { store: Store::open(&folder, "test", 1, None, tables).await?, folder })
    }

    /// Runs any statement.
    ///
    /// # Errors
    /// If it fails.
    pub async fn execute(&self, sql: &str) -> Result<(), StoreError> {
        let mut transaction = self.store.begin().await?;
        sqlx::query(AssertSqlSafe(sql)).execute(&mut *transaction).await?;
        transaction.commit().await
    }

    /// Writes each of these values, as SQL writes them, into a column, and then puts back what was there. Returns those
    /// that `load` does not refuse with an error that names the table and the column.
    ///
    /// # Errors
    /// If a statement fails.
    pub async fn not_refused<L, E, Loading>(
        &self,
        table: &str,
        column: &str,
        values: &[&str],
        mut load: impl FnMut(Store) -> Loading,
    ) -> Result<Vec<String>, StoreError>
    where
        E: Display,
        Loading: Future<Output = Result<L, E>>,
    {
        self.execute(&format!("create table kept as select * from {table}")).await?;
        let mut not_refused = Vec::new();
        for value in values {
            self.execute(&format!("update {table} set {column} = {value}")).await?;
            let said = load(self.store.clone()).await.err().map(|error| format!("{error:#}")).unwrap_or_default();
            if !said.contains(&format!("{table}.{column}")) {
                not_refused.push(format!("{column} = {value}: {said:?}"));
            }
            self.execute(&format!("delete from {table}")).await?;
            self.execute(&format!("insert into {table} select * from kept")).await?;
        }
        self.execute("drop table kept").await?;
        Ok(not_refused)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

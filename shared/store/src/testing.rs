//! The database of tests of a service's SQL: a file of its own, in which anything can be written. Used by tests only.

use std::{
    fmt::Display,
    future::Future,
    ops::Deref,
    path::{Path, PathBuf},
};

use bus::{Broker, Bus, Scope};
use sqlx::{AssertSqlSafe, migrate::Migrator};

use crate::{Store, StoreError};

/// A folder that is deleted when it is dropped.
pub struct Folder(PathBuf);

impl Default for Folder {
    fn default() -> Self {
        Folder(std::env::temp_dir().join(format!("beers-store-{:08x}", rand::random::<u32>())))
    }
}

impl Deref for Folder {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// A bus without a broker: nothing listens at its address.
pub fn bus_without_broker() -> Bus {
    let (url, admin_url) = ("pulsar://127.0.0.1:1".to_owned(), "http://127.0.0.1:1".to_owned());
    let broker = Broker { url, admin_url, token: None, authorities: None };
    Bus::new(broker, Scope { tenant: "none".to_owned(), episode: 1 })
}

/// A database that is deleted when it is dropped.
pub struct Database {
    pub store: Store,
    _folder: Folder,
}

impl Database {
    /// An empty one with these tables.
    pub async fn new(tables: &Migrator) -> Result<Self, StoreError> {
        let folder = Folder::default();
        Ok(Database { store: Store::open(&folder, "test", 1, None, tables).await?, _folder: folder })
    }

    pub async fn execute(&self, sql: &str) -> Result<(), StoreError> {
        let mut transaction = self.store.begin().await?;
        sqlx::query(AssertSqlSafe(sql)).execute(&mut *transaction).await?;
        transaction.commit().await
    }

    /// Writes each of these SQL values into its column, calls `load`, and restores the table.
    /// Returns the values that `load` does not refuse with an error that names table and column.
    pub async fn not_refused<L, E, Loading>(
        &self,
        columns: &[(&str, &str, &[&str])],
        mut load: impl FnMut(Store) -> Loading,
    ) -> Result<Vec<String>, StoreError>
    where
        E: Display,
        Loading: Future<Output = Result<L, E>>,
    {
        let mut not_refused = Vec::new();
        for (table, column, values) in columns {
            self.execute(&format!("create table kept as select * from {table}")).await?;
            for value in *values {
                self.execute(&format!("update {table} set {column} = {value}")).await?;
                let said = load(self.store.clone()).await.err().map(|error| format!("{error:#}")).unwrap_or_default();
                if !said.contains(&format!("{table}.{column}")) {
                    not_refused.push(format!("{table}.{column} = {value}: {said:?}"));
                }
                self.execute(&format!("delete from {table}")).await?;
                self.execute(&format!("insert into {table} select * from kept")).await?;
            }
            self.execute("drop table kept").await?;
        }
        Ok(not_refused)
    }
}

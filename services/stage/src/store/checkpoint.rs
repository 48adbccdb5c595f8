//! The stage's checkpoint: the read model and the positions read, written in one transaction.

use std::collections::BTreeMap;

use anyhow::Context as _;
use events::received::Position;
use futures_util::TryStreamExt as _;
use service::Now;
use store::{Columns, Migrator, Store, StoreError, json_of};

use crate::read_model::{
    ReadModel,
    orders::{GONE_MAX, Unsaved},
};

pub static TABLES: Migrator = sqlx::migrate!();

/// The subject of the positions.
const POSITIONS: &str = "positions";

/// How far each topic is read.
pub type Positions = BTreeMap<String, Position>;

/// The checkpoint of one episode.
pub struct Checkpoint {
    store: Store,
    /// What was written of each subject: only changes are written again.
    facts: BTreeMap<&'static str, String>,
}

impl Checkpoint {
    /// The read model at the last checkpoint.
    ///
    /// # Errors
    /// If the database cannot be read, or holds an unexpected value.
    pub async fn load(store: &Store, now: Now) -> anyhow::Result<(Self, ReadModel, Positions)> {
        let (mut known, mut positions) = (ReadModel::default(), Positions::default());
        let rows = sqlx::query("select subject, facts from facts").fetch_all(store.reader()).await?;
        for row in &rows {
            let row = Columns::of("facts", row);
            let (subject, facts) = (row.text("subject")?, row.text("facts")?);
            if subject == POSITIONS {
                positions = row.json("facts")?;
                continue;
            }
            let is_known = known.restore(&subject, &facts).with_context(|| format!("facts.facts of {subject}"))?;
            anyhow::ensure!(is_known, "facts.subject is {subject:?}, which is unknown");
        }
        // All orders known in detail, and the last ones that left, oldest first.
        let mut rows = sqlx::query(
            "select order_id, facts from orders
             where facts is not null or rowid > (select max(rowid) from orders) - $1 order by rowid",
        )
        .bind(i64::try_from(GONE_MAX)?)
        .fetch(store.reader());
        while let Some(row) = rows.try_next().await? {
            let row = Columns::of("orders", &row);
            known.orders.restore(row.parsed("order_id")?, row.optional("facts", Columns::json)?);
        }
        known.restored(now);
        Ok((Checkpoint { store: store.clone(), facts: BTreeMap::new() }, known, positions))
    }

    /// Writes the changes and the positions.
    pub async fn save(
        &mut self,
        orders: &Unsaved,
        facts: Vec<(&'static str, String)>,
        positions: &Positions,
    ) -> Result<(), StoreError> {
        let positions = (POSITIONS, json_of("facts", "facts", positions)?);
        let is_new = |(subject, facts): &(&'static str, String)| self.facts.get(subject) != Some(facts);
        let changed: Vec<_> = facts.into_iter().chain([positions]).filter(is_new).collect();
        let mut transaction = self.store.begin().await?;
        for rows in orders {
            sqlx::query(
                "insert into orders (order_id, facts) select value ->> 0, value ->> 1 from json_each($1) where true
                 on conflict (order_id) do update set facts = excluded.facts",
            )
            .bind(rows)
            .execute(&mut *transaction)
            .await?;
        }
        sqlx::query(
            "insert into facts (subject, facts) select value ->> 0, value ->> 1 from json_each($1) where true
             on conflict (subject) do update set facts = excluded.facts",
        )
        .bind(json_of("facts", "facts", &changed)?)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        self.facts.extend(changed);
        Ok(())
    }
}

#[cfg(test)]
mod tests;

//! All of delivery's SQL, apart from inbox and outbox.

use events::ids::OrderId;
use sqlx::sqlite::SqliteRow;
use store::{Columns, Migrator, StoreError, Transaction, json_of};

use crate::round::{Parcel, State};

pub(crate) static TABLES: Migrator = sqlx::migrate!();

/// The parcel of this order; `None` if it is unknown.
pub(crate) async fn load(transaction: &mut Transaction, order_id: &OrderId) -> Result<Option<Parcel>, StoreError> {
    let row = sqlx::query("select state, round, attempts, task from parcels where order_id = $1")
        .bind(order_id.as_str())
        .fetch_optional(&mut **transaction)
        .await?;
    row.as_ref().map(read).transpose()
}

/// Writes a parcel, with the courier who tried last.
pub(crate) async fn save(
    transaction: &mut Transaction,
    order_id: &OrderId,
    parcel: &Parcel,
    courier: Option<&str>,
) -> Result<(), StoreError> {
    let (state, task) = written(&parcel.state)?;
    sqlx::query(
        "insert into parcels (order_id, state, round, attempts, courier, task) values ($1, $2, $3, $4, $5, $6)
         on conflict (order_id) do update set state = excluded.state, round = excluded.round,
             attempts = excluded.attempts, courier = coalesce(excluded.courier, parcels.courier), task = excluded.task",
    )
    .bind(order_id.as_str())
    .bind(state)
    .bind(i64::from(parcel.round))
    .bind(i64::from(parcel.attempts))
    .bind(courier)
    .bind(task)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

const UNDER_WAY: &str = "under_way";
const DELIVERED: &str = "delivered";
const STRANDED: &str = "stranded";
const RETURNED: &str = "returned";

fn written(state: &State) -> Result<(&'static str, Option<String>), StoreError> {
    Ok(match state {
        State::UnderWay { next } => {
            (UNDER_WAY, next.as_ref().map(|next| json_of("parcels", "task", next)).transpose()?)
        }
        State::Delivered => (DELIVERED, None),
        State::Returned => (RETURNED, None),
        State::Stranded { task } => (STRANDED, Some(json_of("parcels", "task", task)?)),
    })
}

fn read(row: &SqliteRow) -> Result<Parcel, StoreError> {
    let row = Columns::of("parcels", row);
    let word = row.found("state", "a state of a parcel", |word| {
        [UNDER_WAY, DELIVERED, RETURNED, STRANDED].into_iter().find(|known| *known == word)
    })?;
    let state = match word {
        STRANDED => State::Stranded { task: row.json("task")? },
        DELIVERED => State::Delivered,
        RETURNED => State::Returned,
        _ => State::UnderWay { next: row.optional("task", Columns::json)? },
    };
    Ok(Parcel { state, round: row.number("round")?, attempts: row.number("attempts")? })
}

#[cfg(test)]
mod tests {
    use store::{Store, testing::Database};

    use super::*;

    #[tokio::test]
    async fn a_column_that_cannot_be_is_refused_by_name() {
        let database = Database::new(&TABLES).await.unwrap();
        let order_id: OrderId = "a".parse().unwrap();
        database
            .execute("insert into parcels (order_id, state, round, attempts) values ('a', 'delivered', 1, 2)")
            .await
            .unwrap();
        let load_it = async |store: Store| load(&mut store.begin().await?, &order_id).await;
        let number = &["-1", "4294967296", "1.5", "'many'"][..];
        let wrong = [
            ("parcels", "state", &["'lost'", "''", "x'ff'"][..]),
            ("parcels", "round", number),
            ("parcels", "attempts", number),
        ];
        assert_eq!(database.not_refused(&wrong, load_it).await.unwrap(), [""; 0]);
        // Of a stranded parcel the task must be there.
        database.execute("update parcels set state = 'stranded'").await.unwrap();
        let wrong = [("parcels", "task", &["null", "'{}'", "'{'", "x'ff'"][..])];
        assert_eq!(database.not_refused(&wrong, load_it).await.unwrap(), [""; 0]);
        database.execute("update parcels set state = 'delivered'").await.unwrap();
        assert_eq!(load_it(database.store.clone()).await.unwrap().unwrap().attempts, 2);
    }
}

//! All of delivery's SQL, beside inbox and outbox.

use events::{delivery::DeliveryOrder, ids::OrderId};
use store::{Migrator, StoreError, Transaction};

use crate::round::{Parcel, State};

/// Delivery's tables.
pub(crate) static TABLES: Migrator = sqlx::migrate!();

type Row = (String, i64, i64, Option<String>);

/// The parcel of this order; `None` if the book does not have it yet.
pub(crate) async fn load(transaction: &mut Transaction, order_id: &OrderId) -> Result<Option<Parcel>, StoreError> {
    let row: Option<Row> = sqlx::query_as("select state, round, attempts, task from parcels where order_id = $1")
        .bind(order_id.as_str())
        .fetch_optional(&mut **transaction)
        .await?;
    row.map(read).transpose()
}

/// Writes a parcel into the book, with the courier who tried last.
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

/// Writes a parcel into the book unless it has one of this order; `false` if so.
pub(crate) async fn save_if_unknown(
    transaction: &mut Transaction,
    order_id: &OrderId,
    parcel: &Parcel,
) -> Result<bool, StoreError> {
    let (state, task) = written(&parcel.state)?;
    let inserted = sqlx::query(
        "insert into parcels (order_id, state, round, attempts, task) values ($1, $2, $3, $4, $5)
         on conflict (order_id) do nothing",
    )
    .bind(order_id.as_str())
    .bind(state)
    .bind(i64::from(parcel.round))
    .bind(i64::from(parcel.attempts))
    .bind(task)
    .execute(&mut **transaction)
    .await?;
    Ok(inserted.rows_affected() > 0)
}

const UNDER_WAY: &str = "under_way";
const DELIVERED: &str = "delivered";
const STRANDED: &str = "stranded";
const RETURNED: &str = "returned";

fn written(state: &State) -> Result<(&'static str, Option<String>), StoreError> {
    Ok(match state {
        State::UnderWay => (UNDER_WAY, None),
        State::Delivered => (DELIVERED, None),
        State::Returned => (RETURNED, None),
        State::Stranded { task } => {
            let task = serde_json::to_string(task).map_err(|error| StoreError::Message(error.to_string()))?;
            (STRANDED, Some(task))
        }
    })
}

fn read((state, round, attempts, task): Row) -> Result<Parcel, StoreError> {
    let broken = |what: &str| StoreError::Message(format!("the book of parcels is broken: {what}"));
    let state = match (state.as_str(), task) {
        (UNDER_WAY, _) => State::UnderWay,
        (DELIVERED, _) => State::Delivered,
        (RETURNED, _) => State::Returned,
        (STRANDED, Some(task)) => {
            let task: DeliveryOrder = serde_json::from_str(&task).map_err(|error| broken(&error.to_string()))?;
            State::Stranded { task }
        }
        (other, _) => return Err(broken(other)),
    };
    let round = u32::try_from(round).map_err(|_| broken("a round"))?;
    let attempts = u32::try_from(attempts).map_err(|_| broken("attempts"))?;
    Ok(Parcel { state, round, attempts })
}

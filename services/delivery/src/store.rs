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

const UNDER_WAY: &str = "under_way";
const DELIVERED: &str = "delivered";
const STRANDED: &str = "stranded";
const RETURNED: &str = "returned";

fn written(state: &State) -> Result<(&'static str, Option<String>), StoreError> {
    Ok(match state {
        State::UnderWay { next } => (UNDER_WAY, next.as_ref().map(to_json).transpose()?),
        State::Delivered => (DELIVERED, None),
        State::Returned => (RETURNED, None),
        State::Stranded { task } => (STRANDED, Some(to_json(task)?)),
    })
}

fn to_json(task: &DeliveryOrder) -> Result<String, StoreError> {
    serde_json::to_string(task).map_err(|error| StoreError::Message(error.to_string()))
}

fn read((state, round, attempts, task): Row) -> Result<Parcel, StoreError> {
    let broken = |what: &str| StoreError::Message(format!("the book of parcels is broken: {what}"));
    let task = task.map(|task| serde_json::from_str::<DeliveryOrder>(&task)).transpose();
    let state = match (state.as_str(), task.map_err(|error| broken(&error.to_string()))?) {
        (UNDER_WAY, next) => State::UnderWay { next },
        (DELIVERED, _) => State::Delivered,
        (RETURNED, _) => State::Returned,
        (STRANDED, Some(task)) => State::Stranded { task },
        (other, _) => return Err(broken(other)),
    };
    let round = u32::try_from(round).map_err(|_| broken("a round"))?;
    let attempts = u32::try_from(attempts).map_err(|_| broken("attempts"))?;
    Ok(Parcel { state, round, attempts })
}

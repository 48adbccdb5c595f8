//! The read model as it was when the process ended: what must be known again after a restart.

use events::{
    ids::{BeerId, Service},
    insights::Insight,
    orders::{self, Line},
    quantities::{Bottles, Sequence},
    topics::ORDER_DECISIONS,
    unreadable::{ReasonCode, Unreadable},
};
use sqlx::sqlite::SqliteRow;
use store::{Columns, Store, StoreError};
use web::order::progress::Progress;

use crate::{
    shop::store::{orders::status, read::service},
    stage::read_model::{
        ReadModel,
        newest::{NEWEST_MAX, listed},
        parcels::DEAD_LETTERS_SHOWN_MAX,
        shelves::Shelves,
        stock::Shelf,
    },
};

/// What is known at the start of the process.
///
/// # Errors
/// If the database fails.
pub async fn load(store: &Store) -> Result<ReadModel, StoreError> {
    let mut known = ReadModel::default();
    known.shelves = load_shelves(store).await?;
    load_parcels(store, &mut known).await?;
    load_tried(store, &mut known).await?;
    load_delivered(store, &mut known).await?;
    load_newest(store, &mut known).await?;
    let orders = sqlx::query("select count(*) as placed from orders").fetch_one(store.reader()).await?;
    known.count_orders(Columns::of("orders", &orders).number("placed")?);
    load_decided(store, &mut known).await?;
    let insights = sqlx::query("select insight, since from insights").fetch_all(store.reader()).await?;
    for row in &insights {
        let row = Columns::of("insights", row);
        known.stored_insight(&row.json::<Insight>("insight")?, row.moment("since")?);
    }
    load_unreadable(store, &mut known).await?;
    Ok(known)
}

/// The newest of them, and how many there are.
async fn load_unreadable(store: &Store, known: &mut ReadModel) -> Result<(), StoreError> {
    let all = sqlx::query("select count(*) as unreadable from unreadable").fetch_one(store.reader()).await?;
    let all: u64 = Columns::of("unreadable", &all).number("unreadable")?;
    let newest = sqlx::query(
        "select topic, message_id, reader, code, reason, first_bytes, at from unreadable order by at desc limit $1",
    )
    .bind(i64::try_from(DEAD_LETTERS_SHOWN_MAX).unwrap_or(i64::MAX))
    .fetch_all(store.reader())
    .await?;
    known.count_unreadable(all.saturating_sub(newest.len() as u64));
    for row in newest.iter().rev() {
        let row = Columns::of("unreadable", row);
        known.unreadable(Unreadable {
            topic: row.text("topic")?,
            message_id: row.text("message_id")?,
            reader: service(row, "reader")?,
            code: row.found("code", "a reason", ReasonCode::find)?,
            reason: row.text("reason")?,
            first_bytes: row.text("first_bytes")?,
            at: row.moment("at")?,
        });
    }
    Ok(())
}

async fn load_shelves(store: &Store) -> Result<Shelves, StoreError> {
    let rows = sqlx::query(
        "select beer, level, sequence, shown_level, shown_sequence, shown_written, worker, settled from beers",
    )
    .fetch_all(store.reader())
    .await?;
    Ok(Shelves::of(rows.iter().map(shelf).collect::<Result<Vec<_>, _>>()?))
}

fn shelf(row: &SqliteRow) -> Result<(BeerId, Shelf), StoreError> {
    let row = Columns::of("beers", row);
    let shelf = Shelf {
        level: row.optional("level", Columns::number)?.map(Bottles),
        sequence: Sequence(row.number("sequence")?),
        shown_level: row.optional("shown_level", Columns::number)?.map(Bottles),
        shown_sequence: Sequence(row.number("shown_sequence")?),
        settled: Sequence(row.number("settled")?),
        shown_written: row.number("shown_written")?,
        worker: row.optional("worker", Columns::text)?,
    };
    Ok((BeerId::new(row.text("beer")?), shelf))
}

async fn load_parcels(store: &Store, known: &mut ReadModel) -> Result<(), StoreError> {
    let rows = sqlx::query(
        "select order_id, customer, address, status, failure, courier, attempt, retry_at, changed_at
         from orders where status in ('accepted', 'retrying', 'picked_up', 'stranded')",
    )
    .fetch_all(store.reader())
    .await?;
    for row in &rows {
        let row = Columns::of("orders", row);
        let progress = Progress {
            status: status(row, "status")?,
            failure: row.optional("failure", Columns::json)?,
            courier: row.optional("courier", Columns::text)?,
            attempt: row.number("attempt")?,
            retry_at: row.optional("retry_at", Columns::moment)?,
            ..Progress::placed()
        };
        let (customer, address) = (row.text("customer")?, row.text("address")?);
        known.parcels.moved(&row.parsed("order_id")?, &customer, &address, &progress, row.moment("changed_at")?);
    }
    Ok(())
}

/// What was tried with parcels that are still under way or stranded.
async fn load_tried(store: &Store, known: &mut ReadModel) -> Result<(), StoreError> {
    let rows = sqlx::query(
        "select journey.order_id, journey.at, journey.what from orders join journey using (order_id)
         where orders.status in ('retrying', 'picked_up', 'stranded') and journey.service = $1 order by journey.at",
    )
    .bind(Service::Delivery.name())
    .fetch_all(store.reader())
    .await?;
    for row in &rows {
        let row = Columns::of("journey", row);
        known.parcels.tried(&row.parsed("order_id")?, row.moment("at")?, &row.json("what")?);
    }
    Ok(())
}

async fn load_newest(store: &Store, known: &mut ReadModel) -> Result<(), StoreError> {
    let rows =
        sqlx::query("select order_id, customer, lines, status, placed_at from orders order by placed_at desc limit $1")
            .bind(i64::try_from(NEWEST_MAX).unwrap_or(i64::MAX))
            .fetch_all(store.reader())
            .await?;
    for row in &rows {
        let row = Columns::of("orders", row);
        let bottles = orders::bottles(&row.json::<Vec<Line>>("lines")?);
        let (order_id, customer) = (row.parsed("order_id")?, row.text("customer")?);
        known.newest.placed(listed(&order_id, &customer, bottles.0, status(row, "status")?, row.moment("placed_at")?));
    }
    Ok(())
}

async fn load_decided(store: &Store, known: &mut ReadModel) -> Result<(), StoreError> {
    let row = sqlx::query(
        "select count(*) - (select count(*) from orders where refusal is not null) as accepted,
                (select count(*) from orders where refusal is not null) as refused
         from journey where topic = $1",
    )
    .bind(ORDER_DECISIONS.spec.name)
    .fetch_one(store.reader())
    .await?;
    let row = Columns::of("journey", &row);
    known.count_decided(row.number("accepted")?, row.number("refused")?);
    Ok(())
}

async fn load_delivered(store: &Store, known: &mut ReadModel) -> Result<(), StoreError> {
    let rows =
        sqlx::query("select courier, count(*) as delivered from orders where status = 'delivered' group by courier")
            .fetch_all(store.reader())
            .await?;
    for row in &rows {
        let row = Columns::of("orders", row);
        known.parcels.count_delivered(&row.text("courier")?, row.number("delivered")?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use events::ids::OrderId;
    use store::testing::Database;

    use super::*;
    use web::order::view::What;

    use crate::shop::store::{
        orders::{TABLES, state},
        read::order,
    };

    /// Everything the website reads from its database.
    async fn read_all(store: Store) -> Result<(), StoreError> {
        let order_id: OrderId = "a".parse().unwrap();
        load(&store).await?;
        order(&store, &order_id).await?;
        state(&mut store.begin().await?, &order_id).await?;
        Ok(())
    }

    #[tokio::test]
    async fn a_column_that_cannot_be_is_refused_by_name() {
        let database = Database::new(&TABLES).await.unwrap();
        for row in [
            "insert into orders (order_id, customer, address, lines, total_cents, placed_at, status, updated, refusal,
                                 failure, courier, attempt, retry_at, changed_at, returned, released)
             values ('a', 'Ada', 'Gent', '[]', 320, 1, 'stranded', 1, null, null, 'Bart', 2, 9, 8, 0, 0)",
            "insert into orders (order_id, customer, address, lines, total_cents, placed_at, status, updated, courier,
                                 attempt, changed_at, returned, released)
             values ('b', 'Ada', 'Gent', '[]', 320, 1, 'delivered', 1, 'Bart', 2, 8, 0, 0)",
            "insert into journey (event_id, order_id, at, service, topic, what, beer, sequence, ledger, entry)
             values ('e', 'a', 1, 'delivery', 'delivery-updates', '\"Counted\"', 'orval', 3, 12, 34)",
            // Each order has its decision: how many were accepted follows from both.
            "insert into journey (event_id, order_id, at, service, topic, what)
             values ('d', 'a', 1, 'warehouse', 'order-decisions', ''), ('f', 'b', 1, 'warehouse', 'order-decisions', '')",
            "insert into beers (beer, level, sequence, shown_level, shown_sequence, shown_written, worker, settled)
             values ('orval', 7, 3, 7, 3, 5, 'desk', 3)",
            "insert into shown (beer, sequence, at, level, event_id) values ('orval', 3, 1, 7, 'e')",
            "insert into counted (ledger, entry, at, event_id) values (12, 34, 1, 'e')",
            "insert into insights (kind, insight, at, since) values ('sales', '{}', 1, 1)",
            "insert into unreadable (topic, message_id, reader, reason, first_bytes, at)
             values ('orders', '1:2', 'warehouse', 'undecodable', '', 1)",
        ] {
            database.execute(row).await.unwrap();
        }
        let what = serde_json::to_string(&What::Counted).unwrap();
        database.execute(&format!("update journey set what = '{what}'")).await.unwrap();
        let insight = serde_json::to_string(&Insight::Sales(events::insights::Sales::default())).unwrap();
        database.execute(&format!("update insights set insight = '{insight}'")).await.unwrap();
        read_all(database.store.clone()).await.unwrap();
        let (number, small) = (&["-1", "1.5", "'many'"][..], &["-1", "4294967296", "'many'"][..]);
        let (flag, json, text) = (&["2", "-1", "'yes'"][..], &["''", "'{'", "'7'", "x'ff'"][..], &["x'ff'"][..]);
        let whole = &["1.5", "'many'", "x'01'"][..];
        let moment = &["-1", "253402300800000000", "1.5", "'yesterday'", "x'01'"][..];
        let wrong = [
            ("orders", "customer", text),
            ("orders", "address", text),
            ("orders", "lines", json),
            ("orders", "total_cents", number),
            ("orders", "placed_at", moment),
            ("orders", "status", &["'lost'", "''", "x'ff'"]),
            ("orders", "updated", flag),
            ("orders", "refusal", json),
            ("orders", "failure", json),
            ("orders", "courier", text),
            ("orders", "attempt", small),
            ("orders", "retry_at", moment),
            ("orders", "changed_at", moment),
            ("orders", "returned", flag),
            ("orders", "released", flag),
            ("journey", "at", moment),
            ("journey", "service", &["'brewery'", "x'ff'"]),
            ("journey", "topic", &["'no-such-topic'", "x'ff'"]),
            ("journey", "what", json),
            ("journey", "beer", text),
            ("journey", "sequence", whole),
            ("journey", "ledger", whole),
            ("journey", "entry", whole),
            ("beers", "beer", text),
            ("beers", "level", small),
            ("beers", "sequence", number),
            ("beers", "shown_level", small),
            ("beers", "shown_sequence", number),
            ("beers", "shown_written", number),
            ("beers", "settled", number),
            ("shown", "at", moment),
            ("shown", "level", small),
            ("counted", "at", moment),
            ("insights", "insight", json),
            ("insights", "since", moment),
            ("unreadable", "reader", &["'nobody'"]),
            ("unreadable", "at", moment),
        ];
        assert_eq!(database.not_refused(&wrong, read_all).await.unwrap(), [""; 0]);
        // One who has delivered has a name.
        database.execute("update orders set courier = null where order_id = 'b'").await.unwrap();
        let refused = read_all(database.store.clone()).await.unwrap_err();
        assert!(refused.to_string().starts_with("orders.courier is \"null\""), "{refused}");
        database.execute("update orders set courier = 'Bart', order_id = 'no id' where order_id = 'b'").await.unwrap();
        let refused = read_all(database.store.clone()).await.unwrap_err();
        assert!(refused.to_string().starts_with("orders.order_id is \"no id\""), "{refused}");
    }
}

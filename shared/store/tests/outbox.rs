//! Inbox and outbox: on a real database, and against a real broker.
#![expect(clippy::unwrap_used, reason = "what cannot be here ends the test")]

use std::sync::atomic::Ordering;

use anyhow::Result;
use bus::{Admin, Broker, Bus, Scope, Until, set_up};
use events::{
    ids::{Moment, OrderId},
    orders::{Line, PlaceOrder, PlaceOrderType},
    quantities::Bottles,
    topics::ORDERS,
};
use sqlx::{SqlitePool, sqlite::SqliteConnectOptions};
use store::{
    Migrator, Outbox, Store, enqueue, record_once,
    testing::{Database, Folder, bus_without_broker},
};

static NO_TABLES: Migrator = Migrator::DEFAULT;

fn order(n: u32) -> (OrderId, PlaceOrder) {
    let order_id: OrderId = format!("o-{n}").parse().unwrap();
    let lines = vec![Line { beer: events::ids::BeerId::new("orval"), bottles: Bottles(n) }];
    let order = PlaceOrder {
        kind: PlaceOrderType::PlaceOrder,
        order_id: Some(order_id.clone()),
        customer: "Ada".into(),
        address: "Gent".into(),
        lines,
    };
    (order_id, order)
}

async fn put(store: &Store, n: u32, commit: bool) -> Result<()> {
    let (order_id, order) = order(n);
    let mut transaction = store.begin().await?;
    if record_once(&mut transaction, order_id.as_str()).await? {
        let at = Moment::from_micros(i64::from(n));
        enqueue(&mut transaction, ORDERS, order_id.as_str(), at, &order)?;
    }
    if commit {
        transaction.commit().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_committed_is_published_once_in_order_and_the_rest_never() -> Result<()> {
    let address = |name: &str, otherwise: &str| std::env::var(name).unwrap_or_else(|_| otherwise.to_owned());
    let broker = Broker {
        url: address("PULSAR_URL", "pulsar://127.0.0.1:6650"),
        admin_url: address("PULSAR_ADMIN_URL", "http://127.0.0.1:8080"),
        token: None,
        authorities: None,
    };
    let place = Scope { tenant: format!("test-{:08x}", rand::random::<u32>()), episode: 1 };
    set_up(&Admin::new(&broker)?, &place).await?;
    let (bus, folder) = (Bus::new(broker, place), Folder::default());
    let store = Store::open(&folder, "website", 1, Some("5f3a9c"), &NO_TABLES).await?;
    for n in 1..=20 {
        put(&store, n, n % 5 != 0).await?;
        put(&store, n, n % 5 != 0).await?;
    }
    assert_eq!(store.unpublished().load(Ordering::Relaxed), 16);
    // As after a crash: the rows are there before the outbox is.
    let (outbox, handle) = Outbox::new(store.clone(), &bus);
    let running = tokio::spawn(outbox.run());
    assert!(handle.flush().await);
    put(&store, 21, true).await?;
    assert!(handle.flush().await);
    let mut replay = bus.replay(ORDERS, Until::Now);
    let mut read = Vec::new();
    while let Some(batch) = replay.next().await? {
        read.extend(
            batch.into_iter().map(|received| (received.message.unwrap().lines[0].bottles.0, received.event_id)),
        );
    }
    let expected: Vec<u32> = (1..=21).filter(|n| n % 5 != 0).collect();
    assert_eq!(read.iter().map(|(n, _)| *n).collect::<Vec<_>>(), expected);
    let mut ids: Vec<_> = read.into_iter().map(|(_, id)| id).collect();
    ids.dedup();
    assert_eq!(ids.len(), expected.len(), "each has an id of its own");
    assert_eq!(store.unpublished().load(Ordering::Relaxed), 0);
    running.abort();
    Ok(())
}

/// A data folder from before outboxes kept traces, with a message that was not published yet.
#[tokio::test]
async fn what_an_earlier_version_left_still_waits() -> Result<()> {
    let folder = Folder::default();
    std::fs::create_dir_all(&*folder)?;
    let file = SqliteConnectOptions::new().filename(folder.join("website-1.sqlite")).create_if_missing(true);
    let earlier = SqlitePool::connect_with(file).await?;
    let before_traces = sqlx::migrate!().iter().filter(|migration| migration.version < 4).cloned().collect();
    let mut tables = Migrator::with_migrations(before_traces);
    tables.dangerous_set_table_name("store_migrations");
    tables.run(&earlier).await?;
    sqlx::query("insert into outbox (topic, key, at, order_id, payload) values ('orders', 'a', 1, 'a', x'7b7d')")
        .execute(&earlier)
        .await?;
    earlier.close().await;
    let store = Store::open(&folder, "website", 1, None, &NO_TABLES).await?;
    assert_eq!(store.unpublished().load(Ordering::Relaxed), 1);
    let kept: (String, Option<String>) =
        sqlx::query_as("select key, traceparent from outbox").fetch_one(store.reader()).await?;
    assert_eq!(kept, ("a".to_owned(), None));
    Ok(())
}

#[tokio::test]
async fn a_row_that_cannot_be_ends_the_outbox_and_stays() -> Result<()> {
    let bus = bus_without_broker();
    let database = Database::new(&NO_TABLES).await?;
    database.execute("insert into outbox (topic, key, at, payload) values ('orders', 'a', 1, x'7b7d')").await?;
    let publish = async |store: Store| Outbox::new(store, &bus).0.run().await;
    let wrong = [
        ("outbox", "topic", &["'no-such-topic'"][..]),
        ("outbox", "key", &["x'ff'"]),
        ("outbox", "at", &["'now'", "1.5", "-1"]),
        ("outbox", "traceparent", &["'no trace'", "x'ff'"]),
        ("outbox", "deliver_at", &["'later'", "253402300800000000"]),
        ("outbox", "payload", &["7"]),
    ];
    assert_eq!(database.not_refused(&wrong, publish).await?, [""; 0]);
    let rows = sqlx::query("select id from outbox").fetch_all(database.store.reader()).await?;
    assert_eq!(rows.len(), 1);
    Ok(())
}

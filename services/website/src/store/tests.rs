use std::collections::{BTreeMap, HashSet};

use events::{
    ids::{BeerId, EventId, Moment, OrderId, Service},
    orders::Line,
    quantities::{Bottles, Cents},
    topics::{DELIVERY_UPDATES, ORDERS},
};
use store::{Store, StoreError, testing::Database};
use web::order::{
    progress::Progress,
    view::{Status, What},
};

use crate::{
    read_model::Level,
    store::{
        levels,
        orders::{self, Before, Hop, OrderState, Placed, StoredKey, TABLES},
        read,
    },
};

fn id(order: &str) -> OrderId {
    order.parse().unwrap()
}

fn placed(order: &str, key: Option<StoredKey>) -> Placed {
    Placed {
        order_id: id(order),
        key,
        customer: "Zoë \"B\"".into(),
        address: "Gent".into(),
        lines: vec![Line { beer: BeerId::new("orval"), bottles: Bottles(2) }],
        total: Cents(720),
        at: Moment::from_micros(5),
    }
}

fn hop(event: &str, at: i64, what: What) -> Hop {
    let (service, topic) = match what {
        What::Placed => (Service::Website, ORDERS.spec.name),
        _ => (Service::Delivery, DELIVERY_UPDATES.spec.name),
    };
    Hop { event_id: EventId::new(event), order_id: id("a"), at: Moment::from_micros(at), service, topic, what }
}

#[tokio::test]
async fn what_is_written_by_the_batch_is_read_as_it_was_written() {
    let database = Database::new(&TABLES).await.unwrap();
    let mut transaction = database.store.begin().await.unwrap();
    let key = StoredKey { key: "client k".into(), ordered: Some("[\"Ada\"]".into()) };
    orders::place(&mut transaction, &[placed("a", Some(key.clone())), placed("b", None)]).await.unwrap();
    // An order is placed once, whatever comes later with its id.
    let other = Placed { customer: "Mallory".into(), ..placed("b", None) };
    orders::place(&mut transaction, &[other]).await.unwrap();
    let delivered = What::Delivered { courier: "Ada".into() };
    orders::add_hops(&mut transaction, &[hop("2", 9, delivered.clone()), hop("1", 5, What::Placed)]).await.unwrap();
    orders::add_hops(&mut transaction, &[hop("1", 7, What::Returned)]).await.unwrap();
    let progress = Progress {
        status: Status::Retrying,
        decided: true,
        updated: true,
        failure: Some(events::delivery::FailureReason::AddressNotFound),
        courier: Some("Ada".into()),
        attempt: 2,
        retry_at: Some(Moment::from_micros(12)),
        ..Progress::placed()
    };
    let state = OrderState { placed: true, progress, address: "Brugge".into() };
    let states = [(&id("a"), &state, Moment::from_micros(9))];
    orders::save_states(&mut transaction, states.into_iter()).await.unwrap();

    let known = orders::states(&mut transaction, &HashSet::from([id("a"), id("b"), id("c")])).await.unwrap();
    let untouched = OrderState { placed: true, progress: Progress::placed(), address: "Gent".into() };
    assert_eq!(known, [(id("a"), state), (id("b"), untouched)].into());
    let before = Before { order_id: id("a"), ordered: key.ordered };
    let keys = orders::of_keys(&mut transaction, &["client k".into(), "client j".into()]).await.unwrap();
    assert_eq!(keys, [("client k".to_owned(), before)].into());
    let hops = orders::known_hops(&mut transaction, &[&EventId::new("1"), &EventId::new("3")]).await.unwrap();
    assert_eq!(hops, [EventId::new("1")].into());
    transaction.commit().await.unwrap();

    let shown = read::order(&database.store, &id("a")).await.unwrap().unwrap();
    assert_eq!(
        (shown.status, shown.address.as_str(), shown.courier.as_deref()),
        (Status::Retrying, "Brugge", Some("Ada"))
    );
    assert_eq!((shown.total, shown.lines), (Cents(720), placed("a", None).lines));
    let way: Vec<_> = shown.journey.into_iter().map(|step| (step.at.micros(), step.what)).collect();
    assert_eq!(way, [(5, What::Placed), (9, delivered)]);
    let other = read::order(&database.store, &id("b")).await.unwrap().unwrap();
    assert_eq!((other.customer.as_str(), other.status), ("Zoë \"B\"", Status::Placed));
    assert_eq!(read::order(&database.store, &id("c")).await.unwrap(), None);
}

#[tokio::test]
async fn the_last_level_of_a_beer_is_kept() {
    let database = Database::new(&TABLES).await.unwrap();
    let level = |bottles, written| Level { bottles: Bottles(bottles), written };
    let (orval, duvel) = (BeerId::new("orval"), BeerId::new("duvel"));
    for levels in [
        [(orval.clone(), level(200, 1)), (duvel.clone(), level(90, 1))],
        [(orval.clone(), level(199, 2)), (duvel.clone(), level(90, 1))],
    ] {
        let mut transaction = database.store.begin().await.unwrap();
        levels::save(&mut transaction, &levels.into()).await.unwrap();
        levels::save(&mut transaction, &BTreeMap::new()).await.unwrap();
        transaction.commit().await.unwrap();
    }
    let known = levels::load(&database.store).await.unwrap();
    assert_eq!(known, [(orval, level(199, 2)), (duvel, level(90, 1))].into());
}

/// Everything the shop reads from its database, but what waits.
async fn read_all(store: Store) -> Result<(), StoreError> {
    levels::load(&store).await?;
    let mut transaction = store.begin().await?;
    orders::states(&mut transaction, &HashSet::from([id("a")])).await?;
    orders::of_keys(&mut transaction, &["k".to_owned()]).await?;
    drop(transaction);
    read::order(&store, &id("a")).await?;
    Ok(())
}

#[tokio::test]
async fn a_column_that_cannot_be_is_refused_by_name() {
    let database = Database::new(&TABLES).await.unwrap();
    for row in [
        "insert into orders (order_id, idempotency_key, customer, address, lines, total_cents, placed_at, status, updated,
                             courier, attempt, retry_at, changed_at, returned)
         values ('a', 'k', 'Ada', 'Gent', '[]', 320, 1, 'stranded', 1, 'Bart', 2, 9, 8, 0)",
        "insert into journey (event_id, order_id, at, service, topic, what)
         values ('e', 'a', 1, 'delivery', 'delivery-updates', '{\"what\":\"returned\"}')",
        "insert into levels (beer, bottles, written) values ('orval', 7, 5)",
    ] {
        database.execute(row).await.unwrap();
    }
    read_all(database.store.clone()).await.unwrap();
    let (number, small) = (&["-1", "1.5", "'many'"][..], &["-1", "4294967296", "'many'"][..]);
    let (flag, json, text) = (&["2", "-1", "'yes'"][..], &["''", "'{'", "'7'", "x'ff'"][..], &["x'ff'"][..]);
    let moment = &["-1", "253402300800000000", "1.5", "'yesterday'", "x'01'"][..];
    let wrong = [
        ("orders", "customer", text),
        ("orders", "address", text),
        ("orders", "lines", json),
        ("orders", "total_cents", number),
        ("orders", "placed_at", moment),
        ("orders", "status", &["'lost'", "''", "x'ff'"]),
        ("orders", "decided", flag),
        ("orders", "updated", flag),
        ("orders", "refusal", json),
        ("orders", "failure", json),
        ("orders", "courier", text),
        ("orders", "attempt", small),
        ("orders", "retry_at", moment),
        ("orders", "returned", flag),
        ("orders", "ordered", text),
        ("journey", "at", moment),
        ("journey", "service", &["'brewery'", "x'ff'"]),
        ("journey", "what", json),
        ("levels", "beer", text),
        ("levels", "bottles", small),
        ("levels", "written", number),
    ];
    assert_eq!(database.not_refused(&wrong, read_all).await.unwrap(), [""; 0]);
}

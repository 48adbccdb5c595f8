//! What the warehouse believes of `delivery-updates`, against a real broker, before and after a restart.
#![expect(clippy::unwrap_used, reason = "what cannot be here ends the test")]

use anyhow::Result;
use events::{
    delivery::{DeliveryUpdate, FailureReason},
    ids::{BeerId, OrderId, Service},
    orders::{Line, PlaceOrder, PlaceOrderType},
    quantities::Bottles,
    received::Received,
    stock::{StockChange, StockEvent},
    topics::{DELIVERY_UPDATES, ORDER_DECISIONS, ORDERS, STOCK_EVENTS},
    unreadable::ReasonCode,
};
use service::testing::{TestBed, eventually};
use store::{Migrator, Store, record_once};

fn line(beer: &str, bottles: u32) -> Line {
    Line { beer: BeerId::new(beer), bottles: Bottles(bottles) }
}

fn id(order: &str) -> OrderId {
    order.parse().unwrap()
}

fn returned(order: &str, lines: &[Line]) -> DeliveryUpdate {
    DeliveryUpdate::Returned { order_id: id(order), lines: lines.to_vec() }
}

fn delivered(order: &str) -> DeliveryUpdate {
    DeliveryUpdate::Delivered { order_id: id(order), round: 1, attempt: 1, courier: "Ada".into() }
}

async fn place(bed: &TestBed, order: &str, lines: &[Line]) -> Result<()> {
    let placed = PlaceOrder {
        kind: PlaceOrderType::PlaceOrder,
        order_id: Some(id(order)),
        customer: "Ada".into(),
        address: "Grote Markt 1, Brussel".into(),
        lines: lines.to_vec(),
    };
    bed.publish(ORDERS, order, &placed).await
}

/// The levels of this beer in the log, in order, from the first count on.
fn levels(log: &[Received<StockEvent>], beer: &str) -> Vec<(StockChange, u32)> {
    let events = log.iter().filter_map(|received| received.message.as_ref().ok());
    events.filter(|event| event.beer.as_str() == beer).map(|event| (event.change, event.level.0)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_back_what_it_gave_out_once_and_nothing_else() -> Result<()> {
    let bed = TestBed::new().await?;
    let warehouse = bed.start(Service::Warehouse, warehouse::run);
    let got = [line("orval", 2), line("duvel", 3)];
    for order in ["back", "delivered", "other"] {
        place(&bed, order, &got).await?;
    }
    place(&bed, "refused", &[line("westvleteren-12", 13)]).await?;
    bed.read_until(ORDER_DECISIONS, |all| all.len() >= 4).await?;
    let reason = FailureReason::AddressNotFound;
    let (round, attempts, courier, address) = (1, 4, "Ada".to_owned(), "nowhere".to_owned());
    let updates = [
        // Untrue: about unknown orders, with doubled lines, with more bottles than there are.
        returned("zz", &[line("orval", 1), line("orval", 1)]),
        returned("zz", &[line("orval", 4_000_000_000)]),
        delivered("nobody"),
        // Untrue: with other bottles, or none, or about an order that was given none.
        returned("back", &[line("orval", 1), line("orval", 1)]),
        returned("other", &[line("orval", 2)]),
        returned("other", &[]),
        returned("other", &[line("water", 1)]),
        returned("refused", &[line("westvleteren-12", 13)]),
        // True, or without any effect on bottles.
        DeliveryUpdate::Stranded { order_id: id("zz"), round, attempts, courier, reason, address },
        delivered("delivered"),
        returned("back", &got),
        // A second outcome.
        returned("back", &got),
        returned("delivered", &got),
        delivered("back"),
    ];
    for update in &updates {
        bed.publish(DELIVERY_UPDATES, update.order_id().as_str(), update).await?;
    }
    let topic = DELIVERY_UPDATES.spec;
    let untrue = [
        (topic, ReasonCode::UnknownOrder, 3),
        (topic, ReasonCode::OtherBottles, 4),
        (topic, ReasonCode::NotGivenOut, 1),
        (topic, ReasonCode::SecondOutcome, 3),
    ];
    bed.until_disbelieved(Service::Warehouse, &untrue).await?;
    warehouse.stop().await?;

    // After a restart: what is out is still known, and what is not is still not believed.
    let warehouse = bed.start(Service::Warehouse, warehouse::run);
    for update in [returned("zz", &got), returned("back", &got), returned("delivered", &got), returned("other", &got)] {
        bed.publish(DELIVERY_UPDATES, "x", &update).await?;
    }
    let untrue = [
        (topic, ReasonCode::UnknownOrder, 4),
        (topic, ReasonCode::OtherBottles, 4),
        (topic, ReasonCode::NotGivenOut, 1),
        (topic, ReasonCode::SecondOutcome, 5),
    ];
    bed.until_disbelieved(Service::Warehouse, &untrue).await?;
    let log = bed.read_until(STOCK_EVENTS, |all| levels(all, "orval").len() >= 6).await?;
    let three_out = [(StockChange::Counted, 200), (StockChange::Reserved, 198), (StockChange::Reserved, 196)];
    let two_back = [(StockChange::Reserved, 194), (StockChange::Released, 196), (StockChange::Released, 198)];
    assert_eq!(levels(&log, "orval"), [three_out, two_back].concat());
    assert_eq!(levels(&log, "westvleteren-12"), [(StockChange::Counted, 12)]);
    warehouse.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_comes_again_is_counted_once() -> Result<()> {
    let bed = TestBed::new().await?;
    bed.publish(DELIVERY_UPDATES, "zz", &returned("zz", &[line("orval", 2)])).await?;
    let untrue = [(DELIVERY_UPDATES.spec, ReasonCode::UnknownOrder, 1)];
    for _ in 0..2 {
        let warehouse = bed.start(Service::Warehouse, warehouse::run);
        bed.until_disbelieved(Service::Warehouse, &untrue).await?;
        // Perhaps before it can acknowledge: then the message is redelivered.
        warehouse.kill().await;
    }
    let mut presence = service::presence::PresenceState::default();
    let warehouse = bed.start(Service::Warehouse, |context| {
        presence = context.presence.clone();
        warehouse::run(context)
    });
    let said = eventually("what is not believed", || async {
        let said = presence.disbelieved();
        (!said.is_empty()).then_some(said)
    });
    let said: Vec<_> = said.await?.into_iter().map(|said| (said.topic, said.code, said.count)).collect();
    assert_eq!(said, [("delivery-updates".to_owned(), ReasonCode::UnknownOrder, 1)]);
    warehouse.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_from_a_folder_that_kept_no_lines_still_come_back() -> Result<()> {
    let bed = TestBed::new().await?;
    let all = sqlx::migrate!();
    let first = all.iter().filter(|migration| migration.version == 1).cloned().collect();
    let episode_id = bed.stage.settings().episode_id.clone();
    let tables = Migrator::with_migrations(first);
    let store = Store::open(bed.folder(), Service::Warehouse.name(), 1, Some(&episode_id), &tables).await?;
    let mut transaction = store.begin().await?;
    for word in ["order old", "order back", "returned back"] {
        record_once(&mut transaction, word).await?;
    }
    transaction.commit().await?;
    store.close().await;
    let warehouse = bed.start(Service::Warehouse, warehouse::run);
    let lines = [line("orval", 2)];
    let doubled = [line("orval", 1), line("orval", 1)];
    for update in
        [returned("back", &lines), returned("old", &doubled), returned("old", &lines), returned("old", &lines)]
    {
        bed.publish(DELIVERY_UPDATES, "x", &update).await?;
    }
    let topic = DELIVERY_UPDATES.spec;
    let untrue = [(topic, ReasonCode::SecondOutcome, 2), (topic, ReasonCode::OtherBottles, 1)];
    bed.until_disbelieved(Service::Warehouse, &untrue).await?;
    let log = bed.read_until(STOCK_EVENTS, |all| levels(all, "orval").len() >= 2).await?;
    assert_eq!(levels(&log, "orval"), [(StockChange::Counted, 200), (StockChange::Released, 202)]);
    warehouse.stop().await
}

//! Every message of the table, byte for byte: what a golden file says is what goes over the wire.
#![expect(clippy::unwrap_used, reason = "what cannot be here ends the test")]

use std::{fmt::Debug, fs, path::Path};

use events::{
    decisions::{OrderDecision, Refusal},
    delivery::{DeadLetter, DeliveryOrder, DeliveryRequest, DeliveryUpdate, FailureReason},
    ids::{BeerId, Moment, OrderId, Service},
    insights::{
        BeerForecast, BottleSums, Contradiction, DeliverySums, Forecast, Insight, Ledger, MinuteOfSales, OnTheWay,
        OrderSums, ReadUpTo, RefusedDemand, Sales,
    },
    orders::{Fault, Line, PlaceOrder, PlaceOrderType, Problem},
    quantities::{Bottles, Cents, Sequence},
    stage::{
        Activity, Answer, Carrying, Command, CourierState, Presence, ServiceState, StageAnswer, StageCommand,
        StageQuery, StageSettings,
    },
    stock::{StockChange, StockEvent, StockLevel},
    unreadable::Unreadable,
};
use serde::{Serialize, de::DeserializeOwned};

/// Compares `message` with `golden/{name}.json`, in both directions.
fn golden<M: Serialize + DeserializeOwned + PartialEq + Debug>(name: &str, message: &M) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(format!("{name}.json"));
    let written = serde_json::to_string_pretty(message).unwrap() + "\n";
    if std::env::var_os("WRITE_GOLDEN").is_some() {
        fs::write(&path, &written).unwrap();
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(written, golden, "{name}: the contract changed; WRITE_GOLDEN=1 writes the new one");
    assert_eq!(&serde_json::from_str::<M>(&golden).unwrap(), message, "{name}: what is read is not what was written");
}

fn order_id() -> OrderId {
    "k7m2q9xd".parse().unwrap()
}

fn moment() -> Moment {
    "2026-11-24T20:41:07.112345Z".parse().unwrap()
}

fn lines() -> Vec<Line> {
    vec![
        Line { beer: BeerId::new("karmeliet"), bottles: Bottles(2) },
        Line { beer: BeerId::new("orval"), bottles: Bottles(1) },
    ]
}

fn parcel() -> DeliveryOrder {
    DeliveryOrder {
        order_id: order_id(),
        round: 1,
        attempt: 4,
        customer: "Zoé".into(),
        address: "Rue introuvable 3, Liège".into(),
        lines: lines(),
    }
}

#[test]
fn orders() {
    let order = PlaceOrder {
        kind: PlaceOrderType::PlaceOrder,
        order_id: Some(order_id()),
        customer: "Zoé".into(),
        address: "Grote Markt 12, Brussel".into(),
        lines: lines(),
    };
    golden("place-order", &order);
}

#[test]
fn decisions() {
    let accepted =
        OrderDecision::Accepted { order_id: order_id(), lines: lines(), bottles: Bottles(3), total_cents: Cents(1000) };
    golden("accepted", &accepted);
    let reason = Refusal::NotEnough { beer: BeerId::new("orval"), asked: Bottles(24), left: Bottles(3) };
    assert_eq!(reason.to_string(), "only 3 of 24 bottles of orval left");
    golden("refused", &OrderDecision::Refused { order_id: order_id(), lines: lines(), reason });
    let reason =
        Refusal::Invalid { faults: vec![Fault { field: "lines[0].beer".into(), problem: Problem::UnknownBeer }] };
    assert_eq!(reason.to_string(), "not a valid order: lines[0].beer is not one of our beers");
    golden("refused-invalid", &OrderDecision::Refused { order_id: order_id(), lines: lines(), reason });
}

#[test]
fn stock() {
    let event = |change, order_id| StockEvent {
        change,
        beer: BeerId::new("orval"),
        sequence: Sequence(42),
        bottles: Bottles(2),
        level: Bottles(153),
        order_id,
    };
    golden("counted", &event(StockChange::Counted, None));
    golden("received", &event(StockChange::Received, None));
    golden("reserved", &event(StockChange::Reserved, Some(order_id())));
    golden("released", &event(StockChange::Released, Some(order_id())));
    let level = StockLevel {
        beer: BeerId::new("orval"),
        level: Bottles(153),
        sequence: Sequence(42),
        written: 42,
        worker: "worker-1".into(),
        at: moment(),
    };
    golden("stock-level", &level);
}

#[test]
fn delivery() {
    golden("delivery-order", &parcel());
    let reason = FailureReason::AddressNotFound;
    golden("dead-letter", &DeadLetter { order_id: order_id(), reason, attempts: 4, payload: parcel() });
    let address = Some("Place Saint-Lambert 9, Liège".to_owned());
    golden("redrive", &DeliveryRequest::Redrive { order_id: order_id(), address });
    golden("return-to-stock", &DeliveryRequest::ReturnToStock { order_id: order_id() });
}

#[test]
fn delivery_updates() {
    let (round, attempt, courier, reason) = (1, 4, "Ada".to_owned(), FailureReason::AddressNotFound);
    golden("picked-up", &DeliveryUpdate::PickedUp { order_id: order_id(), round, attempt, courier: courier.clone() });
    golden("delivered", &DeliveryUpdate::Delivered { order_id: order_id(), round, attempt, courier: courier.clone() });
    let failed = DeliveryUpdate::AttemptFailed {
        order_id: order_id(),
        round,
        attempt,
        courier: courier.clone(),
        reason,
        retry_at: moment().plus_millis(4000),
    };
    golden("attempt-failed", &failed);
    let address = parcel().address;
    let stranded = DeliveryUpdate::Stranded { order_id: order_id(), round, attempts: 4, courier, reason, address };
    golden("stranded", &stranded);
    let address = "Place Saint-Lambert 9, Liège".to_owned();
    golden("redriven", &DeliveryUpdate::Redriven { order_id: order_id(), round: 2, address });
    golden("returned", &DeliveryUpdate::Returned { order_id: order_id(), lines: lines() });
}

#[test]
fn insights() {
    let sales = Sales {
        at: moment(),
        orders: 3351,
        bottles: 9120,
        revenue_cents: Cents(2_934_410),
        refused: RefusedDemand { orders: 61, bottles: 130, value_cents: Cents(120_000) },
        minutes: vec![MinuteOfSales {
            minute: "2026-11-24T20:41:00Z".parse().unwrap(),
            orders: 48,
            bottles: 130,
            revenue_cents: Cents(41_000),
            refused: 2,
        }],
    };
    golden("insight-sales", &Insight::Sales(sales));
    let beer = BeerForecast {
        beer: BeerId::new("orval"),
        level: Bottles(153),
        reserved_in_10_min: 306,
        sold_out_at: Some(moment().plus_millis(300_000)),
        restocked: true,
    };
    golden("insight-forecast", &Insight::Forecast(Forecast { at: moment(), beers: vec![beer] }));
    let ledger = Ledger {
        at: moment(),
        balanced: false,
        bottles: BottleSums { counted: 2412, received: 300, reserved: 500, released: 3, on_shelf: 2215 },
        orders: OrderSums { placed: 201, accepted: 190, refused: 10, waiting: 1 },
        deliveries: DeliverySums { accepted: 190, delivered: 180, under_way: 8, stranded: 1, returned: 1 },
        contradictions: vec![Contradiction {
            at: moment(),
            order_id: Some(order_id()),
            what: "delivered twice".into(),
        }],
        contradictions_found: 1,
        on_the_way: vec![OnTheWay { order_id: order_id(), what: "waits for a decision".into(), since: moment() }],
        read: vec![ReadUpTo { topic: "orders".into(), ledger: 12, entry: 200 }],
    };
    golden("insight-ledger", &Insight::Ledger(ledger));
}

#[test]
fn stage() {
    let settings = StageSettings { version: 7, episode: 3, seal: "5f3a9c".into(), began_at: moment() };
    golden("stage-settings", &settings);
    let command = |service, command| StageCommand { service, command, issued_at: moment() };
    golden("burst", &command(Service::Website, Command::Burst));
    golden("crash", &command(Service::Delivery, Command::Crash { who: Some("Ada".into()) }));
    golden("rebuild", &command(Service::InventoryAnalysis, Command::Rebuild));
    let query = StageQuery {
        correlation_id: "q-17".into(),
        service: Service::InventoryAnalysis,
        question: "ordered-together".into(),
        asked_at: moment(),
    };
    golden("stage-query", &query);
    let answer = |answer| StageAnswer { correlation_id: "q-17".into(), service: Service::InventoryAnalysis, answer };
    golden("stage-answer", &answer(Answer::Rows { rows: vec![vec!["orval".into(), "duvel".into(), "12".into()]] }));
    golden("stage-answer-failed", &answer(Answer::Failed { reason: "no such question".into() }));
    let carrying =
        Carrying { order_id: order_id(), round: 1, attempt: 1, since: moment(), until: moment().plus_millis(2000) };
    let presence = Presence {
        service: Service::Delivery,
        episode: 3,
        settings_version: 7,
        state: ServiceState::Running,
        started_at: moment(),
        at: moment(),
        couriers: vec![CourierState { courier: "Ada".into(), carrying: Some(carrying), delivered: 12 }],
    };
    golden("presence", &presence);
    let activity = Activity {
        service: Service::Warehouse,
        topic: "orders".into(),
        count: 48,
        samples: vec![order_id()],
        at: moment(),
    };
    golden("activity", &activity);
}

#[test]
fn unreadable() {
    let unreadable = Unreadable {
        topic: "orders".into(),
        message_id: "12:345".into(),
        reader: Service::Warehouse,
        reason: "undecodable: expected value at line 1 column 1".into(),
        first_bytes: "two Orval please".into(),
        at: moment(),
    };
    golden("unreadable", &unreadable);
}

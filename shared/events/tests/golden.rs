//! Every message of the contract, byte for byte: a golden file is what goes over the wire.
#![expect(clippy::unwrap_used, reason = "what cannot be here ends the test")]

use std::{fmt::Debug, fs, path::Path};

use events::{
    contradictions::{Contradiction, ContradictionKind},
    decisions::{OrderDecision, Refusal},
    delivery::{DeadLetter, DeliveryOrder, DeliveryRequest, DeliveryUpdate, FailureReason},
    ids::{BeerId, Moment, OrderId, Service},
    insights::{
        BeerForecast, BottleSums, DeliverySums, Difference, Finding, Forecast, Fraud, FraudRule, GivenUp, Insight,
        Ledger, MinuteOfSales, OnTheWay, OrderSums, ReadUpTo, Rebuild, RefusedDemand, Sales, WaitsFor,
    },
    orders::{Fault, Line, PlaceOrder, PlaceOrderType, Problem},
    past::{AsOf, BeerAsOf, Cell, PastAnswer, PastQuestion},
    quantities::{Bottles, Cents, Sequence},
    settings::{Choices, Crowd, Fold, Folding, Share, StageSettings},
    stage::{
        Answer, Carrying, Command, CourierState, Presence, Question, ServiceState, Staff, StageAnswer, StageCommand,
        StageQuery,
    },
    stock::{StockChange, StockEvent, StockLevel},
    topics::SubscriptionType,
    unreadable::{Disbelieved, ReasonCode, Unreadable},
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
        settled: Sequence(42),
        written: 42,
        event: Sequence(42),
        ignored: false,
        worker: "worker-1".into(),
        taken_at: moment().plus_millis(-12),
        at: moment(),
    };
    golden("stock-level", &level);
    golden(
        "stock-level-ignored",
        &StockLevel { event: Sequence(40), ignored: true, settled: Sequence(41), written: 43, ..level },
    );
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
            what: ContradictionKind::DeliveredTwice,
        }],
        contradictions_found: 1,
        on_the_way: vec![OnTheWay { order_id: order_id(), what: WaitsFor::Decision, since: moment() }],
        read: vec![ReadUpTo { topic: "orders".into(), ledger: 12, entry: 200, messages: 190 }],
    };
    golden("insight-ledger", &Insight::Ledger(ledger));
}

#[test]
fn what_cannot_be_true() {
    let (beer, sequence) = (BeerId::new("orval"), Sequence(41));
    let (level, bottles) = (Bottles(199), Bottles(300));
    golden(
        "contradictions",
        &vec![
            ContradictionKind::DecidedInTwoWays,
            ContradictionKind::DeliveredTwice,
            ContradictionKind::ReservedOtherwise,
            ContradictionKind::ReservedForRefused,
            ContradictionKind::RefusedInDelivery,
            ContradictionKind::DeliveredAndReturned,
            ContradictionKind::ReturnedOtherwise,
            ContradictionKind::MoreReleasedThanReturned,
            ContradictionKind::MoreReleasedThanOrdered,
            ContradictionKind::LevelIsNotTheSum { beer: beer.clone(), sequence, level, sum: Bottles(198) },
            ContradictionKind::MoreTakenThanThere { beer: beer.clone(), sequence, bottles, level },
            ContradictionKind::ForNoOrder { beer: beer.clone(), sequence },
            ContradictionKind::ForAnOrder { beer: beer.clone(), sequence },
            ContradictionKind::UnknownBeer { beer: beer.clone(), sequence },
            ContradictionKind::EventsMissing { beer, first: sequence, last: sequence.next() },
        ],
    );
}

#[test]
fn what_a_rebuild_finds() {
    let (row, facts) = ("order k7m2q9xd".to_owned(), r#"{"reserved":{"orval":2}}"#.to_owned());
    golden(
        "differences",
        &vec![
            Difference::Messages { topic: "orders".into(), messages: 22, last: "12:200".into() },
            Difference::Past { stored: 40, rebuilt: 41 },
            Difference::Row { row: row.clone(), stored: facts.clone(), rebuilt: "{}".into() },
            Difference::OnlyStored { row: row.clone(), stored: facts },
            Difference::OnlyRebuilt { row },
        ],
    );
    golden("given-up", &vec![GivenUp::ProcessEnded, GivenUp::Failed { error: "no connection".into() }]);
}

#[test]
fn insights_on_demand() {
    let rebuild = Rebuild {
        at: moment(),
        running: false,
        events: 8127,
        total: 8127,
        events_per_second: 17_300,
        identical: Some(false),
        differences: vec![Difference::OnlyRebuilt { row: "order k7m2q9xd".into() }],
        differing: 1,
        given_up: None,
    };
    golden("insight-rebuild", &Insight::Rebuild(rebuild));
    let finding = Finding {
        rule: FraudRule::Absurd,
        customer: "Mallory".into(),
        orders: vec![order_id()],
        at: moment(),
        why: "72 bottles in one order".into(),
    };
    let fraud = Fraud { at: moment(), attached: true, orders_seen: 3412, findings: vec![finding], findings_total: 1 };
    golden("insight-fraud", &Insight::Fraud(fraud));
}

#[test]
fn stage() {
    let choices = Choices {
        couriers: 8,
        courier_pace_ms: 500,
        crowd: Crowd {
            orders_per_second: 50,
            suspicious: Share::try_from(0.02).unwrap(),
            undeliverable: Share::try_from(0.05).unwrap(),
        },
        stock_level: Folding {
            subscription: SubscriptionType::KeyShared,
            workers: 3,
            fold: Fold::Naive,
            work_ms: [5, 60],
        },
        paused: [Service::Warehouse].into(),
        fraud_watch: true,
        restock: false,
        hide_names: true,
        act: Some(5),
        step: 2,
    };
    let settings = StageSettings { version: 7, episode: 3, episode_id: "5f3a9c".into(), began_at: moment(), choices };
    golden("stage-settings", &settings);
    let command = |service, command| StageCommand { service, command, issued_at: moment() };
    golden("crash", &command(Service::Delivery, Command::Crash { who: Some("Ada".into()) }));
    golden("rebuild", &command(Service::InventoryAnalysis, Command::Rebuild));
    let carrying =
        Carrying { order_id: order_id(), round: 1, attempt: 1, since: moment(), until: moment().plus_millis(2000) };
    let presence = Presence {
        service: Service::Delivery,
        episode: 3,
        settings_version: 7,
        state: ServiceState::Running,
        started_at: moment(),
        at: moment(),
        staff: Staff {
            couriers: vec![CourierState { courier: "Ada".into(), carrying: Some(carrying), delivered: 12 }],
            workers: Vec::new(),
        },
        standing_still: Vec::new(),
        disbelieved: vec![Disbelieved { topic: "delivery-orders".into(), code: ReasonCode::SecondOutcome, count: 2 }],
    };
    golden("presence", &presence);
    let workers = vec!["worker-1".to_owned(), "worker-2".to_owned()];
    let staff = Staff { workers, ..Staff::default() };
    golden("presence-workers", &Presence { service: Service::StockLevel, staff, ..presence });
}

#[test]
fn questions() {
    let ask = |service, question| StageQuery { correlation_id: "q-17".into(), service, question, asked_at: moment() };
    golden("fold-afresh", &ask(Service::StockLevel, Question::FoldAfresh));
    golden("ask-as-of", &ask(Service::InventoryAnalysis, Question::AsOf { at: moment() }));
    let question = PastQuestion::OrderedTogether;
    golden("ask-past", &ask(Service::InventoryAnalysis, Question::Past { question }));
    let answer = |answer| StageAnswer { correlation_id: "q-17".into(), service: Service::InventoryAnalysis, answer };
    golden("answer-done", &answer(Answer::Done));
    let as_of = AsOf {
        at: moment(),
        first: Some(moment().plus_millis(-60_000)),
        last: Some(moment().plus_millis(60_000)),
        events: 4096,
        beers: vec![BeerAsOf { beer: BeerId::new("orval"), level: Bottles(153) }],
        orders: OrderSums { placed: 201, accepted: 190, refused: 10, waiting: 1 },
        deliveries: DeliverySums { accepted: 190, delivered: 180, under_way: 8, stranded: 1, returned: 1 },
        revenue_cents: Cents(120_000),
    };
    golden("answer-as-of", &answer(Answer::AsOf(as_of)));
    let past = PastAnswer {
        question,
        events: 8127,
        took_ms: 460,
        columns: vec!["beer".into(), "with".into(), "orders".into()],
        rows: vec![vec![Cell::Beer(BeerId::new("orval")), Cell::Beer(BeerId::new("duvel")), Cell::Count(12)]],
    };
    golden("answer-past", &answer(Answer::Past(past)));
    golden("answer-failed", &answer(Answer::Failed { reason: "no such question".into() }));
    let cells = vec![Cell::Cents(Cents(1290)), Cell::Moment(moment()), Cell::Text("Ada".into())];
    golden("cells", &cells);
}

#[test]
fn unreadable() {
    let unreadable = Unreadable {
        topic: "orders".into(),
        message_id: "12:345".into(),
        reader: Service::Warehouse,
        code: ReasonCode::Undecodable,
        reason: "undecodable: expected value at line 1 column 1".into(),
        first_bytes: "two Orval please".into(),
        at: moment(),
    };
    golden("unreadable", &unreadable);
    golden("reason-codes", &ReasonCode::ALL.to_vec());
}

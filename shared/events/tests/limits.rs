//! Whatever can be read can be written again, and its consequences are within the limits as well.
#![expect(clippy::unwrap_used, reason = "what cannot be here ends the test")]

use std::fmt::Debug;

use events::{
    beers::BEERS,
    decisions::{OrderDecision, Refusal},
    delivery::{DeadLetter, DeliveryOrder, DeliveryUpdate, FailureReason},
    ids::{BEER_ID_MAX, BeerId, Moment, OrderId, Service},
    insights::{DIFFERENCES_MAX, Difference, GivenUp, Insight, Rebuild},
    limits::{self, LIST_MAX, MESSAGE_MAX, TEXT_MAX},
    orders::{self, Line, PlaceOrder, Problem},
    past::{Cell, PastAnswer, PastQuestion, ROWS_MAX},
    quantities::{Bottles, Cents},
    stage::{Answer, StageAnswer},
    unreadable::{ReasonCode, Unreadable, first_bytes},
};
use proptest::{collection::vec, option, prelude::*};
use serde::{Serialize, de::DeserializeOwned};

/// Reads as a consumer does.
fn read<M: DeserializeOwned>(json: &[u8]) -> Option<M> {
    limits::check(json).ok()?;
    serde_json::from_slice(json).ok()
}

/// Whatever is written can be read, and is the same.
fn fits<M: Serialize + DeserializeOwned + PartialEq + Debug>(message: &M) -> Result<(), TestCaseError> {
    let json = serde_json::to_vec(message).unwrap();
    prop_assert!(json.len() <= MESSAGE_MAX, "{} bytes", json.len());
    prop_assert_eq!(limits::check(&json).map_err(|error| error.to_string()), Ok(()));
    let again: M = serde_json::from_slice(&json).map_err(|error| TestCaseError::fail(error.to_string()))?;
    prop_assert_eq!(&again, message);
    Ok(())
}

fn text(max: usize) -> impl Strategy<Value = String> {
    prop_oneof![
        vec(any::<char>(), 0..=max + 1).prop_map(String::from_iter),
        // The characters with the most bytes: six or four each in JSON.
        (0..=max + 1).prop_map(|length| "\u{1}".repeat(length)),
        (0..=max + 1).prop_map(|length| "🍺".repeat(length)),
        Just("é".repeat(max)),
    ]
}

fn beer() -> impl Strategy<Value = BeerId> {
    prop_oneof![(0..BEERS.len()).prop_map(|index| BEERS[index].beer_id()), text(BEER_ID_MAX).prop_map(BeerId::new)]
}

fn lines() -> impl Strategy<Value = Vec<Line>> {
    let line = || (beer(), any::<u32>()).prop_map(|(beer, bottles)| Line { beer, bottles: Bottles(bottles) });
    prop_oneof![vec(line(), 0..=14), vec(line(), LIST_MAX - 1..=LIST_MAX + 1)]
}

fn order_id() -> impl Strategy<Value = OrderId> {
    "[A-Za-z0-9_-]{1,64}".prop_map(|id| id.parse().unwrap())
}

fn place_order() -> impl Strategy<Value = PlaceOrder> {
    let order = (option::of(order_id()), text(TEXT_MAX), text(TEXT_MAX), lines());
    order.prop_map(|(order_id, customer, address, lines)| PlaceOrder {
        kind: Default::default(),
        order_id,
        customer,
        address,
        lines,
    })
}

fn delivery_order() -> impl Strategy<Value = DeliveryOrder> {
    let order =
        (order_id(), any::<u32>(), any::<u32>(), text(orders::CUSTOMER_MAX), text(orders::ADDRESS_MAX), lines());
    order.prop_map(|(order_id, round, attempt, customer, address, lines)| DeliveryOrder {
        order_id,
        round,
        attempt,
        customer,
        address,
        lines,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_readable_order_has_a_readable_decision(order in place_order(), id in order_id()) {
        let Some(order) = read::<PlaceOrder>(&serde_json::to_vec(&order).unwrap()) else { return Ok(()) };
        fits(&order)?;
        let faults = order.faults();
        let lines = order.lines.clone();
        if faults.is_empty() {
            let (bottles, total_cents) = (orders::bottles(&lines), orders::total(&lines));
            let (customer, address) = (order.customer, order.address);
            fits(&OrderDecision::Accepted { order_id: id.clone(), lines: lines.clone(), bottles, total_cents })?;
            fits(&DeliveryOrder { order_id: id, round: 1, attempt: 1, customer, address, lines })?;
        } else {
            fits(&OrderDecision::Refused { order_id: id.clone(), lines, reason: Refusal::Invalid { faults } })?;
        }
    }

    #[test]
    fn every_readable_parcel_has_a_readable_end(task in delivery_order(), attempts: u32) {
        let Some(task) = read::<DeliveryOrder>(&serde_json::to_vec(&task).unwrap()) else { return Ok(()) };
        fits(&task)?;
        let (order_id, reason) = (task.order_id.clone(), FailureReason::AddressNotFound);
        fits(&DeliveryUpdate::Redriven { order_id: order_id.clone(), round: u32::MAX, address: task.address.clone() })?;
        fits(&DeliveryUpdate::Returned { order_id: order_id.clone(), lines: task.lines.clone() })?;
        fits(&DeadLetter { order_id, reason, attempts, payload: task })?;
    }

    #[test]
    fn what_cannot_be_read_is_told_readably(reason in text(2_000), payload in vec(any::<u8>(), 0..300)) {
        let reason = limits::shortened(&format!("undecodable: {reason}"), 200);
        let (reader, at) = (Service::Delivery, Moment::MAX);
        let (topic, message_id) = ("delivery-orders".to_owned(), format!("{}:{}:999", u64::MAX, u64::MAX));
        let (code, first_bytes) = (ReasonCode::Undecodable, first_bytes(&payload));
        fits(&Unreadable { topic, message_id, reader, code, reason, first_bytes, at })?;
    }

    #[test]
    fn money_stays_within_what_can_be_written(prices in vec((any::<u64>(), any::<u32>()), 0..20)) {
        let total: Cents = prices.iter().map(|(price, bottles)| Cents(*price).times(Bottles(*bottles))).sum();
        fits(&OrderDecision::Accepted {
            order_id: "a".parse().unwrap(),
            lines: Vec::new(),
            bottles: prices.iter().map(|(_, bottles)| Bottles(*bottles)).sum(),
            total_cents: total,
        })?;
    }

    #[test]
    fn arbitrary_bytes_are_no_message_or_one_that_can_be_written(bytes in vec(any::<u8>(), 0..300)) {
        if let Some(update) = read::<DeliveryUpdate>(&bytes) {
            fits(&update)?;
        }
    }
}

/// Its refusal could not be read: it has too many lines.
#[test]
fn an_order_of_too_many_lines_is_refused_and_one_of_far_too_many_cannot_be_read() {
    let line = |_| Line { beer: BeerId::new("x"), bottles: Bottles(1) };
    let (customer, address) = ("Ada".to_owned(), "Gent".to_owned());
    let mut order =
        PlaceOrder { kind: Default::default(), order_id: None, customer, address, lines: (0..13).map(line).collect() };
    let json = serde_json::to_vec(&order).unwrap();
    let faults = read::<PlaceOrder>(&json).unwrap().faults();
    assert!(faults.iter().any(|fault| fault.problem == Problem::TooManyLines), "{faults:?}");
    order.lines = (0..2_615).map(line).collect();
    let json = serde_json::to_vec(&order).unwrap();
    assert!(json.len() <= MESSAGE_MAX);
    let why = limits::check(&json).unwrap_err().to_string();
    assert!(why.starts_with("a list of more than 100"), "{why}");
}

/// A composed text is shortened when it is written.
#[test]
fn whatever_failed_and_whatever_differs_can_be_told() {
    let long = || "🍺".repeat(3_000);
    let row = Difference::Row { row: long(), stored: long(), rebuilt: long() };
    let given_up = Some(GivenUp::Failed { error: long() });
    let rebuild = Rebuild { differences: vec![row; DIFFERENCES_MAX], given_up, ..Rebuild::default() };
    let answer = |answer| StageAnswer { correlation_id: "c".into(), service: Service::InventoryAnalysis, answer };
    let (question, columns) = (PastQuestion::SameSecond, vec!["second".to_owned()]);
    let rows = vec![vec![Cell::Text(long()); 3]; ROWS_MAX];
    let past = PastAnswer { question, events: 1, took_ms: 1, columns, rows };
    for json in [
        serde_json::to_vec(&Insight::Rebuild(rebuild)).unwrap(),
        serde_json::to_vec(&answer(Answer::Failed { reason: long() })).unwrap(),
        serde_json::to_vec(&answer(Answer::Past(past))).unwrap(),
    ] {
        assert_eq!(limits::check(&json).map_err(|error| error.to_string()), Ok(()));
    }
}

//! However the topics are interleaved, whatever is told again, and wherever the process is killed: the aggregates are
//! the same, byte for byte.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use events::{
    decisions::{OrderDecision, Refusal},
    delivery::{DeliveryUpdate, FailureReason},
    ids::{BeerId, EventId, Moment, OrderId},
    orders::{self, Line, PlaceOrder, PlaceOrderType},
    quantities::{Bottles, Sequence},
    received::{Position, Received},
    stock::{StockChange, StockEvent},
};
use inventory_analysis::{
    analysis::{Analysed, Analysis, Outcome},
    timeline::Timeline,
};
use proptest::prelude::*;

/// The messages of four topics.
#[derive(Debug, Clone, Default)]
struct Topics {
    orders: Vec<Received<PlaceOrder>>,
    decisions: Vec<Received<OrderDecision>>,
    stock: Vec<Received<StockEvent>>,
    deliveries: Vec<Received<DeliveryUpdate>>,
}

/// Everything aggregated, as it is stored.
fn rows(analysis: &Analysis) -> Vec<(String, String)> {
    let row = |key| (format!("{key}"), analysis.facts(&key).unwrap().unwrap());
    let past = ("past".to_owned(), serde_json::to_string(analysis.timeline()).unwrap());
    analysis.keys().map(row).chain([past]).collect()
}

/// A process that was killed and reads back what it had committed.
fn restarted(analysis: &Analysis) -> Analysis {
    let mut again = Analysis::default();
    for key in analysis.keys() {
        let facts = analysis.facts(&key).unwrap().unwrap();
        again.restore(key, &facts).unwrap();
    }
    again.restore_timeline(analysis.timeline().clone());
    again.restore_checkpoint(analysis.checkpoint().clone());
    again
}

/// Puts messages behind each other, some of them twice: one that was told is told again later, at a place of its own.
fn laid_out<M: Clone>(messages: &[(M, i64)], repeats: &[(usize, usize)]) -> Vec<Received<M>> {
    let mut laid = Vec::new();
    let mut lay = |index: usize| {
        let (message, second) = &messages[index];
        let entry = laid.len() as u64;
        laid.push(Received {
            message: Ok(message.clone()),
            position: Position { ledger: 7, entry, batch_index: 0, batch_size: 1 },
            event_id: EventId::new(format!("e-{index}")),
            at: Moment::from_micros(second * 1_000_000),
            trace: None,
        });
    };
    for index in 0..messages.len() {
        lay(index);
        for (after, back) in repeats {
            if after % messages.len() == index {
                lay(index - back % (index + 1));
            }
        }
    }
    laid
}

/// Folds the topics: each number says which topic has its turn. Sometimes the process is killed, or sent again what it
/// has.
fn fold(topics: &Topics, turns: &[u8]) -> Analysis {
    let mut analysis = Analysis::default();
    let mut next = [0; 4];
    for turn in turns {
        match turn % 10 {
            0 | 4 => step(&mut analysis, &topics.orders, &mut next[0]),
            1 | 5 => step(&mut analysis, &topics.decisions, &mut next[1]),
            2 | 6 => step(&mut analysis, &topics.stock, &mut next[2]),
            3 | 7 => step(&mut analysis, &topics.deliveries, &mut next[3]),
            8 => analysis = restarted(&analysis),
            _ => next = next.map(|next: usize| next.saturating_sub(3)),
        }
    }
    while next[0] < topics.orders.len() {
        step(&mut analysis, &topics.orders, &mut next[0]);
    }
    while next[1] < topics.decisions.len() {
        step(&mut analysis, &topics.decisions, &mut next[1]);
    }
    while next[2] < topics.stock.len() {
        step(&mut analysis, &topics.stock, &mut next[2]);
    }
    while next[3] < topics.deliveries.len() {
        step(&mut analysis, &topics.deliveries, &mut next[3]);
    }
    analysis
}

fn step<M: Analysed>(analysis: &mut Analysis, messages: &[Received<M>], next: &mut usize) {
    if let Some(received) = messages.get(*next) {
        analysis.read(received);
        *next += 1;
    }
}

fn any_order_id() -> impl Strategy<Value = OrderId> {
    (0..4_u8).prop_map(|n| format!("o-{n}").parse().unwrap())
}

fn any_lines() -> impl Strategy<Value = Vec<Line>> {
    prop::collection::vec((any_beer(), 0..30_u32), 0..3)
        .prop_map(|lines| lines.into_iter().map(|(beer, bottles)| Line { beer, bottles: Bottles(bottles) }).collect())
}

fn any_beer() -> impl Strategy<Value = BeerId> {
    prop_oneof![Just("orval"), Just("duvel"), Just("water")].prop_map(BeerId::new)
}

fn any_order() -> impl Strategy<Value = PlaceOrder> {
    (any_order_id(), any_lines()).prop_map(|(order_id, lines)| PlaceOrder {
        kind: PlaceOrderType::PlaceOrder,
        order_id: Some(order_id),
        customer: "Ada".into(),
        address: "Grote Markt 1".into(),
        lines,
    })
}

fn any_decision() -> impl Strategy<Value = OrderDecision> {
    (any_order_id(), any_lines(), any::<bool>()).prop_map(|(order_id, lines, yes)| {
        if !yes {
            return OrderDecision::Refused { order_id, lines, reason: Refusal::Invalid { faults: vec![] } };
        }
        let (bottles, total_cents) = (orders::bottles(&lines), orders::total(&lines));
        OrderDecision::Accepted { order_id, lines, bottles, total_cents }
    })
}

/// Seldom a log as it should be: nonsense must be folded to the same nonsense.
fn any_stock() -> impl Strategy<Value = StockEvent> {
    let change = prop_oneof![
        1 => Just(StockChange::Counted),
        1 => Just(StockChange::Received),
        3 => Just(StockChange::Reserved),
        1 => Just(StockChange::Released)
    ];
    let order_id = prop::option::weighted(0.8, any_order_id());
    (change, any_beer(), 1..12_u64, 0..30_u32, 0..60_u32, order_id).prop_map(
        |(change, beer, sequence, bottles, level, order_id)| StockEvent {
            change,
            beer,
            sequence: Sequence(sequence),
            bottles: Bottles(bottles),
            level: Bottles(level),
            order_id,
        },
    )
}

fn any_delivery() -> impl Strategy<Value = DeliveryUpdate> {
    (any_order_id(), any_lines(), 1..3_u32, 1..5_u32, 0..6_u8).prop_map(|(order_id, lines, round, attempt, kind)| {
        let (courier, reason) = ("courier-1".to_owned(), FailureReason::AddressNotFound);
        let address = "nowhere".to_owned();
        match kind {
            0 => DeliveryUpdate::PickedUp { order_id, round, attempt, courier },
            1 => DeliveryUpdate::Delivered { order_id, round, attempt, courier },
            2 => {
                let retry_at = Moment::default();
                DeliveryUpdate::AttemptFailed { order_id, round, attempt, courier, reason, retry_at }
            }
            3 => DeliveryUpdate::Stranded { order_id, round, attempts: attempt, courier, reason, address },
            4 => DeliveryUpdate::Redriven { order_id, round: round + 1, address },
            _ => DeliveryUpdate::Returned { order_id, lines },
        }
    })
}

/// Messages with their seconds, over some hours.
fn some<M: std::fmt::Debug>(message: impl Strategy<Value = M>) -> impl Strategy<Value = Vec<(M, i64)>> {
    prop::collection::vec((message, 0..20_000_i64), 0..25)
}

fn any_repeats() -> impl Strategy<Value = Vec<(usize, usize)>> {
    prop::collection::vec((0..25_usize, 0..25_usize), 0..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Any messages at all, contradictions included.
    #[test]
    fn folds_of_the_topics_commute_and_repeats_change_nothing(
        (orders, decisions, stock, deliveries) in
            (some(any_order()), some(any_decision()), some(any_stock()), some(any_delivery())),
        repeats in prop::array::uniform4(any_repeats()),
        turns in prop::array::uniform2(prop::collection::vec(any::<u8>(), 0..150)),
    ) {
        let topics = |repeats: [&[(usize, usize)]; 4]| Topics {
            orders: laid_out(&orders, repeats[0]),
            decisions: laid_out(&decisions, repeats[1]),
            stock: laid_out(&stock, repeats[2]),
            deliveries: laid_out(&deliveries, repeats[3]),
        };
        let once = topics([&[]; 4]);
        let repeated = topics([&repeats[0], &repeats[1], &repeats[2], &repeats[3]]);
        let expected = rows(&fold(&once, &[]));
        prop_assert_eq!(&rows(&fold(&once, &turns[0])), &expected);
        prop_assert_eq!(&rows(&fold(&repeated, &[])), &expected);
        prop_assert_eq!(&rows(&fold(&repeated, &turns[1])), &expected);
        // The reported changes are complete: writing only them gives the whole state.
        let mut stored = std::collections::BTreeMap::new();
        let mut past = Timeline::default();
        let mut analysis = Analysis::default();
        for received in &repeated.decisions {
            analysis.read(received);
            past.absorb(analysis.take_news());
            for key in analysis.take_changes() {
                match analysis.facts(&key).unwrap() {
                    Some(facts) => drop(stored.insert(format!("{key}"), facts)),
                    None => drop(stored.remove(&format!("{key}"))),
                }
            }
        }
        stored.insert("past".to_owned(), serde_json::to_string(&past).unwrap());
        prop_assert_eq!(stored, rows(&analysis).into_iter().collect());
    }
}

#[test]
fn what_lies_behind_the_checkpoint_is_skipped() {
    let order = PlaceOrder {
        kind: PlaceOrderType::PlaceOrder,
        order_id: None,
        customer: "Ada".into(),
        address: "Grote Markt 1".into(),
        lines: vec![],
    };
    let laid = laid_out(&[(order.clone(), 1), (order, 2)], &[]);
    let mut analysis = Analysis::default();
    let outcomes: Vec<_> = [0, 1, 0, 1].map(|n: usize| analysis.read(&laid[n])).into();
    assert_eq!(outcomes, [Outcome::Counted, Outcome::Counted, Outcome::Redelivered, Outcome::Redelivered]);
    assert_eq!(analysis.orders().count(), 2, "named after their messages");
}

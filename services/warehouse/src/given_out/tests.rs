use std::collections::BTreeMap;

use events::{
    beers::BEERS,
    delivery::FailureReason,
    ids::{BeerId, OrderId},
    quantities::Bottles,
    stock::{StockChange, StockEvent},
};
use proptest::prelude::*;

use super::*;
use crate::stock::{Restocking, Stock, apply, decide, first_count, take_back};

fn line(beer: &str, bottles: u32) -> Line {
    Line { beer: BeerId::new(beer), bottles: Bottles(bottles) }
}

fn id(n: usize) -> OrderId {
    format!("o-{n}").parse().unwrap()
}

fn event(n: usize) -> EventId {
    EventId::new(format!("e-{n}"))
}

fn returned(order: usize, lines: Vec<Line>) -> DeliveryUpdate {
    DeliveryUpdate::Returned { order_id: id(order), lines }
}

fn delivered(order: usize) -> DeliveryUpdate {
    DeliveryUpdate::Delivered { order_id: id(order), round: 1, attempt: 1, courier: "Ada".into() }
}

#[test]
fn only_what_is_out_comes_back_and_once() {
    let (out, other) = (vec![line("orval", 2)], vec![line("orval", 3)]);
    let doubled = vec![line("orval", 1), line("orval", 1)];
    let closed = Given::Closed(event(1));
    for (given, update, event_id, expected) in [
        (Given::Unknown, returned(0, out.clone()), event(1), Err(ReasonCode::UnknownOrder)),
        (Given::Unknown, delivered(0), event(1), Err(ReasonCode::UnknownOrder)),
        (Given::Nothing, returned(0, out.clone()), event(1), Err(ReasonCode::NotGivenOut)),
        (Given::Nothing, delivered(0), event(1), Err(ReasonCode::NotGivenOut)),
        (Given::Out(out.clone()), returned(0, out.clone()), event(1), Ok(Effect::Back(out.clone()))),
        (Given::Out(out.clone()), returned(0, other), event(1), Err(ReasonCode::OtherBottles)),
        (Given::Out(out.clone()), returned(0, doubled.clone()), event(1), Err(ReasonCode::OtherBottles)),
        (Given::Out(out.clone()), returned(0, Vec::new()), event(1), Err(ReasonCode::OtherBottles)),
        (Given::Out(out.clone()), delivered(0), event(1), Ok(Effect::Delivered)),
        (Given::NotNoted, returned(0, out.clone()), event(1), Ok(Effect::Back(out.clone()))),
        (Given::NotNoted, returned(0, doubled), event(1), Err(ReasonCode::OtherBottles)),
        (Given::NotNoted, returned(0, vec![line("orval", u32::MAX)]), event(1), Err(ReasonCode::OtherBottles)),
        (closed.clone(), returned(0, out.clone()), event(1), Ok(Effect::None)),
        (closed.clone(), returned(0, out.clone()), event(2), Err(ReasonCode::SecondOutcome)),
        (closed, delivered(0), event(2), Err(ReasonCode::SecondOutcome)),
    ] {
        assert_eq!(judge(&given, &update, &event_id), expected, "{given:?}, {update:?}");
    }
}

#[test]
fn what_tells_nothing_of_bottles_does_nothing() {
    let stranded = DeliveryUpdate::Stranded {
        order_id: id(0),
        round: 1,
        attempts: 4,
        courier: "Ada".into(),
        reason: FailureReason::AddressNotFound,
        address: "nowhere".into(),
    };
    assert_eq!(judge(&Given::Unknown, &stranded, &event(1)), Ok(Effect::None));
}

/// What the warehouse can receive, in any order.
#[derive(Debug, Clone)]
enum Happening {
    Order(Vec<Line>),
    /// Delivery returns the lines of the task.
    Returned {
        order: usize,
        event: usize,
    },
    Delivered {
        order: usize,
        event: usize,
    },
    /// A stranger claims that these lines are returned.
    Forged {
        order: usize,
        event: usize,
        lines: Vec<Line>,
    },
}

fn any_lines() -> impl Strategy<Value = Vec<Line>> {
    let beer = prop_oneof![9 => (0..BEERS.len()).prop_map(|n| BEERS[n].id), 1 => Just("water")];
    let bottles = prop_oneof![9 => 0_u32..30, 1 => any::<u32>()];
    prop::collection::vec((beer, bottles).prop_map(|(beer, bottles)| line(beer, bottles)), 0..4)
}

fn any_happening() -> impl Strategy<Value = Happening> {
    let place = || (0..12_usize, 0..40_usize);
    prop_oneof![
        3 => any_lines().prop_map(Happening::Order),
        2 => place().prop_map(|(order, event)| Happening::Returned { order, event }),
        1 => place().prop_map(|(order, event)| Happening::Delivered { order, event }),
        2 => (place(), any_lines()).prop_map(|((order, event), lines)| Happening::Forged { order, event, lines }),
    ]
}

proptest! {
    /// Whatever is ordered, delivered, returned, forged and repeated: what is missing on the shelf is what orders
    /// were given and did not return, and no order is returned twice.
    #[test]
    fn what_is_out_is_what_was_given_and_is_not_back(happenings in prop::collection::vec(any_happening(), 0..150)) {
        let mut stock = Stock::default();
        let mut log: Vec<StockEvent> = first_count(&stock);
        for event in &log {
            apply(&mut stock, event).unwrap();
        }
        let mut orders: BTreeMap<OrderId, Given> = BTreeMap::new();
        let mut got: BTreeMap<OrderId, Vec<Line>> = BTreeMap::new();
        let mut back: Vec<OrderId> = Vec::new();
        for happening in happenings {
            let (order, event_id, update) = match happening {
                Happening::Order(lines) => {
                    let order_id = id(orders.len());
                    let order = PlaceOrder {
                        kind: PlaceOrderType::PlaceOrder,
                        order_id: None,
                        customer: "Ada".into(),
                        address: "Gent".into(),
                        lines: lines.clone(),
                    };
                    let given = match decide(&stock, Restocking::Off, &order_id, &order) {
                        Ok(events) => {
                            for event in events {
                                apply(&mut stock, &event).unwrap();
                                log.push(event);
                            }
                            got.insert(order_id.clone(), lines.clone());
                            Given::Out(lines)
                        }
                        Err(_) => Given::Nothing,
                    };
                    orders.insert(order_id, given);
                    continue;
                }
                Happening::Returned { order, event: n } => {
                    let lines = got.get(&id(order)).cloned().unwrap_or_default();
                    (id(order), event(n), returned(order, lines))
                }
                Happening::Delivered { order, event: n } => (id(order), event(n), delivered(order)),
                Happening::Forged { order, event: n, lines } => (id(order), event(n), returned(order, lines)),
            };
            let given = orders.get(&order).cloned().unwrap_or(Given::Unknown);
            let Ok(effect) = judge(&given, &update, &event_id) else { continue };
            if let Effect::Back(lines) = &effect {
                for event in take_back(&stock, &order, lines) {
                    apply(&mut stock, &event).unwrap();
                    log.push(event);
                }
                back.push(order.clone());
            }
            if effect != Effect::None {
                orders.insert(order, Given::Closed(event_id));
            }
        }
        let mut once = back.clone();
        once.sort();
        once.dedup();
        prop_assert_eq!(once.len(), back.len(), "an order came back twice");
        for beer in &BEERS {
            let of_beer = |lines: &[Line]| -> i64 {
                lines.iter().filter(|line| line.beer.as_str() == beer.id).map(|line| i64::from(line.bottles.0)).sum()
            };
            let out: i64 = got.iter().filter(|(order, _)| !back.contains(order)).map(|(_, lines)| of_beer(lines)).sum();
            let level = i64::from(stock.shelf(&beer.beer_id()).level.0);
            prop_assert_eq!(i64::from(beer.first_stock.0) - level, out, "{}", beer.id);
            let released = log.iter().filter(|event| event.change == StockChange::Released && event.beer.as_str() == beer.id);
            let released: i64 = released.map(|event| i64::from(event.bottles.0)).sum();
            let brought: i64 = back.iter().filter_map(|order| got.get(order)).map(|lines| of_beer(lines)).sum();
            prop_assert_eq!(released, brought, "{}", beer.id);
        }
    }
}

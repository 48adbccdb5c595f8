//! How it was at a moment: the same as a fold over only what had happened by then, whichever topic was read first,
//! whatever was told again and wherever the process was killed.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::collections::BTreeMap;

use events::{
    beers::BEERS,
    decisions::{OrderDecision, Refusal},
    delivery::{DeliveryUpdate, FailureReason},
    ids::{EventId, Moment, OrderId},
    orders::{Line, PlaceOrder, PlaceOrderType},
    past::{AsOf, BeerAsOf},
    quantities::{Bottles, Cents, Sequence},
    received::{Position, Received},
    stock::{StockChange, StockEvent},
};
use inventory_analysis::{
    analysis::{Analysed, Analysis},
    ledger::{Watch, ledger},
    timeline::Timeline,
};
use proptest::prelude::*;

/// What happened, each with its second.
#[derive(Debug, Clone, Default)]
struct History {
    orders: Vec<(i64, PlaceOrder)>,
    decisions: Vec<(i64, OrderDecision)>,
    stock: Vec<(i64, StockEvent)>,
    deliveries: Vec<(i64, DeliveryUpdate)>,
}

/// One order: which beer, when it is placed, how much later each next thing happens, and what comes of it.
#[derive(Debug, Clone)]
struct Plan {
    beer: usize,
    placed: i64,
    /// How much the customer's clock is wrong: strangers' often are.
    clock_off: i64,
    pauses: Vec<i64>,
    fate: Fate,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Waits,
    Refused,
    InTheQueue,
    Delivered,
    Stranded,
    DeliveredAtLast,
    Returned,
}

fn any_plan() -> impl Strategy<Value = Plan> {
    let fate = prop::sample::select(vec![
        Fate::Waits,
        Fate::Refused,
        Fate::InTheQueue,
        Fate::Delivered,
        Fate::Stranded,
        Fate::DeliveredAtLast,
        Fate::Returned,
    ]);
    let clock_off = prop_oneof![3 => Just(0), 1 => -20..20_i64];
    (0..3_usize, 0..40_i64, clock_off, prop::collection::vec(0..6_i64, 8), fate)
        .prop_map(|(beer, placed, clock_off, pauses, fate)| Plan { beer, placed, clock_off, pauses, fate })
}

impl History {
    /// What happens if these orders are placed. The warehouse and the couriers write in the order of their clocks.
    fn of(plans: &[Plan]) -> Self {
        let mut history = History::default();
        let mut changes = Vec::new();
        for (n, plan) in plans.iter().enumerate() {
            history.live(&format!("o-{n}").parse().unwrap(), plan, &mut changes);
        }
        history.decisions.sort_by_key(|(second, _)| *second);
        history.deliveries.sort_by_key(|(second, _)| *second);
        changes.sort_by_key(|(second, ..)| *second);
        history.write_the_log(changes);
        history
    }

    fn live(&mut self, id: &OrderId, plan: &Plan, changes: &mut Vec<(i64, usize, StockChange, OrderId)>) {
        let lines = vec![Line { beer: BEERS[plan.beer].beer_id(), bottles: Bottles(2) }];
        self.orders.push((
            plan.placed + plan.clock_off,
            PlaceOrder {
                kind: PlaceOrderType::PlaceOrder,
                order_id: Some(id.clone()),
                customer: "Ada".into(),
                address: "Gent".into(),
                lines: lines.clone(),
            },
        ));
        let mut second = plan.placed;
        let mut pauses = plan.pauses.iter();
        let mut next = || {
            second += pauses.next().unwrap();
            second
        };
        if plan.fate == Fate::Waits {
            return;
        }
        let decided = next();
        if plan.fate == Fate::Refused {
            let reason = Refusal::Invalid { faults: vec![] };
            self.decisions.push((decided, OrderDecision::Refused { order_id: id.clone(), lines, reason }));
            return;
        }
        let total_cents = Cents(100 + plan.beer as u64);
        let accepted = OrderDecision::Accepted { order_id: id.clone(), lines, bottles: Bottles(2), total_cents };
        self.decisions.push((decided, accepted));
        changes.push((decided, plan.beer, StockChange::Reserved, id.clone()));
        for step in steps(id, plan) {
            let at = next();
            if matches!(step, DeliveryUpdate::Returned { .. }) {
                changes.push((next(), plan.beer, StockChange::Released, id.clone()));
            }
            self.deliveries.push((at, step));
        }
    }

    fn write_the_log(&mut self, changes: Vec<(i64, usize, StockChange, OrderId)>) {
        let mut shelves = BTreeMap::new();
        for (beer, known) in BEERS.iter().enumerate().take(3) {
            shelves.insert(beer, (1, 500));
            self.stock.push((
                0,
                StockEvent {
                    change: StockChange::Counted,
                    beer: known.beer_id(),
                    sequence: Sequence(1),
                    bottles: Bottles(500),
                    level: Bottles(500),
                    order_id: None,
                },
            ));
        }
        for (second, beer, change, order_id) in changes {
            let (sequence, level) = shelves.get_mut(&beer).unwrap();
            *sequence += 1;
            *level = if change == StockChange::Reserved { *level - 2 } else { *level + 2 };
            self.stock.push((
                second,
                StockEvent {
                    change,
                    beer: BEERS[beer].beer_id(),
                    sequence: Sequence(*sequence),
                    bottles: Bottles(2),
                    level: Bottles(*level),
                    order_id: Some(order_id),
                },
            ));
        }
    }
}

fn steps(id: &OrderId, plan: &Plan) -> Vec<DeliveryUpdate> {
    let (order_id, courier, address) = (id.clone(), "Ada".to_owned(), "nowhere".to_owned());
    let reason = FailureReason::AddressNotFound;
    let picked_up =
        |round| DeliveryUpdate::PickedUp { order_id: id.clone(), round, attempt: 1, courier: "Ada".to_owned() };
    let delivered =
        |round| DeliveryUpdate::Delivered { order_id: id.clone(), round, attempt: 1, courier: "Ada".to_owned() };
    let stranded = DeliveryUpdate::Stranded {
        order_id: order_id.clone(),
        round: 1,
        attempts: 1,
        courier,
        reason,
        address: address.clone(),
    };
    let redriven = DeliveryUpdate::Redriven { order_id: order_id.clone(), round: 2, address };
    let lines = vec![Line { beer: BEERS[plan.beer].beer_id(), bottles: Bottles(2) }];
    let returned = DeliveryUpdate::Returned { order_id, lines };
    match plan.fate {
        Fate::Waits | Fate::Refused | Fate::InTheQueue => vec![],
        Fate::Delivered => vec![picked_up(1), delivered(1)],
        Fate::Stranded => vec![picked_up(1), stranded],
        Fate::DeliveredAtLast => vec![picked_up(1), stranded, redriven, picked_up(2), delivered(2)],
        Fate::Returned => vec![picked_up(1), stranded, returned],
    }
}

/// Messages of one topic as they lie in it: some twice, with the event id and time they had.
fn laid_out<M: Clone>(messages: &[(i64, M)], repeats: &[(usize, usize)]) -> Vec<Received<M>> {
    let mut laid = Vec::new();
    let mut lay = |index: usize| {
        let (second, message) = &messages[index];
        let entry = laid.len() as u64;
        laid.push(Received {
            message: Ok(message.clone()),
            position: Position { ledger: 7, entry, batch_index: 0, batch_size: 1 },
            event_id: EventId::new(format!("e-{index}")),
            at: at(*second),
            trace: None,
        });
    };
    for index in 0..messages.len() {
        lay(index);
        for (_, back) in repeats.iter().filter(|(after, _)| after % messages.len() == index) {
            lay(index - back % (index + 1));
        }
    }
    laid
}

fn at(second: i64) -> Moment {
    Moment::from_micros(second * 1_000_000)
}

/// A process that folds, commits what it folded, and is killed at times.
#[derive(Default)]
struct Process {
    analysis: Analysis,
    /// The rows of the past that it committed.
    rows: Vec<String>,
}

impl Process {
    fn read<M: Analysed>(&mut self, laid: &[Received<M>], next: &mut usize) {
        if let Some(received) = laid.get(*next) {
            self.analysis.read(received);
            *next += 1;
        }
    }

    fn restart(&mut self) {
        self.rows.push(serde_json::to_string(&self.analysis.take_news()).unwrap());
        let mut again = Analysis::default();
        for key in self.analysis.keys() {
            again.restore(key.clone(), &self.analysis.facts(&key).unwrap().unwrap()).unwrap();
        }
        let mut timeline = Timeline::default();
        self.rows.iter().for_each(|row| timeline.absorb(serde_json::from_str(row).unwrap()));
        again.restore_timeline(timeline);
        again.restore_checkpoint(self.analysis.checkpoint().clone());
        self.analysis = again;
    }
}

/// All of it, read in these turns.
fn read(history: &History, repeats: &[Vec<(usize, usize)>; 4], turns: &[u8]) -> Analysis {
    let mut process = Process::default();
    let orders = laid_out(&history.orders, &repeats[0]);
    let decisions = laid_out(&history.decisions, &repeats[1]);
    let stock = laid_out(&history.stock, &repeats[2]);
    let deliveries = laid_out(&history.deliveries, &repeats[3]);
    let mut next = [0; 4];
    let rest = [0, 1, 2, 3].map(|topic| vec![topic; 200]).concat();
    for turn in turns.iter().copied().chain(rest) {
        match turn % 9 {
            0 | 4 => process.read(&orders, &mut next[0]),
            1 | 5 => process.read(&decisions, &mut next[1]),
            2 | 6 => process.read(&stock, &mut next[2]),
            3 | 7 => process.read(&deliveries, &mut next[3]),
            _ => process.restart(),
        }
    }
    assert_eq!(next, [orders.len(), decisions.len(), stock.len(), deliveries.len()]);
    process.analysis
}

/// How it was, by a fold over only what had happened by then, each topic in its order.
fn folded(history: &History, second: i64) -> AsOf {
    let mut analysis = Analysis::default();
    fold(&mut analysis, &history.orders, second);
    fold(&mut analysis, &history.decisions, second);
    fold(&mut analysis, &history.stock, second);
    fold(&mut analysis, &history.deliveries, second);
    let revenue_cents = analysis.takings().totals.revenue_cents;
    // A decision that was read before its order counts as an event when that comes.
    let events = analysis.timeline().as_of(at(1_000)).events;
    let ledger = ledger(&analysis, Watch { now: at(second), steady_since: at(second) });
    let level = |beer: &events::beers::Beer| {
        let beer = beer.beer_id();
        BeerAsOf { level: analysis.shelf(&beer).map_or(Bottles(0), |shelf| shelf.level), beer }
    };
    let beers = BEERS.iter().map(level).collect();
    let (orders, deliveries) = (ledger.orders, ledger.deliveries);
    AsOf { at: at(second), first: None, last: None, events, beers, orders, deliveries, revenue_cents }
}

fn fold<M: Analysed + Clone>(analysis: &mut Analysis, messages: &[(i64, M)], until: i64) {
    for received in laid_out(messages, &[]).iter().filter(|received| received.at <= at(until)) {
        analysis.read(received);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn as_of_is_a_fold_over_what_had_happened(
        plans in prop::collection::vec(any_plan(), 0..12),
        repeats in prop::array::uniform4(prop::collection::vec((0..40_usize, 0..40_usize), 0..6)),
        turns in prop::collection::vec(any::<u8>(), 0..150),
    ) {
        let history = History::of(&plans);
        let analysis = read(&history, &repeats, &turns);
        for second in -25..100 {
            let as_of = analysis.timeline().as_of(at(second));
            prop_assert_eq!(AsOf { first: None, last: None, ..as_of }, folded(&history, second));
        }
        let end = analysis.timeline().as_of(at(100));
        let seconds = || {
            let services = history.decisions.iter().map(|(second, _)| *second);
            let others = history.stock.iter().map(|(second, _)| *second);
            let couriers = history.deliveries.iter().map(|(second, _)| *second);
            history.orders.iter().map(|(second, _)| *second).chain(services).chain(others).chain(couriers)
        };
        prop_assert_eq!((end.first, end.last), (seconds().min().map(at), seconds().max().map(at)));
    }
}

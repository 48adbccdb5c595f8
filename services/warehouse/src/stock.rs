//! The pure core: what is on the shelf, what an order does to it, and what each event of the log means.
//!
//! No clock, no database, no messages: `decide` says what happens, `apply` changes the state.

use std::collections::BTreeMap;

use events::{
    beers::{self, BEERS, Beer},
    decisions::Refusal,
    ids::{BeerId, OrderId},
    orders::{Line, PlaceOrder},
    quantities::{Bottles, Sequence},
    stock::{StockChange, StockEvent},
};

/// One beer on the shelf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shelf {
    pub level: Bottles,
    /// The sequence of the last event.
    pub sequence: Sequence,
}

/// All beers on the shelf.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stock {
    shelves: BTreeMap<BeerId, Shelf>,
}

/// An event that does not follow from the stock before it: it belongs to another stock, or the log is broken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{beer} #{sequence} does not follow from {level_before} bottles at #{sequence_before}")]
pub struct DoesNotFollow {
    beer: BeerId,
    sequence: Sequence,
    level_before: Bottles,
    sequence_before: Sequence,
}

impl Stock {
    /// Stock as it was stored.
    pub fn of(shelves: impl IntoIterator<Item = (BeerId, Shelf)>) -> Self {
        Stock { shelves: shelves.into_iter().collect() }
    }

    /// One beer's shelf; an empty one if it was never counted.
    pub fn shelf(&self, beer: &BeerId) -> Shelf {
        self.shelves.get(beer).copied().unwrap_or_default()
    }

    pub fn shelves(&self) -> impl Iterator<Item = (&BeerId, &Shelf)> {
        self.shelves.iter()
    }

    /// The next event of this beer. Its level follows from the current stock, and is 0 where it would be negative.
    fn next(&self, change: StockChange, beer: &BeerId, bottles: Bottles, order_id: Option<&OrderId>) -> StockEvent {
        let shelf = self.shelf(beer);
        let mut event = StockEvent {
            change,
            beer: beer.clone(),
            sequence: shelf.sequence.next(),
            bottles,
            level: Bottles::NONE,
            order_id: order_id.cloned(),
        };
        event.level = event.level_after(shelf.level).unwrap_or(Bottles::NONE);
        event
    }
}

/// The first count of an episode: an event for each beer that has none yet.
pub fn first_count(stock: &Stock) -> Vec<StockEvent> {
    let uncounted = BEERS.iter().filter(|beer| stock.shelf(&beer.beer_id()).sequence == Sequence::default());
    uncounted.map(|beer| stock.next(StockChange::Counted, &beer.beer_id(), beer.first_stock, None)).collect()
}

/// Whether a beer that falls below its reorder point is restocked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restocking {
    On,
    /// It is sold until none is left.
    Off,
}

/// Decides an order: its bottles are reserved, all of them or none. While restocking is on, a beer that falls below its
/// reorder point is filled up to its first stock with the same decision.
///
/// # Errors
/// Why the order is refused: it breaks a rule, or there is not enough of a beer.
pub fn decide(
    stock: &Stock,
    restocking: Restocking,
    order_id: &OrderId,
    order: &PlaceOrder,
) -> Result<Vec<StockEvent>, Refusal> {
    let faults = order.faults();
    if !faults.is_empty() {
        return Err(Refusal::Invalid { faults });
    }
    for Line { beer, bottles } in &order.lines {
        let left = stock.shelf(beer).level;
        if left < *bottles {
            return Err(Refusal::NotEnough { beer: beer.clone(), asked: *bottles, left });
        }
    }
    let mut events = Vec::with_capacity(order.lines.len());
    for Line { beer, bottles } in &order.lines {
        let reserved = stock.next(StockChange::Reserved, beer, *bottles, Some(order_id));
        let beer = beers::find(beer).filter(|_| restocking == Restocking::On);
        let received = beer.and_then(|beer| restock(beer, &reserved));
        events.push(reserved);
        events.extend(received);
    }
    Ok(events)
}

/// The delivery from the brewery that follows this event, if the beer has fallen below its reorder point.
fn restock(beer: &Beer, after: &StockEvent) -> Option<StockEvent> {
    let reorder_point = beer.reorder_point()?;
    let missing = beer.first_stock.minus(after.level)?;
    (after.level < reorder_point).then(|| StockEvent {
        change: StockChange::Received,
        beer: after.beer.clone(),
        sequence: after.sequence.next(),
        bottles: missing,
        level: beer.first_stock,
        order_id: None,
    })
}

/// Takes back a returned order: its bottles are on the shelf again.
pub fn take_back(stock: &Stock, order_id: &OrderId, lines: &[Line]) -> Vec<StockEvent> {
    let released = |line: &Line| stock.next(StockChange::Released, &line.beer, line.bottles, Some(order_id));
    lines.iter().filter(|line| beers::find(&line.beer).is_some()).map(released).collect()
}

/// Applies an event.
///
/// # Errors
/// If it does not follow: its sequence is not the next one, or its level is not the sum.
pub fn apply(stock: &mut Stock, event: &StockEvent) -> Result<(), DoesNotFollow> {
    let before = stock.shelf(&event.beer);
    if event.sequence != before.sequence.next() || event.level_after(before.level) != Some(event.level) {
        return Err(DoesNotFollow {
            beer: event.beer.clone(),
            sequence: event.sequence,
            level_before: before.level,
            sequence_before: before.sequence,
        });
    }
    stock.shelves.insert(event.beer.clone(), Shelf { level: event.level, sequence: event.sequence });
    Ok(())
}

#[cfg(test)]
mod tests {
    use events::orders::PlaceOrderType;
    use proptest::prelude::*;

    use super::*;

    fn order(lines: Vec<Line>) -> PlaceOrder {
        PlaceOrder {
            kind: PlaceOrderType::PlaceOrder,
            order_id: None,
            customer: "Ada".into(),
            address: "Grote Markt 1".into(),
            lines,
        }
    }

    fn line(beer: &str, bottles: u32) -> Line {
        Line { beer: BeerId::new(beer), bottles: Bottles(bottles) }
    }

    fn counted() -> Stock {
        let mut stock = Stock::default();
        for event in first_count(&stock) {
            apply(&mut stock, &event).unwrap();
        }
        stock
    }

    fn id(n: usize) -> OrderId {
        format!("o-{n}").parse().unwrap()
    }

    #[test]
    fn counts_every_beer_once() {
        let stock = counted();
        assert_eq!(stock.shelves().count(), BEERS.len());
        assert_eq!(first_count(&stock), []);
    }

    #[test]
    fn reserves_every_line_or_none() {
        let stock = counted();
        let events = decide(&stock, Restocking::On, &id(1), &order(vec![line("orval", 2), line("duvel", 3)])).unwrap();
        let levels: Vec<_> = events.iter().map(|event| (event.change, event.sequence.0, event.level.0)).collect();
        assert_eq!(levels, [(StockChange::Reserved, 2, 198), (StockChange::Reserved, 2, 237)]);
        let refusal =
            decide(&stock, Restocking::On, &id(2), &order(vec![line("orval", 2), line("westvleteren-12", 13)]))
                .unwrap_err();
        let expected =
            Refusal::NotEnough { beer: BeerId::new("westvleteren-12"), asked: Bottles(13), left: Bottles(12) };
        assert_eq!(refusal, expected);
    }

    #[test]
    fn restocks_in_the_same_decision_but_never_the_scarce_one() {
        let mut stock = counted();
        for n in 0..6 {
            for event in decide(&stock, Restocking::On, &id(n), &order(vec![line("orval", 24)])).unwrap() {
                apply(&mut stock, &event).unwrap();
            }
        }
        let events = decide(&stock, Restocking::On, &id(7), &order(vec![line("orval", 24)])).unwrap();
        assert_eq!(events[0].level, Bottles(32));
        assert_eq!(
            (events[1].change, events[1].bottles, events[1].level),
            (StockChange::Received, Bottles(168), Bottles(200))
        );
        let events = decide(&stock, Restocking::On, &id(8), &order(vec![line("westvleteren-12", 12)])).unwrap();
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].level, Bottles::NONE);
    }

    #[test]
    fn without_restocking_a_beer_is_sold_until_nothing_is_left() {
        let mut stock = counted();
        let orval = order(vec![line("orval", 20)]);
        for n in 0..10 {
            let events = decide(&stock, Restocking::Off, &id(n), &orval).unwrap();
            assert_eq!(events.len(), 1);
            apply(&mut stock, &events[0]).unwrap();
        }
        let refusal = Refusal::NotEnough { beer: BeerId::new("orval"), asked: Bottles(20), left: Bottles::NONE };
        assert_eq!(decide(&stock, Restocking::Off, &id(10), &orval), Err(refusal));
        let one = decide(&stock, Restocking::On, &id(11), &order(vec![line("duvel", 1)])).unwrap();
        assert_eq!(one.len(), 1, "another beer is far above its reorder point");
    }

    #[test]
    fn an_event_out_of_order_does_not_follow() {
        let mut stock = counted();
        let events = decide(&stock, Restocking::On, &id(1), &order(vec![line("orval", 2)])).unwrap();
        apply(&mut stock, &events[0]).unwrap();
        assert!(apply(&mut stock, &events[0]).is_err(), "a repeat");
        let mut wrong = stock.next(StockChange::Reserved, &BeerId::new("orval"), Bottles(2), None);
        wrong.level = Bottles(1);
        assert!(apply(&mut stock, &wrong).is_err(), "a level that is not the sum");
    }

    /// Any order a stranger could send, most of them sensible.
    fn any_lines() -> impl Strategy<Value = Vec<Line>> {
        let beer = prop_oneof![9 => (0..BEERS.len()).prop_map(|n| BEERS[n].id), 1 => Just("water")];
        prop::collection::vec((beer, 0_u32..40).prop_map(|(beer, bottles)| line(beer, bottles)), 0..5)
    }

    #[derive(Debug, Clone)]
    enum Happening {
        Order(Vec<Line>),
        ComesBack(usize),
    }

    fn any_happening() -> impl Strategy<Value = Happening> {
        prop_oneof![4 => any_lines().prop_map(Happening::Order), 1 => any::<usize>().prop_map(Happening::ComesBack)]
    }

    proptest! {
        /// Whatever is ordered and brought back: no level is negative, no sequence has a gap, the sum holds, and a
        /// refused order changes nothing.
        #[test]
        fn the_sum_always_holds(happenings in prop::collection::vec(any_happening(), 0..200), restocks in any::<bool>()) {
            let restocking = if restocks { Restocking::On } else { Restocking::Off };
            let mut stock = Stock::default();
            let mut log = first_count(&stock);
            for event in &log {
                apply(&mut stock, event).unwrap();
            }
            let mut accepted: Vec<Vec<Line>> = Vec::new();
            for (n, happening) in happenings.into_iter().enumerate() {
                let events = match happening {
                    Happening::Order(lines) => match decide(&stock, restocking, &id(n), &order(lines.clone())) {
                        Ok(events) => {
                            accepted.push(lines);
                            events
                        }
                        Err(_) => Vec::new(),
                    },
                    Happening::ComesBack(_) if accepted.is_empty() => Vec::new(),
                    Happening::ComesBack(which) => {
                        let lines = accepted.swap_remove(which % accepted.len());
                        take_back(&stock, &id(n), &lines)
                    }
                };
                for event in events {
                    // `apply` refuses a gap, a repeat and a level that is not the sum, a negative one included.
                    apply(&mut stock, &event).unwrap();
                    log.push(event);
                }
            }
            for beer in &BEERS {
                let of_beer: Vec<_> = log.iter().filter(|event| event.beer.as_str() == beer.id).collect();
                let sum: i64 = of_beer.iter().map(|event| {
                    let bottles = i64::from(event.bottles.0);
                    if event.change == StockChange::Reserved { -bottles } else { bottles }
                }).sum();
                prop_assert_eq!(sum, i64::from(stock.shelf(&beer.beer_id()).level.0));
                let sequences: Vec<_> = of_beer.iter().map(|event| event.sequence.0).collect();
                prop_assert_eq!(sequences, (1..=of_beer.len() as u64).collect::<Vec<_>>());
            }
        }
    }
}

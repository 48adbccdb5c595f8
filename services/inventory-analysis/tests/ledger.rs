//! The ledger: what it says for given messages, and whether it is balanced.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use events::{
    contradictions::ContradictionKind,
    decisions::{OrderDecision, Refusal},
    delivery::{DeliveryUpdate, FailureReason},
    ids::{BeerId, EventId, Moment},
    insights::{Ledger, WaitsFor},
    orders::{self, Line},
    quantities::{Bottles, Sequence},
    stock::{StockChange, StockEvent},
};
use inventory_analysis::{
    analysis::Analysis,
    ledger::{Watch, ledger},
};

/// Builds an analysis from messages, by default at second 100.
struct Told {
    analysis: Analysis,
    second: i64,
}

fn at(second: i64) -> Moment {
    Moment::from_micros(second * 1_000_000)
}

fn lines(bottles: u32) -> Vec<Line> {
    vec![Line { beer: BeerId::new("orval"), bottles: Bottles(bottles) }]
}

impl Told {
    fn new() -> Self {
        Told { analysis: Analysis::default(), second: 100 }.stock(StockChange::Counted, 1, 200, 200, None)
    }

    fn at(self, second: i64) -> Self {
        Told { second, ..self }
    }

    fn placed(mut self, id: &str) -> Self {
        self.analysis.place(id.parse().unwrap(), at(self.second));
        self
    }

    fn accepted(mut self, id: &str, bottles: u32) -> Self {
        let lines = lines(bottles);
        let (bottles, total_cents) = (orders::bottles(&lines), orders::total(&lines));
        let decision = OrderDecision::Accepted { order_id: id.parse().unwrap(), lines, bottles, total_cents };
        self.analysis.decide(&decision, at(self.second));
        self
    }

    fn refused(mut self, id: &str) -> Self {
        let reason = Refusal::Invalid { faults: vec![] };
        let decision = OrderDecision::Refused { order_id: id.parse().unwrap(), lines: lines(2), reason };
        self.analysis.decide(&decision, at(self.second));
        self
    }

    fn stock(mut self, change: StockChange, sequence: u64, bottles: u32, level: u32, id: Option<&str>) -> Self {
        let event = StockEvent {
            change,
            beer: BeerId::new("orval"),
            sequence: Sequence(sequence),
            bottles: Bottles(bottles),
            level: Bottles(level),
            order_id: id.map(|id| id.parse().unwrap()),
        };
        self.analysis.stock(&event, at(self.second));
        self
    }

    fn reserved(self, sequence: u64, bottles: u32, level: u32, id: &str) -> Self {
        self.stock(StockChange::Reserved, sequence, bottles, level, Some(id))
    }

    fn released(self, sequence: u64, bottles: u32, level: u32, id: &str) -> Self {
        self.stock(StockChange::Released, sequence, bottles, level, Some(id))
    }

    fn update(mut self, event_id: &str, update: &DeliveryUpdate) -> Self {
        self.analysis.deliver(update, &EventId::new(event_id), at(self.second));
        self
    }

    fn picked_up(self, id: &str) -> Self {
        let order_id = id.parse().unwrap();
        self.update("p", &DeliveryUpdate::PickedUp { order_id, round: 1, attempt: 1, courier: "courier-1".into() })
    }

    fn delivered(self, event_id: &str, id: &str) -> Self {
        let order_id = id.parse().unwrap();
        let courier = "courier-1".into();
        self.update(event_id, &DeliveryUpdate::Delivered { order_id, round: 1, attempt: 1, courier })
    }

    fn stranded(self, id: &str) -> Self {
        let update = DeliveryUpdate::Stranded {
            order_id: id.parse().unwrap(),
            round: 1,
            attempts: 4,
            courier: "courier-1".into(),
            reason: FailureReason::AddressNotFound,
            address: "nowhere".into(),
        };
        self.update("s", &update)
    }

    fn redriven(self, id: &str) -> Self {
        let order_id = id.parse().unwrap();
        self.update("r", &DeliveryUpdate::Redriven { order_id, round: 2, address: "Gent".into() })
    }

    fn returned(self, id: &str, bottles: u32) -> Self {
        let order_id = id.parse().unwrap();
        self.update("b", &DeliveryUpdate::Returned { order_id, lines: lines(bottles) })
    }

    /// The ledger at this second, for an analysis that missed nothing.
    fn ledger(&self, second: i64) -> Ledger {
        ledger(&self.analysis, Watch { now: at(second), steady_since: at(0) })
    }

    fn found(&self) -> Vec<ContradictionKind> {
        let ledger = self.ledger(self.second);
        assert_eq!(ledger.balanced, ledger.contradictions.is_empty());
        assert_eq!(ledger.contradictions_found, ledger.contradictions.len() as u64);
        ledger.contradictions.into_iter().map(|found| found.what).collect()
    }
}

/// One order of two bottles, accepted and reserved.
fn sold() -> Told {
    Told::new().placed("a").accepted("a", 2).reserved(2, 2, 198, "a")
}

fn on_the_way(ledger: &Ledger) -> Vec<WaitsFor> {
    ledger.on_the_way.iter().map(|thing| thing.what).collect()
}

#[test]
fn every_order_and_bottle_is_accounted_for() {
    let told = sold().placed("b").refused("b").placed("c").delivered("d", "a");
    let ledger = told.ledger(101);
    assert!(ledger.balanced, "{ledger:#?}");
    let bottles = ledger.bottles;
    assert_eq!((bottles.counted, bottles.reserved, bottles.on_shelf), (200, 2, 198));
    let orders = ledger.orders;
    assert_eq!((orders.placed, orders.accepted, orders.refused, orders.waiting), (3, 1, 1, 1));
    assert_eq!((ledger.deliveries.accepted, ledger.deliveries.delivered), (1, 1));
    assert_eq!(on_the_way(&ledger), [WaitsFor::Decision]);
}

#[test]
fn a_parcel_is_where_its_updates_say() {
    let sums = |told: &Told| {
        let ledger = told.ledger(101);
        assert!(ledger.balanced, "{ledger:#?}");
        let deliveries = ledger.deliveries;
        (deliveries.under_way, deliveries.delivered, deliveries.stranded, deliveries.returned)
    };
    let told = sold();
    assert_eq!(sums(&told), (1, 0, 0, 0));
    let told = told.picked_up("a");
    assert_eq!(on_the_way(&told.ledger(101)), [WaitsFor::Arrival]);
    let told = told.stranded("a");
    assert_eq!(sums(&told), (0, 0, 1, 0));
    let told = told.redriven("a");
    assert_eq!(sums(&told), (1, 0, 0, 0));
    let told = told.stranded("a").returned("a", 2);
    assert_eq!(sums(&told), (0, 0, 0, 1));
    assert_eq!(on_the_way(&told.ledger(101)), [WaitsFor::Bottles]);
    let told = told.released(3, 2, 200, "a");
    assert_eq!(sums(&told), (0, 0, 0, 1));
    assert_eq!(told.ledger(1000).on_the_way, []);
    assert!(told.ledger(1000).balanced);
}

#[test]
fn a_fact_before_its_cause_is_parked_and_missed_after_thirty_seconds() {
    let parked = [
        (Told::new().accepted("a", 2).reserved(2, 2, 198, "a"), WaitsFor::Order),
        (Told::new().placed("a").reserved(2, 2, 198, "a"), WaitsFor::DecisionOfBottles),
        (Told::new().placed("a").accepted("a", 2), WaitsFor::Reservation),
        (Told::new().placed("a").delivered("d", "a"), WaitsFor::DecisionOfParcel),
        (sold().released(3, 2, 200, "a"), WaitsFor::Return),
        (sold().returned("a", 2), WaitsFor::Bottles),
        (Told::new().reserved(3, 2, 196, "a"), WaitsFor::EarlierEvent),
    ];
    for (told, what) in parked {
        assert_eq!(on_the_way(&told.ledger(130)), [what]);
        assert!(told.ledger(130).balanced, "{what:?}");
        assert!(!told.ledger(131).balanced, "{what:?}");
        let just_back = Watch { now: at(131), steady_since: at(120) };
        assert!(ledger(&told.analysis, just_back).balanced, "{what:?}: we were behind");
    }
}

#[test]
fn what_is_told_of_an_order_nobody_placed_waits_for_it_and_then_counts_nowhere() {
    let told = [
        Told::new().delivered("d", "ghost"),
        Told::new().returned("ghost", 7),
        Told::new().accepted("ghost", 7),
        Told::new().refused("ghost").picked_up("ghost"),
        Told::new().delivered("d", "ghost").delivered("e", "ghost").returned("ghost", 7),
    ];
    for (n, told) in told.into_iter().enumerate() {
        assert_eq!(on_the_way(&told.ledger(130)).len(), 1, "{n}");
        assert!(told.ledger(130).balanced, "{n}");
        let ledger = told.ledger(131);
        assert!(
            ledger.balanced && ledger.on_the_way.is_empty() && ledger.contradictions_found == 0,
            "{n}: {ledger:#?}"
        );
        assert!(told.placed("ghost").ledger(131).orders.placed == 1, "{n}: the order comes all the same");
    }
}

#[test]
fn an_order_under_way_is_never_missed() {
    let told = sold();
    assert_eq!(on_the_way(&told.ledger(10_000)), [WaitsFor::Courier]);
    assert!(told.ledger(10_000).balanced);
}

#[test]
fn an_order_nobody_decides_is_missed() {
    let told = Told::new().placed("a");
    assert!(told.ledger(130).balanced);
    assert!(!told.ledger(131).balanced);
}

#[test]
fn a_warehouse_working_through_a_queue_misses_nothing_but_who_was_passed_over() {
    let told = Told::new().placed("a").at(101).placed("b").at(150).refused("a");
    assert!(told.ledger(160).balanced, "a was decided 10 s ago, b is next");
    assert!(!told.ledger(181).balanced, "nothing was decided for 31 s");
    let told = Told::new().placed("a").at(101).placed("b").at(150).refused("b");
    assert!(!told.ledger(151).balanced, "a was placed before b, and b is decided");
}

#[test]
fn an_order_decided_in_two_ways_contradicts() {
    assert_eq!(sold().accepted("a", 2).found(), [], "told twice");
    let told = Told::new().placed("a").refused("a").accepted("a", 2);
    assert_eq!(told.found(), [ContradictionKind::DecidedInTwoWays]);
    assert_eq!(told.analysis.takings().totals.orders, 0, "the first decision counts");
    assert_eq!(sold().accepted("a", 3).found(), [ContradictionKind::DecidedInTwoWays]);
}

#[test]
fn two_deliveries_contradict() {
    let told = sold().delivered("d", "a").delivered("d", "a");
    assert_eq!(told.found(), [], "one told twice");
    assert_eq!(told.delivered("e", "a").found(), [ContradictionKind::DeliveredTwice]);
}

#[test]
fn a_delivery_of_what_was_refused_contradicts() {
    assert_eq!(Told::new().placed("a").refused("a").picked_up("a").found(), [ContradictionKind::RefusedInDelivery]);
}

#[test]
fn a_reservation_that_does_not_match_its_order_contradicts() {
    let refused = Told::new().placed("a").refused("a").reserved(2, 2, 198, "a");
    assert_eq!(refused.found(), [ContradictionKind::ReservedForRefused]);
    assert_eq!(sold().reserved(3, 2, 196, "a").found(), [ContradictionKind::ReservedOtherwise]);
    let too_few = Told::new().placed("a").accepted("a", 2).reserved(2, 1, 199, "a");
    assert_eq!(too_few.found(), [], "the rest may come");
    assert!(!too_few.ledger(131).balanced, "it did not");
}

#[test]
fn a_return_that_does_not_match_its_order_contradicts() {
    assert_eq!(sold().returned("a", 1).found(), [ContradictionKind::ReturnedOtherwise]);
    let released = sold().returned("a", 2).released(3, 3, 201, "a");
    assert_eq!(released.found(), [ContradictionKind::MoreReleasedThanReturned]);
    assert_eq!(sold().released(3, 3, 201, "a").found(), [ContradictionKind::MoreReleasedThanOrdered]);
    let both = sold().delivered("d", "a").returned("a", 2).released(3, 2, 200, "a");
    assert_eq!(both.found(), [ContradictionKind::DeliveredAndReturned]);
}

#[test]
fn a_broken_log_contradicts() {
    let (beer, sequence) = (BeerId::new("orval"), Sequence(2));
    let (level, sum) = (Bottles(199), Bottles(198));
    assert_eq!(
        Told::new().placed("a").accepted("a", 2).reserved(2, 2, 199, "a").found(),
        [ContradictionKind::LevelIsNotTheSum { beer: beer.clone(), sequence, level, sum }]
    );
    let gap = Told::new().stock(StockChange::Received, 3, 10, 210, None);
    assert_eq!(gap.found(), [], "it may come");
    let missed = gap.at(131);
    assert_eq!(missed.found(), [ContradictionKind::EventsMissing { beer, first: sequence, last: sequence }]);
    assert_eq!(missed.stock(StockChange::Received, 2, 0, 200, None).found(), [], "it came");
}

#[test]
fn what_is_overdue_is_listed_first_however_much_is_older() {
    let mut told = Told::new();
    for n in 0..30_u32 {
        let id = format!("o-{n}");
        told = told.placed(&id).accepted(&id, 1).reserved(2 + u64::from(n), 1, 199 - n, &id);
    }
    let ledger = told.at(150).placed("late").ledger(200);
    assert!(!ledger.balanced);
    assert_eq!((ledger.on_the_way.len(), ledger.on_the_way[0].order_id.as_str()), (20, "late"));
    assert_eq!(ledger.deliveries.under_way, 30);
}

use events::{
    delivery::FailureReason,
    ids::BeerId,
    quantities::{Bottles, Sequence},
    received::Position,
    topics::{DELIVERY_UPDATES, ORDER_DECISIONS},
};
use web::order::progress::{CAUSE_WITHIN_MS, EARLY_MAX};

use super::{order::HOPS_MAX, *};
use crate::samples::told::{self, accepted, at, id, lines};

fn placed(order: &str) -> News {
    told::placed(order, "Ada", "Gent")
}

fn picked_up(order: &str, attempt: u32) -> News {
    told::picked_up(order, attempt, "Bart")
}

fn delivered(order: &str) -> News {
    told::delivered(order, "Bart")
}

fn reserved(order: &str, sequence: u64) -> News {
    let (beer, sequence, level) = (BeerId::new("orval"), Sequence(sequence), Bottles(198));
    let change = StockChange::Reserved;
    News::Stock(id(order), StockEvent { change, beer, sequence, bottles: Bottles(2), level, order_id: Some(id(order)) })
}

fn level(sequence: u64, millis: i64) -> StockLevel {
    told::level(sequence, 198, at(millis))
}

/// Sends messages one by one, each as an event of its own.
struct Teller {
    orders: Orders,
    told: u64,
}

impl Teller {
    fn new() -> Self {
        Teller { orders: Orders::default(), told: 0 }
    }

    fn message(&mut self, news: News) -> Message {
        self.told += 1;
        let position = Position { ledger: 1, entry: self.told, batch_index: 0, batch_size: 1 };
        let event_id = EventId::new(format!("e-{}", self.told));
        Message { news, event_id, at: at(i64::try_from(self.told).unwrap()), position, trace: None }
    }

    fn tell(&mut self, news: News) -> Applied {
        let message = self.message(news);
        let now = message.at;
        self.orders.apply(message, now)
    }

    /// The hops of an order, as shown.
    fn way(&self, order: &str) -> Vec<What> {
        self.orders.view(&id(order)).unwrap().journey.into_iter().map(|step| step.what).collect()
    }

    fn status(&self, order: &str) -> Status {
        self.orders.get(&id(order)).unwrap().progress.status
    }
}

fn untrue(topic: &'static TopicSpec, code: ReasonCode) -> Applied {
    Applied { changes: Vec::new(), untrue: vec![(topic, code)] }
}

#[test]
fn what_is_told_again_changes_nothing_and_is_no_lie() {
    let mut teller = Teller::new();
    let story = [placed("a"), accepted("a"), reserved("a", 2), picked_up("a", 1), delivered("a")];
    let messages: Vec<Message> = story.into_iter().map(|news| teller.message(news)).collect();
    for message in &messages {
        assert_eq!(teller.orders.apply(message.clone(), message.at).changes.len(), 1, "{message:?}");
    }
    let before = teller.way("a");
    for message in messages {
        // Sent again by a service that was killed: at another position, with the same id.
        let again = Message { position: Position { entry: 99, ..message.position }, ..message };
        assert_eq!(teller.orders.apply(again, at(99)), Applied::default());
    }
    assert_eq!(teller.tell(placed("a")), Applied::default(), "an order is placed once");
    assert_eq!(teller.way("a"), before);
}

#[test]
fn what_comes_before_its_cause_waits_for_it_and_keeps_its_order() {
    let mut teller = Teller::new();
    for news in [delivered("a"), picked_up("a", 1), accepted("a")] {
        assert_eq!(teller.tell(news), Applied::default());
    }
    // Out of order, so the delivery is judged first: it does not follow.
    let applied = teller.tell(placed("a"));
    let what: Vec<&What> = applied.changes.iter().map(|change| &change.what).collect();
    assert!(matches!(what[..], [What::Placed, What::Accepted { .. }, What::PickedUp { .. }]), "{what:?}");
    assert_eq!(applied.untrue, [(DELIVERY_UPDATES.spec, ReasonCode::DoesNotFollow)]);
    for news in [picked_up("b", 1), delivered("b"), accepted("b"), reserved("b", 2)] {
        assert_eq!(teller.tell(news), Applied::default());
    }
    assert_eq!(teller.tell(placed("b")).changes.len(), 5);
    assert_eq!(teller.status("b"), Status::Delivered);
    for news in [picked_up("c", 1), accepted("c"), delivered("c")] {
        assert_eq!(teller.tell(news), Applied::default());
    }
    let applied = teller.tell(placed("c"));
    assert_eq!((applied.changes.len(), applied.untrue.len(), teller.status("c")), (4, 0, Status::Delivered));
}

#[test]
fn a_cause_that_does_not_come_is_not_waited_for_longer_than_half_a_minute() {
    let mut teller = Teller::new();
    teller.tell(accepted("ghost"));
    assert_eq!(teller.orders.give_up_overdue(at(1 + CAUSE_WITHIN_MS)), []);
    let unknown = (ORDER_DECISIONS.spec, ReasonCode::UnknownOrder);
    assert_eq!(teller.orders.give_up_overdue(at(2 + CAUSE_WITHIN_MS)), [unknown]);
    assert_eq!(teller.tell(placed("ghost")).changes.len(), 1, "and then it has no effect");
}

#[test]
fn of_too_many_that_wait_the_first_is_given_up() {
    let mut teller = Teller::new();
    for n in 0..EARLY_MAX {
        assert_eq!(teller.tell(accepted(&format!("g{n}"))), Applied::default());
    }
    assert_eq!(teller.tell(accepted("last")), untrue(ORDER_DECISIONS.spec, ReasonCode::UnknownOrder));
    assert_eq!(teller.tell(placed("g0")).changes.len(), 1);
    assert_eq!(teller.tell(placed("g1")).changes.len(), 2);
}

#[test]
fn what_is_untrue_is_named_and_changes_nothing() {
    let mut teller = Teller::new();
    teller.tell(placed("a"));
    teller.tell(accepted("a"));
    let before = teller.way("a");
    let does_not_follow = untrue(DELIVERY_UPDATES.spec, ReasonCode::DoesNotFollow);
    assert_eq!(teller.tell(delivered("a")), does_not_follow);
    assert_eq!(teller.tell(picked_up("a", 7)), does_not_follow);
    assert_eq!(teller.tell(accepted("a")), untrue(ORDER_DECISIONS.spec, ReasonCode::SecondDecision));
    assert_eq!(teller.way("a"), before);
    teller.tell(picked_up("a", 1));
    teller.tell(delivered("a"));
    assert_eq!(teller.tell(delivered("a")), untrue(DELIVERY_UPDATES.spec, ReasonCode::SecondOutcome));
}

#[test]
fn levels_and_ledgers_cover_hops_whichever_is_read_first() {
    for covers_first in [false, true] {
        let mut teller = Teller::new();
        teller.tell(placed("a"));
        let (shown, counted) = (EventId::new("level"), EventId::new("ledger"));
        let cover = |teller: &mut Teller| {
            assert!(teller.orders.shown(&level(1, 3), &EventId::new("before")).is_empty());
            let mut touched = teller.orders.shown(&level(2, 5), &shown);
            teller.orders.shown(&level(3, 8), &EventId::new("after"));
            let read = |entry| ReadUpTo { topic: "order-decisions".into(), ledger: 1, entry, messages: entry };
            touched.extend(teller.orders.counted(&read(2), at(6), &counted));
            teller.orders.counted(&read(9), at(9), &EventId::new("after"));
            touched
        };
        if covers_first {
            assert!(cover(&mut teller).is_empty());
        }
        teller.tell(accepted("a"));
        teller.tell(reserved("a", 2));
        if !covers_first {
            assert_eq!(cover(&mut teller), [id("a"), id("a")]);
        }
        let journey = teller.orders.view(&id("a")).unwrap().journey;
        let way: Vec<(&str, Moment, &str)> =
            journey.iter().map(|step| (step.topic, step.at, step.event_id.as_str())).collect();
        let expected = [
            ("orders", at(1), "placed a"),
            ("order-decisions", at(2), "e-2"),
            ("stock-events", at(3), "e-3"),
            ("stock-levels", at(5), "level"),
            ("insights", at(6), "ledger"),
        ];
        assert_eq!(way, expected, "covers first: {covers_first}");
    }
}

#[test]
fn the_oldest_that_are_finished_leave_and_stay_known() {
    let mut teller = Teller::new();
    teller.tell(placed("stays"));
    teller.tell(placed("goes"));
    for news in [accepted("goes"), picked_up("goes", 1), delivered("goes")] {
        teller.tell(news);
    }
    for n in 2..DETAILED_MAX {
        teller.tell(placed(&format!("o{n}")));
    }
    assert_eq!(teller.orders.make_room(), [], "there is room for all of them");
    teller.tell(placed("newest"));
    assert_eq!(teller.orders.make_room(), [id("goes")]);
    assert_eq!(teller.orders.view(&id("goes")), None);
    for news in [placed("goes"), accepted("goes"), delivered("goes")] {
        assert_eq!(teller.tell(news), Applied::default(), "it cannot be told from a repeat");
    }
    for n in DETAILED_MAX + 1..=ORDERS_MAX {
        teller.tell(placed(&format!("o{n}")));
    }
    assert_eq!(teller.orders.make_room(), []);
    teller.tell(placed("one-too-many"));
    assert_eq!(teller.orders.make_room(), [id("stays")]);
}

#[test]
fn an_order_that_is_sent_round_in_circles_keeps_its_first_hop_and_the_last_ones() {
    let mut teller = Teller::new();
    teller.tell(placed("a"));
    teller.tell(accepted("a"));
    for _ in 0..2 * HOPS_MAX {
        assert_eq!(teller.tell(picked_up("a", 1)).changes.len(), 1);
    }
    let way = teller.way("a");
    assert_eq!((way.len(), &way[0]), (HOPS_MAX, &What::Placed));
}

#[test]
fn it_has_come_back_only_when_its_bottles_are_on_the_shelf() {
    let mut teller = Teller::new();
    let reason = FailureReason::AddressNotFound;
    let (order_id, courier) = (id("a"), "Bart".to_owned());
    let address = "nowhere".to_owned();
    let stranded = DeliveryUpdate::Stranded { order_id, round: 1, attempts: 1, courier, reason, address };
    let returned = DeliveryUpdate::Returned { order_id: id("a"), lines: lines() };
    for news in [placed("a"), accepted("a"), picked_up("a", 1), News::Updated(stranded), News::Updated(returned)] {
        assert_eq!(teller.tell(news).changes.len(), 1);
    }
    assert_eq!(teller.status("a"), Status::Stranded);
    let News::Stock(order_id, event) = reserved("a", 3) else { unreachable!() };
    teller.tell(News::Stock(order_id, StockEvent { change: StockChange::Released, ..event }));
    assert_eq!(teller.status("a"), Status::Returned);
}

/// `cargo test -p stage hundred_thousand -- --nocapture` prints how much memory they take.
#[test]
fn of_a_hundred_thousand_orders_the_newest_are_in_memory() {
    let pages = || std::fs::read_to_string("/proc/self/statm").ok()?.split(' ').nth(1)?.parse::<i64>().ok();
    let (before, mut teller) = (pages(), Teller::new());
    for n in 0..100_000_u64 {
        let order = format!("order{n:05}");
        for news in [placed(&order), accepted(&order), reserved(&order, 2 * n + 1), reserved(&order, 2 * n + 2)] {
            teller.tell(news);
        }
        teller.orders.shown(&level(2 * n + 1, 1), &EventId::new(format!("level-1-{n}")));
        teller.orders.shown(&level(2 * n + 2, 1), &EventId::new(format!("level-2-{n}")));
        let read = ReadUpTo { topic: "order-decisions".into(), ledger: 1, entry: teller.told, messages: n };
        teller.orders.counted(&read, at(1), &EventId::new(format!("ledger-{n}")));
        teller.tell(picked_up(&order, 1));
        teller.tell(delivered(&order));
        teller.orders.make_room();
        // As after a checkpoint.
        teller.orders.changed.clear();
    }
    if let (Some(before), Some(after)) = (before, pages()) {
        println!("{} MiB for 100,000 orders", (after - before) * 4 / 1024);
    }
    assert_eq!((teller.orders.known.len(), teller.way("order99999").len()), (DETAILED_MAX, 9));
    assert!(teller.orders.gone.contains(&id("order00000")) && teller.orders.view(&id("order89999")).is_none());
}

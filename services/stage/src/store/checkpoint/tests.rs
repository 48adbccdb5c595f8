use events::{
    delivery::{DeliveryUpdate, FailureReason},
    ids::{BeerId, EventId, Service},
    insights::{Insight, Ledger, ReadUpTo},
    quantities::{Bottles, Sequence},
    settings::{Choices, Folding},
    stage::{Presence, ServiceState, Staff},
    stock::{StockChange, StockEvent, StockLevel},
    unreadable::{ReasonCode, Unreadable},
};
use store::testing::Database;

use super::*;
use crate::{
    read_model::orders::{Message, News},
    samples::told::{self, at, id, lines},
};

/// A message of any topic.
#[derive(Clone)]
enum Said {
    News(News),
    Stock(StockEvent),
    Level(StockLevel),
    Insight(Insight),
    Unreadable(Unreadable),
}

fn placed(order: &str, address: &str) -> Said {
    Said::News(told::placed(order, &format!("Ada {order}"), address))
}

fn accepted(order: &str) -> Said {
    Said::News(told::accepted(order))
}

fn updated(update: DeliveryUpdate) -> Said {
    Said::News(News::Updated(update))
}

fn picked_up(order: &str, attempt: u32, courier: &str) -> Said {
    Said::News(told::picked_up(order, attempt, courier))
}

fn stock(change: StockChange, sequence: u64, bottles: u32, level: u32, order: Option<&str>) -> Said {
    let (beer, sequence) = (BeerId::new("orval"), Sequence(sequence));
    let (bottles, level, order_id) = (Bottles(bottles), Bottles(level), order.map(id));
    Said::Stock(StockEvent { change, beer, sequence, bottles, level, order_id })
}

fn level(sequence: u64, level: u32) -> Said {
    Said::Level(told::level(sequence, level, at(2)))
}

fn ledger(entry: u64) -> Said {
    let read = ReadUpTo { topic: "order-decisions".into(), ledger: 1, entry, messages: 1 };
    Said::Insight(Insight::Ledger(Ledger { at: at(9), balanced: true, read: vec![read], ..Ledger::default() }))
}

fn unreadable(reader: Service) -> Said {
    let (topic, message_id, code) = ("orders".to_owned(), "7:1".to_owned(), ReasonCode::Undecodable);
    let (reason, first_bytes) = ("undecodable: no JSON".to_owned(), "two Orval".to_owned());
    Said::Unreadable(Unreadable { topic, message_id, reader, code, reason, first_bytes, at: at(3) })
}

/// Orders in every state, one taken over by another courier, untrue messages, a repeat, and messages before their
/// cause.
fn story() -> Vec<Said> {
    let reason = FailureReason::AddressNotFound;
    let failed = |attempt| {
        let (order_id, round, courier, retry_at) = (id("b"), 1, "Ada".into(), at(5_000));
        updated(DeliveryUpdate::AttemptFailed { order_id, round, attempt, courier, reason, retry_at })
    };
    let stranded = |order: &str, attempts| {
        let (order_id, round, courier, address) = (id(order), 1, "Ada".into(), "nowhere".into());
        updated(DeliveryUpdate::Stranded { order_id, round, attempts, courier, reason, address })
    };
    let redriven = updated(DeliveryUpdate::Redriven { order_id: id("b"), round: 2, address: "Luik".into() });
    let delivered = |order: &str| Said::News(told::delivered(order, "Ada"));
    vec![
        stock(StockChange::Counted, 1, 200, 200, None),
        level(1, 200),
        placed("a", "Gent"),
        accepted("a"),
        stock(StockChange::Reserved, 2, 2, 198, Some("a")),
        level(2, 198),
        ledger(4),
        picked_up("early", 1, "Ada"),
        accepted("early"),
        stock(StockChange::Reserved, 3, 2, 196, Some("early")),
        picked_up("a", 1, "Ada"),
        placed("b", "nowhere"),
        accepted("b"),
        picked_up("b", 1, "Ada"),
        failed(1),
        picked_up("b", 2, "Ada"),
        stranded("b", 2),
        unreadable(Service::Warehouse),
        unreadable(Service::Stage),
        placed("early", "Gent"),
        level(3, 196),
        delivered("a"),
        delivered("a"),
        stock(StockChange::Reserved, 4, 1, 7, None),
        picked_up("early", 1, "Bart"),
        redriven,
        picked_up("b", 1, "Bart"),
        placed("c", "nowhere"),
        accepted("c"),
        picked_up("c", 1, "Ada"),
        stranded("c", 1),
        placed("c", "nowhere"),
        updated(DeliveryUpdate::Returned { order_id: id("c"), lines: lines() }),
        stock(StockChange::Released, 4, 2, 198, Some("c")),
        ledger(99),
        placed("d", "Gent"),
        accepted("ghost"),
    ]
}

/// Each message with its own position and event.
fn tell(known: &mut ReadModel, place: usize, said: Said) {
    let (now, event_id) = (Now::read(), EventId::new(format!("e-{place}")));
    let (at, entry) = (at(i64::try_from(place).unwrap()), u64::try_from(place).unwrap());
    let position = Position { ledger: 1, entry, batch_index: 0, batch_size: 1 };
    match said {
        Said::News(news) => drop(known.tell(Message { news, event_id, at, position, trace: None }, now)),
        Said::Stock(event) => drop(known.tell_stock(event, (event_id, at, position), now)),
        Said::Level(level) => drop(known.tell_level(&level, &event_id)),
        Said::Insight(insight) => drop(known.tell_insight(&insight, &event_id)),
        Said::Unreadable(unreadable) => known.tell_unreadable(unreadable),
    }
}

fn hear(known: &mut ReadModel) {
    let (courier, started_at) =
        (|courier: &str| events::stage::CourierState { courier: courier.into(), carrying: None, delivered: 0 }, at(0));
    let presence = Presence {
        service: Service::Delivery,
        episode: 1,
        settings_version: 1,
        state: ServiceState::Running,
        started_at,
        at: started_at,
        staff: Staff { couriers: vec![courier("Ada"), courier("Bart")], ..Staff::default() },
        standing_still: Vec::new(),
        disbelieved: Vec::new(),
    };
    known.heard(presence, Now::read());
}

fn views(known: &ReadModel) -> String {
    let (choices, now) = (Choices::default(), Now::read());
    let orders = ["a", "b", "c", "d", "early", "ghost"].map(|order| known.orders.view(&id(order)));
    let orval = events::beers::find(&BeerId::new("orval"));
    format!(
        "{:#?}",
        (
            known.map(&choices, now),
            known.deliveries(&choices, now),
            known.stock(Folding::default(), orval, now),
            known.newest.view(),
            known.analysis(),
            known.ledger(),
            orders,
            known.disbelieved(),
        )
    )
}

/// A process may die at any place with a checkpoint from any earlier one; the next one reads on from there.
#[tokio::test]
async fn a_process_that_died_knows_what_one_knows_that_never_did() {
    let story = story();
    let mut never_died = ReadModel::default();
    story.iter().cloned().enumerate().for_each(|(place, said)| tell(&mut never_died, place, said));
    hear(&mut never_died);
    let expected = views(&never_died);
    for saved in 0..=story.len() {
        let database = Database::new(&TABLES).await.unwrap();
        let (mut checkpoint, mut known, _) = Checkpoint::load(&database.store, Now::read()).await.unwrap();
        for (place, said) in story.iter().cloned().enumerate() {
            tell(&mut known, place, said);
            known.touch();
            // What is folded after the last checkpoint is lost.
            if place < saved && (place + 1 == saved || place % 3 == 0) {
                let (orders, facts) = known.take_unsaved().unwrap();
                let reached = Position { entry: u64::try_from(place).unwrap(), ..Position::default() };
                checkpoint.save(&orders, facts, &Positions::from([("all".to_owned(), reached)])).await.unwrap();
                assert!(!known.is_unsaved());
            }
        }
        let (_, mut known, positions) = Checkpoint::load(&database.store, Now::read()).await.unwrap();
        let next = positions.get("all").map_or(0, |reached| usize::try_from(reached.entry).unwrap() + 1);
        assert_eq!(next, saved);
        story.iter().cloned().enumerate().skip(next).for_each(|(place, said)| tell(&mut known, place, said));
        hear(&mut known);
        let shown = views(&known);
        let differs = shown.lines().zip(expected.lines()).find(|(one, other)| one != other);
        assert!(shown == expected, "the checkpoint holds {saved} messages: {differs:?}");
    }
}

#[tokio::test]
async fn an_order_that_left_is_known_again_after_a_restart() {
    let database = Database::new(&TABLES).await.unwrap();
    database.execute("insert into orders (order_id, facts) values ('gone', null)").await.unwrap();
    let (_, mut known, _) = Checkpoint::load(&database.store, Now::read()).await.unwrap();
    tell(&mut known, 1, placed("gone", "Gent"));
    tell(&mut known, 2, accepted("gone"));
    assert_eq!((known.orders.view(&id("gone")), known.disbelieved()), (None, Vec::new()));
}

#[tokio::test]
async fn a_column_that_cannot_be_is_refused_by_name() {
    let database = Database::new(&TABLES).await.unwrap();
    let (mut checkpoint, mut known, _) = Checkpoint::load(&database.store, Now::read()).await.unwrap();
    tell(&mut known, 0, placed("a", "Gent"));
    let (orders, facts) = known.take_unsaved().unwrap();
    checkpoint.save(&orders, facts, &Positions::new()).await.unwrap();
    let load = async |store: Store| Checkpoint::load(&store, Now::read()).await.map(drop);
    let json = &["''", "'{'", "'7'", "x'ff'"][..];
    let wrong =
        [("orders", "order_id", &["'no id'", "x'ff'"][..]), ("orders", "facts", json), ("facts", "facts", json)];
    assert_eq!(database.not_refused(&wrong, load).await.unwrap(), [""; 0]);
    for subject in ["'weather'", "x'ff'"] {
        database.execute(&format!("update facts set subject = {subject} where subject = 'log'")).await.unwrap();
        let refused = load(database.store.clone()).await.unwrap_err();
        assert!(refused.to_string().contains("facts.subject"), "{refused:#}");
        database.execute(&format!("update facts set subject = 'log' where subject = {subject}")).await.unwrap();
    }
}

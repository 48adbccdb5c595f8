//! Sample data for the tests of the pages: one moment of a talk.

use events::{
    beers::{self, BEERS, Beer},
    delivery::FailureReason,
    ids::{BeerId, Service},
    quantities::{Bottles, Sequence},
    settings::{Choices, Fold, Folding, StageSettings},
    stock::{StockChange, StockEvent},
    topics::SubscriptionType,
    unreadable::ReasonCode,
};
use web::{
    order::view::{Status, What},
    pure::{
        address::Address,
        language::Language,
        layout::{Alive, Frame, Theme},
    },
};

use crate::{
    pure::{
        acts::Act,
        console::ConsoleView,
        entrance::{EntranceView, QrView, Reach, WelcomeView},
    },
    read_model::{
        bursts::Burst,
        deliveries::{DeadLetterView, DeliveriesView, Lane, Parcel, Retry, Tried, Untrue},
        newest::{NewestOrder, NewestView},
        stock::{BeerOnShelf, Explained, Happened, Shelf, StockView, Write},
    },
};

mod analysis;
mod past;
mod stage;
pub(crate) mod told;
pub(crate) use analysis::{analysis, ledger, ledger_gone_wrong};
pub(crate) use past::{fraud, past, questions, rebuild, rebuild_given_up};
pub(crate) use stage::{map, map_in_trouble, pulsar};
pub(crate) use web::testing::{NOW, order};

const LEVELS: [u32; 12] = [196, 228, 110, 16, 153, 170, 139, 216, 79, 122, 184, 0];

fn beer(id: &str) -> &'static Beer {
    beers::find(&BeerId::new(id)).unwrap()
}

pub(crate) fn alive() -> Alive {
    Alive { pulsar: true, services: Service::DEMO.to_vec(), ..Alive::default() }
}

/// What a page needs beside its view, for a presenter who follows.
pub(crate) fn frame(language: Language, theme: Theme, alive: &Alive) -> Frame<'_> {
    Frame { language, theme, alive, now: NOW, presenter: true, follow: true, path: "/stock" }
}

pub(crate) fn beers() -> Vec<BeerOnShelf> {
    let shelf = |(beer, level): (&'static Beer, u32)| BeerOnShelf {
        beer,
        level: Some(Bottles(level)),
        sequence: Sequence(43),
        shown_level: Some(Bottles(level)),
        shown_sequence: Sequence(43),
        wrong: false,
        behind: 0,
        worker: Some("worker-1".into()),
    };
    BEERS.iter().zip(LEVELS).map(shelf).collect()
}

pub(crate) fn deliveries() -> DeliveriesView {
    let id = |text: &str| text.parse().unwrap();
    let carrying = |order: &str, address: &str, ahead: i64| Parcel {
        order_id: id(order),
        address: address.into(),
        attempt: 1,
        since: NOW.plus_millis(-2000),
        until: NOW.plus_millis(ahead),
        taken_over_from: (order == "p3c8w1zz").then(|| "Emma".to_owned()),
    };
    let reason = FailureReason::AddressNotFound;
    let tried = |millis, what| Tried { at: NOW.plus_millis(millis), what };
    let lane = |courier: &str, parcel, delivered| Lane { courier: courier.into(), carrying: parcel, delivered };
    DeliveriesView {
        names_hidden: false,
        couriers: vec![
            lane("Ada", Some(carrying("k7m2q9xd", "Grote Markt 12, 1000 Brussel", 3000)), 1204),
            lane("Bart", Some(carrying("p3c8w1zz", "Rue Haute 7, 4000 Liège", 9000)), 1187),
            lane("Chloé", None, 961),
        ],
        live: true,
        queue: 11,
        queued: (0..11).map(|n| id(&format!("w{n}"))).collect(),
        retries: (1..=3_i64)
            .map(|n| Retry {
                order_id: id(&format!("r4t{n}kq0")),
                address: format!("Rue Introuvable {n}, 5000 Namur"),
                attempt: u32::try_from(n).unwrap(),
                reason,
                retry_at: NOW.plus_millis(4000 * n),
            })
            .collect(),
        retries_total: 5,
        dead_letters: vec![
            DeadLetterView::Stranded {
                order_id: id("x9d4m2aa"),
                customer: "Jef Maes".into(),
                address: "Nergensstraat 1, 9000 Gent".into(),
                reason,
                attempts: 4,
                at: NOW,
                history: vec![
                    tried(-7000, What::AttemptFailed { courier: "Ada".into(), reason, retry_at: NOW }),
                    tried(0, What::Stranded { reason, attempts: 4 }),
                ],
            },
            DeadLetterView::Unreadable {
                topic: "orders".into(),
                message_id: "12:7".into(),
                reader: Service::Warehouse,
                code: ReasonCode::Undecodable,
                reason: "undecodable: expected value at line 1 column 1".into(),
                first_bytes: "two Orval please \\xf0\\x9f\\x8d\\xba".into(),
                at: NOW,
            },
        ],
        dead_letters_total: 2,
        untrue: vec![Untrue {
            service: Service::Warehouse.name(),
            topic: "delivery-updates",
            code: ReasonCode::UnknownOrder,
            count: 7,
        }],
        delivered: 3352,
        delivered_in_10_s: 48,
    }
}

pub(crate) fn newest() -> NewestView {
    let order = |(n, status): (i64, &Status)| NewestOrder {
        order_id: format!("n{n}w8k2q0").parse().unwrap(),
        customer: "Lotte Peeters".into(),
        bottles: u32::try_from(n).unwrap() + 1,
        status: *status,
        at: NOW.plus_millis(-700 * n),
    };
    let statuses = [Status::Placed, Status::Accepted, Status::PickedUp, Status::Delivered, Status::Stranded];
    NewestView { orders: (0..).zip(&statuses).map(order).collect(), names_hidden: false }
}

pub(crate) fn stock() -> StockView {
    let mut beers = beers();
    beers[0] =
        BeerOnShelf { level: Some(Bottles(49)), shown_level: Some(Bottles(61)), wrong: true, ..beers[0].clone() };
    beers[2] = BeerOnShelf { behind: 3, shown_level: Some(Bottles(113)), ..beers[2].clone() };
    let written = |(n, (id, sequence, level, worker)): (usize, &(&str, u64, u32, u32))| Write {
        beer: beer(id),
        event: Sequence(*sequence),
        level: Bottles(*level),
        ignored: *id == "duvel" && *sequence == 29,
        worker: format!("worker-{worker}"),
        taken_at: NOW.plus_millis(-40 * i64::try_from(n).unwrap() - 30),
        at: NOW.plus_millis(-40 * i64::try_from(n).unwrap()),
    };
    let newest_first = [
        ("moinette", 40, 61, 2),
        ("duvel", 31, 216, 1),
        ("orval", 13, 153, 3),
        ("moinette", 42, 52, 1),
        ("chimay-bleue", 8, 110, 3),
        ("chouffe", 8, 16, 2),
        ("moinette", 43, 49, 1),
        ("rodenbach", 20, 122, 3),
        ("duvel", 29, 218, 2),
        ("moinette", 41, 55, 1),
        ("westvleteren-12", 5, 0, 3),
        ("karmeliet", 18, 228, 1),
    ];
    let folding = Folding { subscription: SubscriptionType::Shared, workers: 3, fold: Fold::Naive, work_ms: [5, 60] };
    let burst = |folding, micros, wrong| Burst { folding, events: 55, micros, wrong };
    StockView {
        beers,
        wrong: 1,
        writes: newest_first.iter().enumerate().map(written).collect(),
        events: 8127,
        folding,
        workers: (1..=3).map(|n| format!("worker-{n}")).collect(),
        bursts: vec![
            burst(folding, 760_000, 4),
            burst(folding, 800_000, 3),
            burst(folding, 740_000, 0),
            burst(Folding { subscription: SubscriptionType::KeyShared, workers: 2, ..folding }, 1_100_000, 0),
            burst(Folding { subscription: SubscriptionType::Failover, ..folding }, 2_010_000, 0),
        ],
        is_bursting: false,
        explained: None,
    }
}

/// The same, with the wrong beer explained.
pub(crate) fn stock_explained() -> StockView {
    let view = stock();
    let event = |sequence: u64| StockEvent {
        change: StockChange::Reserved,
        beer: BeerId::new("moinette"),
        sequence: Sequence(sequence),
        bottles: Bottles(3),
        level: Bottles(178 - 3 * u32::try_from(sequence).unwrap()),
        order_id: None,
    };
    let happened = |sequence| Happened { event: event(sequence), at: NOW.plus_millis(-900) };
    let (level, shown_level) = (view.beers[0].level, view.beers[0].shown_level);
    let (sequence, settled) = (Sequence(43), Sequence(43));
    let explained = Explained {
        shelf: Shelf { level, shown_level, sequence, settled, ..Shelf::default() },
        log: (39..=43).map(happened).collect(),
        written: view.writes.iter().rev().filter(|write| write.beer.id == "moinette").cloned().collect(),
    };
    StockView { explained: Some((view.beers[0].beer, explained)), ..view }
}

pub(crate) fn qr() -> QrView {
    let entrance = |name: &str, is_shown, reach| EntranceView { name: name.into(), is_shown, reach };
    QrView {
        address: Address::read("http://192.168.1.20:8000"),
        is_fixed: false,
        entrances: vec![
            entrance("192.168.1.20:8000", true, Reach::Answers),
            entrance("10.8.0.3:8000", false, Reach::Silent),
            entrance("172.20.10.2:8000", false, Reach::NotTried),
        ],
    }
}

/// Where the browser finds the shop.
pub(crate) const SHOP: &str = "http://localhost:8000";

pub(crate) fn welcome() -> WelcomeView {
    WelcomeView { qr: qr(), shop: SHOP.to_owned() }
}

pub(crate) fn console() -> ConsoleView {
    let act = Act::of_number(3).unwrap();
    let choices = act.after(3, &act.start(&Choices::default())).unwrap();
    let choices = Choices { paused: [Service::InventoryAnalysis].into(), ..choices };
    ConsoleView {
        settings: StageSettings { version: 12, episode: 7, choices, ..StageSettings::default() },
        courier: Some("Chloé".into()),
        worker: Some("worker-2".into()),
        offered_broker_stop: true,
    }
}

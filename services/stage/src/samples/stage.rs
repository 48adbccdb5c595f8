//! Sample data of the map and the broker.

use std::sync::Arc;

use bus::Examined;
use events::{
    beers::BEERS,
    ids::Service,
    quantities::{Bottles, Sequence},
    settings::Folding,
    topics::{DELIVERY_ORDERS, ORDERS, SubscriptionType, TOPICS},
};

use crate::{
    read_model::{
        broker::{Details, Look, PulsarView, Seen, Segment, SubscriptionSeen, TopicSeen},
        log_tail::Tile,
        map::{MapView, Standing},
    },
    samples::{NOW, beers, deliveries, fraud, rebuild},
};

pub(crate) fn map() -> MapView {
    let tail = BEERS.iter().cycle().take(55).map(|beer| Tile { beer, sequence: Sequence(43) }).collect();
    MapView {
        services: Service::DEMO.map(|service| (service, Standing::Running)).to_vec(),
        placed: 3_412,
        accepted: 3_348,
        refused: 61,
        orders_in_10_s: 482,
        latency: Some(21_400),
        balanced: Some(true),
        newest: "4816".parse().ok(),
        deliveries: deliveries(),
        events: 8_127,
        tail,
        stock_level_behind: 0,
        analysis_behind: Some(1),
        folding: Folding { subscription: SubscriptionType::KeyShared, workers: 3, ..Folding::default() },
        wrong: 0,
        rebuild: rebuild(true, None).rebuild,
        fraud: fraud().fraud,
        beers: beers(),
    }
}

/// The warehouse is gone, stock-level paused, and one beer wrong.
pub(crate) fn map_in_trouble() -> MapView {
    let mut map = MapView { placed: 3_500, wrong: 1, balanced: Some(false), stock_level_behind: 40, ..map() };
    map.services.retain(|(service, _)| *service != Service::Warehouse);
    for (service, standing) in &mut map.services {
        if *service == Service::StockLevel {
            *standing = Standing::Paused;
        }
    }
    map.beers[3].wrong = true;
    map.beers[3].shown_level = Some(Bottles(19));
    MapView { rebuild: None, fraud: None, ..map }
}

/// Shown as a whole, with one topic, not answering, and not asked yet.
pub(crate) fn pulsar() -> [PulsarView; 4] {
    let subscription = |name: &str, backlog| SubscriptionSeen {
        name: name.to_owned(),
        kind: "Shared".to_owned(),
        backlog,
        delayed: 2,
        consumers: (0..8).map(|n| format!("consumer {n}")).collect(),
        one_is_active: backlog > 0,
    };
    let topic = |spec| TopicSeen {
        spec,
        messages: 12_345,
        per_second: Some(48),
        stored_bytes: 1_234_567,
        producers: 1,
        subscriptions: vec![subscription("one", 0), subscription("other", 12)],
    };
    let segment = |ledger| Segment {
        ledger,
        entries: 569,
        bytes: 165_961,
        bookies: vec!["bookie-1:3181".into(), "bookie-2:3181".into()],
        is_open: ledger == 30,
    };
    let message = Examined {
        id: "30:12".into(),
        at: Some(NOW),
        key: Some("4816".into()),
        payload: "{\"customer\":\"<Lotte>\"}".into(),
    };
    let details = Details { segments: (1..=30).map(segment).collect(), messages: vec![message] };
    let seen = Seen {
        tenants: vec!["beers".into(), "public".into()],
        namespaces: vec!["beers/shop-1".into(), "beers/stage".into(), "beers/stock-1".into()],
        brokers: vec!["127.0.0.1:8080".into()],
        bookies: vec!["bookie:3181".into()],
        topics: TOPICS.into_iter().map(topic).collect(),
        details: [(ORDERS.spec.name, details)].into(),
    };
    let look = Look::Seen(Arc::new(seen), NOW);
    let of = |look, topic| PulsarView { look, tenant: "beers".to_owned(), topic };
    [
        of(look.clone(), None),
        of(look, Some(ORDERS.spec)),
        of(Look::Silent("it is <away>".to_owned()), Some(DELIVERY_ORDERS.spec)),
        PulsarView::default(),
    ]
}

//! Sample figures of the day, and a sample ledger.

use std::time::{Duration, Instant};

use events::{
    contradictions::{Contradiction, ContradictionKind},
    ids::{Moment, Service},
    insights::{
        BeerForecast, BottleSums, DeliverySums, Forecast, Ledger, MinuteOfSales, OnTheWay, OrderSums, RefusedDemand,
        Sales, WaitsFor,
    },
    quantities::Cents,
};
use service::Now;

use crate::{
    read_model::{
        insights::{AnalysisView, LedgerView},
        outages::{Outage, Outages},
        stock::BeerOnShelf,
    },
    samples::{NOW, beers, fraud},
};

pub(crate) fn analysis() -> AnalysisView {
    let minute = |ago: i64| {
        let orders = u64::try_from(20 + (ago * 37) % 23 - ago / 5).unwrap();
        MinuteOfSales {
            minute: Moment::from_micros((NOW.minute() - ago) * 60_000_000),
            orders,
            bottles: orders * 3,
            revenue_cents: Cents(orders * 900),
            refused: 0,
        }
    };
    let forecast = |(index, shelf): (usize, BeerOnShelf)| BeerForecast {
        beer: shelf.beer.beer_id(),
        level: shelf.shown_level.unwrap(),
        reserved_in_10_min: 40 - 3 * u64::try_from(index).unwrap(),
        sold_out_at: (index % 4 != 3).then(|| NOW.plus_millis(400_000 * i64::try_from(index + 1).unwrap())),
        restocked: index % 3 == 1,
    };
    AnalysisView {
        sales: Some(Sales {
            at: NOW,
            orders: 3351,
            bottles: 10_053,
            revenue_cents: Cents(3_411_250),
            refused: RefusedDemand { orders: 61, bottles: 244, value_cents: Cents(91_200) },
            minutes: (0..50).rev().map(minute).collect(),
        }),
        forecast: Some(Forecast { at: NOW, beers: beers().into_iter().enumerate().map(forecast).collect() }),
        fraud: fraud().fraud,
    }
}

pub(crate) fn ledger() -> LedgerView {
    LedgerView {
        ledger: Some(Ledger {
            at: NOW,
            balanced: true,
            bottles: BottleSums { counted: 2332, received: 9134, reserved: 10_053, released: 12, on_shelf: 1425 },
            orders: OrderSums { placed: 3412, accepted: 3351, refused: 58, waiting: 3 },
            deliveries: DeliverySums { accepted: 3351, delivered: 3336, under_way: 11, stranded: 2, returned: 2 },
            contradictions: vec![],
            contradictions_found: 0,
            on_the_way: (1..=3)
                .map(|n| OnTheWay {
                    order_id: format!("u{n}h8k2q0").parse().unwrap(),
                    what: WaitsFor::Arrival,
                    since: NOW.plus_millis(-4000 * n),
                })
                .collect(),
            read: vec![],
        }),
        since: Some(NOW.plus_millis(-600_000)),
        outages: outages(),
    }
}

/// The warehouse was killed and came back; stock-level is gone.
fn outages() -> Vec<Outage> {
    let mut outages = Outages::default();
    let (beginning, at) = (Instant::now(), NOW.plus_millis(-60_000));
    let after = |millis: u32| Now {
        at: at.plus_millis(millis.into()),
        steady: beginning + Duration::from_millis(millis.into()),
    };
    outages.heard(Service::Warehouse, at.plus_millis(-30_000), after(0), 3412);
    outages.heard(Service::Warehouse, at.plus_millis(1_100), after(1_400), 3412);
    outages.heard(Service::StockLevel, at.plus_millis(-30_000), after(57_000), 3412);
    outages.look(true, after(60_000), 3412);
    outages.list()
}

pub(crate) fn ledger_gone_wrong() -> LedgerView {
    let mut view = ledger();
    if let Some(ledger) = &mut view.ledger {
        ledger.balanced = false;
        ledger.orders.waiting = 1;
        ledger.contradictions_found = 22;
        ledger.contradictions.push(Contradiction {
            at: NOW,
            order_id: Some("k7m2q9xd".parse().unwrap()),
            what: ContradictionKind::DeliveredTwice,
        });
    }
    view
}

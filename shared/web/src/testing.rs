//! For tests of pages in more than one crate: an order, and checks that hold for every page. Used by tests only.
#![expect(clippy::unwrap_used, reason = "an id that cannot be read ends the test")]

use events::{
    decisions::Refusal,
    delivery::FailureReason,
    ids::{BeerId, EventId, Moment, Service},
    orders::Line,
    quantities::{Bottles, Cents},
    trace::TraceId,
};

use crate::order::view::{OrderView, Status, Step, What};

pub mod pages;

pub const NOW: Moment = Moment::from_micros(1_795_549_267_112_000);

/// An order with its whole journey up to this status.
pub fn order(status: Status) -> OrderView {
    let line = |id: &str, n| Line { beer: BeerId::new(id), bottles: Bottles(n) };
    let reason = FailureReason::AddressNotFound;
    let refusal = Refusal::NotEnough { beer: BeerId::new("westvleteren-12"), asked: Bottles(3), left: Bottles(1) };
    let courier = || "Ada".to_owned();
    let (decisions, updates) = ("order-decisions", "delivery-updates");
    let mut journey = vec![step(0, Service::Website, "orders", What::Placed)];
    if status == Status::Refused {
        journey.push(step(7, Service::Warehouse, decisions, What::Refused { reason: refusal.clone() }));
    } else if !matches!(status, Status::Placed | Status::Ended) {
        journey.extend(accepted());
    }
    let mut at = |millis, what| journey.push(step(millis, Service::Delivery, updates, what));
    if !matches!(status, Status::Placed | Status::Accepted | Status::Refused | Status::Ended) {
        at(14, What::PickedUp { courier: courier() });
    }
    match status {
        Status::Delivered => at(3210, What::Delivered { courier: courier() }),
        Status::Retrying => {
            at(3210, What::AttemptFailed { courier: courier(), reason, retry_at: NOW.plus_millis(9000) })
        }
        Status::Stranded => at(61_000, What::Stranded { reason, attempts: 4 }),
        Status::Returned => {
            at(61_000, What::Stranded { reason, attempts: 4 });
            at(75_000, What::Returned);
            let (beer, bottles, level) = (BeerId::new("orval"), Bottles(1), Bottles(153));
            journey.push(step(75_009, Service::Warehouse, "stock-events", What::Released { beer, bottles, level }));
        }
        _ => {}
    }
    let gone_wrong = matches!(status, Status::Retrying | Status::Stranded);
    OrderView {
        order_id: "k7m2q9xd".parse().unwrap(),
        status,
        customer: "Lotte Peeters".into(),
        address: "Grote Markt 12, 1000 Brussel".into(),
        lines: vec![line("karmeliet", 2), line("orval", 1)],
        total: Cents(1000),
        refusal: (status == Status::Refused).then_some(refusal),
        failure: gone_wrong.then_some(reason),
        courier: Some(courier()),
        trace: Some(TraceId(0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736)),
        journey,
    }
}

fn step(millis: i64, service: Service, topic: &'static str, what: What) -> Step {
    // As an outbox names them: each is unique within its order.
    let event_id = EventId::new(format!("{service}-4f1c-{millis}-{}", what_number(&what)));
    Step { at: NOW.plus_millis(millis), event_id, service, topic, what }
}

fn what_number(what: &What) -> usize {
    match what {
        What::Reserved { beer, .. } | What::Shown { beer, .. } => beer.as_str().len(),
        _ => 0,
    }
}

fn accepted() -> Vec<Step> {
    let reserved = |id: &str, bottles, level| What::Reserved {
        beer: BeerId::new(id),
        bottles: Bottles(bottles),
        level: Bottles(level),
    };
    let shown = |id: &str, level| What::Shown { beer: BeerId::new(id), level: Bottles(level) };
    vec![
        step(8, Service::InventoryAnalysis, "orders", What::Counted),
        step(9, Service::Warehouse, "stock-events", reserved("karmeliet", 2, 226)),
        step(9, Service::Warehouse, "stock-events", reserved("orval", 1, 152)),
        step(9, Service::Warehouse, "order-decisions", What::Accepted { bottles: Bottles(3) }),
        step(12, Service::StockLevel, "stock-levels", shown("karmeliet", 226)),
        step(15, Service::StockLevel, "stock-levels", shown("orval", 152)),
    ]
}

//! One order: its progress, and its hops.

use events::{
    ids::{BeerId, EventId, Moment, OrderId, Service},
    orders::{Line, PlaceOrder, total},
    quantities::Sequence,
    topics::{DELIVERY_UPDATES, INSIGHTS, ORDER_DECISIONS, ORDERS, STOCK_EVENTS, STOCK_LEVELS, TopicSpec},
    trace::TraceContext,
};
use serde::{Deserialize, Serialize};
use web::order::{
    journey,
    progress::Progress,
    view::{OrderView, Status, Step, What},
};

use crate::read_model::orders::links::{Counted, Mark};

/// The most hops of an order. Beyond that, the first one stays and the next ones go: it is being sent in circles.
pub const HOPS_MAX: usize = 100;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    pub customer: String,
    pub address: String,
    pub lines: Vec<Line>,
    pub placed_at: Moment,
    pub progress: Progress,
    /// When its progress changed last.
    pub changed_at: Moment,
    /// The trace it began.
    #[serde(default)]
    pub trace: Option<TraceContext>,
    /// In the order they were read.
    pub hops: Vec<Hop>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hop {
    pub at: Moment,
    pub event_id: EventId,
    pub what: What,
    /// The message without an order id that will cover this hop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub awaits: Option<Awaits>,
}

/// What covers a hop.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Awaits {
    /// The level that stock-level shows after this event of the beer.
    Level(Sequence),
    /// The ledger that has counted the decision at this position.
    Ledger(Counted),
}

impl Order {
    pub fn placed(order: PlaceOrder, event_id: EventId, at: Moment, trace: Option<TraceContext>) -> Self {
        let PlaceOrder { customer, address, lines, .. } = order;
        let hops = vec![Hop { at, event_id, what: What::Placed, awaits: None }];
        Order { customer, address, lines, placed_at: at, progress: Progress::placed(), changed_at: at, trace, hops }
    }

    /// Whether one of its hops has this id.
    pub fn has(&self, event_id: &EventId) -> bool {
        self.hops.iter().any(|hop| hop.event_id == *event_id)
    }

    pub fn add(&mut self, hop: Hop) {
        if self.hops.len() >= HOPS_MAX {
            self.hops.remove(1);
        }
        self.hops.push(hop);
    }

    /// Adds the hop of the level that covers an event of this beer.
    pub fn shown(&mut self, beer: &BeerId, sequence: Sequence, mark: Mark) {
        let what = What::Shown { beer: beer.clone(), level: mark.level };
        let awaits = Awaits::Level(sequence);
        let is_of_beer = |what: &What| matches!(what, What::Reserved { beer: of, .. } | What::Released { beer: of, .. } if of == beer);
        self.cover(|hop| hop.awaits == Some(awaits) && is_of_beer(&hop.what), what, mark);
    }

    /// Adds the hop of the ledger that has counted its decision.
    pub fn counted(&mut self, mark: Mark) {
        self.cover(|hop| matches!(hop.awaits, Some(Awaits::Ledger(_))), What::Counted, mark);
    }

    fn cover(&mut self, is_covered: impl Fn(&Hop) -> bool, what: What, Mark { at, event_id, .. }: Mark) {
        if let Some(hop) = self.hops.iter_mut().find(|hop| is_covered(hop)) {
            hop.awaits = None;
            self.add(Hop { at, event_id, what, awaits: None });
        }
    }

    pub fn view(&self, order_id: &OrderId) -> OrderView {
        let Progress { status, refusal, failure, courier, .. } = self.progress.clone();
        let mut journey: Vec<Step> = self.hops.iter().map(Hop::step).collect();
        journey::sort(&mut journey);
        OrderView {
            order_id: order_id.clone(),
            status,
            customer: self.customer.clone(),
            address: self.address.clone(),
            lines: self.lines.clone(),
            total: total(&self.lines),
            refusal,
            failure,
            courier,
            trace: self.trace.map(|trace| trace.trace_id),
            journey,
        }
    }

    /// The courier who crashed with it, if another one has taken it over.
    pub fn taken_over_from(&self) -> Option<&str> {
        let mut of_delivery = self.hops.iter().rev().filter(|hop| origin(&hop.what).0 == Service::Delivery);
        match (of_delivery.next().map(|hop| &hop.what), of_delivery.next().map(|hop| &hop.what)) {
            (Some(What::PickedUp { courier }), Some(What::PickedUp { courier: before }))
                if self.progress.status == Status::PickedUp && courier != before =>
            {
                Some(before)
            }
            _ => None,
        }
    }
}

impl Hop {
    fn step(&self) -> Step {
        let (service, topic) = origin(&self.what);
        Step { at: self.at, event_id: self.event_id.clone(), service, topic: topic.name, what: self.what.clone() }
    }
}

/// The service that reports it, and the topic.
fn origin(what: &What) -> (Service, &'static TopicSpec) {
    match what {
        What::Placed => (Service::Website, ORDERS.spec),
        What::Accepted { .. } | What::Refused { .. } => (Service::Warehouse, ORDER_DECISIONS.spec),
        What::Reserved { .. } | What::Released { .. } => (Service::Warehouse, STOCK_EVENTS.spec),
        What::Shown { .. } => (Service::StockLevel, STOCK_LEVELS.spec),
        What::Counted => (Service::InventoryAnalysis, INSIGHTS.spec),
        What::PickedUp { .. }
        | What::AttemptFailed { .. }
        | What::Stranded { .. }
        | What::Redriven { .. }
        | What::Returned
        | What::Delivered { .. } => (Service::Delivery, DELIVERY_UPDATES.spec),
    }
}

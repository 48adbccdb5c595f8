//! The data of the pages about the past: time machine, rebuild, questions, fraud watch.

use events::{
    beers::{BEERS, Beer},
    ids::Moment,
    insights::{DeliverySums, Fraud, OrderSums, Rebuild},
    past::{AsOf, PastAnswer},
    quantities::{Bottles, Cents},
};

/// `/past` at a moment, or now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PastView {
    /// When the episode began, the earliest moment to show.
    pub began_at: Moment,
    /// `None` is now.
    pub at: Option<Moment>,
    /// The number of events by then; not counted for now.
    pub events: Option<u64>,
    /// Bottles on the shelf; `None` before a beer's first event.
    pub beers: Vec<(&'static Beer, Option<Bottles>)>,
    /// Placed and decided orders.
    pub orders: OrderSums,
    /// Where accepted orders were.
    pub deliveries: DeliverySums,
    /// The total of accepted orders.
    pub revenue: Cents,
}

impl PastView {
    /// The state at the moment that was asked for.
    pub fn of(as_of: &AsOf, began_at: Moment) -> Self {
        let level =
            |beer: &Beer| as_of.beers.iter().find(|known| known.beer == beer.beer_id()).map(|known| known.level);
        PastView {
            began_at,
            at: Some(as_of.at),
            events: Some(as_of.events),
            beers: BEERS.iter().map(|beer| (beer, level(beer))).collect(),
            orders: as_of.orders,
            deliveries: as_of.deliveries,
            revenue: as_of.revenue_cents,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RebuildView {
    /// The current rebuild, or the last one.
    pub rebuild: Option<Rebuild>,
    /// The orders of the live view.
    pub live: OrderSums,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QuestionsView {
    /// The newest answer to each question, newest first.
    pub answers: Vec<PastAnswer>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FraudView {
    pub fraud: Option<Fraud>,
    /// Since when it is attached or detached.
    pub since: Option<Moment>,
    /// Whether the presenter wants it attached.
    pub wanted: bool,
}

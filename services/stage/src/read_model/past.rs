//! The past as it is shown: the time machine, the rebuild, questions, fraud watch.

use events::{
    beers::{BEERS, Beer},
    ids::Moment,
    insights::{DeliverySums, Fraud, OrderSums, Rebuild},
    past::{AsOf, PastAnswer},
    quantities::{Bottles, Cents},
};

/// `/stage/past`: how it was at a moment, or how it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PastView {
    /// When the episode began: as far back as one can go.
    pub began_at: Moment,
    /// Which moment of the past; `None` is now.
    pub at: Option<Moment>,
    /// How many events had happened by then; not counted for now.
    pub events: Option<u64>,
    /// What was on the shelf; none before its first event.
    pub beers: Vec<(&'static Beer, Option<Bottles>)>,
    /// What was placed and decided.
    pub orders: OrderSums,
    /// Where accepted orders were.
    pub deliveries: DeliverySums,
    /// What accepted orders had cost together.
    pub revenue: Cents,
}

impl PastView {
    /// The moment that was asked for.
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
    /// The rebuild under way, or the last one.
    pub rebuild: Option<Rebuild>,
    /// What goes on meanwhile.
    pub live: OrderSums,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QuestionsView {
    /// The newest answer to each question that was asked, the newest first.
    pub answers: Vec<PastAnswer>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FraudView {
    pub fraud: Option<Fraud>,
    /// Since when it is attached, or is not.
    pub since: Option<Moment>,
    /// Whether the presenter wants it attached.
    pub wanted: bool,
}

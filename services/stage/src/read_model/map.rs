//! The map as it is shown.

use events::{
    ids::{OrderId, Service},
    insights::{Fraud, Rebuild},
    settings::Folding,
};

use crate::read_model::{deliveries::DeliveriesView, log_tail::Tile, stock::BeerOnShelf};

/// `/`: services and topics as one drawing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MapView {
    /// Each service, and what it does.
    pub services: Vec<(Service, Standing)>,
    /// Orders placed in this episode.
    pub placed: u64,
    /// Those the warehouse said yes to.
    pub accepted: u64,
    /// Those it said no to.
    pub refused: u64,
    /// Orders placed in ten seconds, at the rate of the last few.
    pub orders_in_10_s: u64,
    /// From placed to delivered, in microseconds: the median of the last deliveries, if there were any lately.
    pub latency: Option<u64>,
    /// What the ledger says, if it said anything.
    pub balanced: Option<bool>,
    /// The order that was placed last.
    pub newest: Option<OrderId>,
    /// Queue, couriers, retries, dead letters.
    pub deliveries: DeliveriesView,
    /// Events in the log.
    pub events: u64,
    /// The last of them, oldest first.
    pub tail: Vec<Tile>,
    /// Events stock-level has not handled.
    pub stock_level_behind: u64,
    /// Events the analysis has not counted, if it ever said how far it is.
    pub analysis_behind: Option<u64>,
    /// How stock-level shall work.
    pub folding: Folding,
    /// How many beers are shown with another level than the log's.
    pub wrong: usize,
    /// The rebuild under way.
    pub rebuild: Option<Rebuild>,
    /// What fraud watch found, while it is attached.
    pub fraud: Option<Fraud>,
    /// All beers, in the order of the catalogue.
    pub beers: Vec<BeerOnShelf>,
}

/// What a service does, as far as the room can know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Running,
    Paused,
    /// Getting nothing of what waits for it.
    Still,
    Starting,
    /// Silent for two seconds.
    Gone,
}

impl MapView {
    /// What a service does.
    pub fn standing(&self, service: Service) -> Standing {
        let known = self.services.iter().find(|(known, _)| *known == service);
        known.map_or(Standing::Gone, |(_, standing)| *standing)
    }

    /// Orders the warehouse has not decided on.
    pub fn undecided(&self) -> u64 {
        self.placed.saturating_sub(self.accepted + self.refused)
    }
}

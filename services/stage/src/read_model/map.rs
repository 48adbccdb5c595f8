//! The data of the map.

use events::{
    ids::{OrderId, Service},
    insights::{Fraud, Rebuild},
    settings::Folding,
};

use crate::read_model::{deliveries::DeliveriesView, log_tail::Tile, stock::BeerOnShelf};

/// The drawing of services and topics.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MapView {
    pub services: Vec<(Service, Standing)>,
    /// Orders placed in this episode.
    pub placed: u64,
    /// Orders that the warehouse accepted.
    pub accepted: u64,
    /// Orders that it refused.
    pub refused: u64,
    /// Orders in ten seconds, at the rate of the last few.
    pub orders_in_10_s: u64,
    /// From placed to delivered, in microseconds: the median of recent deliveries, if there are any.
    pub latency: Option<u64>,
    /// `None` before the first ledger.
    pub balanced: Option<bool>,
    pub newest: Option<OrderId>,
    /// Queue, couriers, retries, dead letters.
    pub deliveries: DeliveriesView,
    /// Events in the log.
    pub events: u64,
    /// The last events, oldest first.
    pub tail: Vec<Tile>,
    /// Events that stock-level has not handled.
    pub stock_level_behind: u64,
    /// Events that the analysis has not counted, if it ever reported.
    pub analysis_behind: Option<u64>,
    /// The mode that stock-level is set to.
    pub folding: Folding,
    /// How many beers show another level than the log's.
    pub wrong: usize,
    pub rebuild: Option<Rebuild>,
    /// The findings of fraud watch, while it is attached.
    pub fraud: Option<Fraud>,
    /// All beers, in the order of the catalogue.
    pub beers: Vec<BeerOnShelf>,
}

/// What a service does, as far as the stage can know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Running,
    Paused,
    /// Gets none of the messages that wait for it.
    Still,
    Starting,
    /// Silent for two seconds.
    Gone,
}

impl MapView {
    pub fn standing(&self, service: Service) -> Standing {
        let known = self.services.iter().find(|(known, _)| *known == service);
        known.map_or(Standing::Gone, |(_, standing)| *standing)
    }

    /// Orders without a decision of the warehouse.
    pub fn undecided(&self) -> u64 {
        self.placed.saturating_sub(self.accepted + self.refused)
    }
}

//! The findings of inventory-analysis, as the stage shows them.

use events::{
    ids::Moment,
    insights::{Forecast, Fraud, Ledger, Sales},
};

use crate::read_model::outages::Outage;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AnalysisView {
    pub sales: Option<Sales>,
    pub forecast: Option<Forecast>,
    pub fraud: Option<Fraud>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LedgerView {
    pub ledger: Option<Ledger>,
    /// Since when `balanced` has its value.
    pub since: Option<Moment>,
    /// Newest first.
    pub outages: Vec<Outage>,
}

//! What inventory-analysis found, as the stage shows it.

use events::{
    ids::Moment,
    insights::{Forecast, Fraud, Ledger, Sales},
};

use crate::read_model::outages::Outage;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AnalysisView {
    pub sales: Option<Sales>,
    /// What will be sold out.
    pub forecast: Option<Forecast>,
    pub fraud: Option<Fraud>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LedgerView {
    pub ledger: Option<Ledger>,
    /// Since when `balanced` is what it is.
    pub since: Option<Moment>,
    /// Who was gone and came back, newest first.
    pub outages: Vec<Outage>,
}

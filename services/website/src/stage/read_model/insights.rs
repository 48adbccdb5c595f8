//! What inventory-analysis found, as the stage shows it.

use events::{
    ids::Moment,
    insights::{Forecast, Fraud, Ledger, Sales},
};

use crate::stage::read_model::outages::Outage;

/// `/stage/analysis`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AnalysisView {
    /// What was sold.
    pub sales: Option<Sales>,
    /// What will be sold out.
    pub forecast: Option<Forecast>,
    /// What is suspicious.
    pub fraud: Option<Fraud>,
}

/// `/stage/ledger`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LedgerView {
    /// The sums.
    pub ledger: Option<Ledger>,
    /// Since when `balanced` is what it is.
    pub since: Option<Moment>,
    /// Who was gone and came back, newest first.
    pub outages: Vec<Outage>,
}

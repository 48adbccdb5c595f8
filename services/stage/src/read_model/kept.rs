//! What must outlive a restart: the orders, and a few facts by subject, each as JSON.

use std::collections::{BTreeMap, HashMap, VecDeque};

use events::{
    ids::{Moment, Service},
    insights::Insight,
    orders::bottles,
    past::PastAnswer,
    topics,
    unreadable::{Disbelieved, Unreadable},
};
use serde::{Deserialize, Serialize};
use service::Now;

use crate::read_model::{
    model::ReadModel,
    newest::{NEWEST_MAX, listed},
    orders::Unsaved,
    outages::{Outage, Outages},
};

/// Sums over all orders, including those that left.
#[derive(Serialize, Deserialize)]
struct Counts {
    placed: u64,
    accepted: u64,
    refused: u64,
    delivered_by: HashMap<String, u64>,
    untrue: Vec<Disbelieved>,
}

impl ReadModel {
    /// Marks the read model as changed, if only by the position read.
    pub fn touch(&mut self) {
        self.unsaved = true;
    }

    /// Whether the checkpoint lacks a change.
    pub fn is_unsaved(&self) -> bool {
        self.unsaved
    }

    /// The content of the next checkpoint: the changed orders, and the facts of each subject. Counts as saved.
    ///
    /// # Errors
    /// If something cannot be written as JSON.
    pub fn take_unsaved(&mut self) -> serde_json::Result<(Unsaved, Vec<(&'static str, String)>)> {
        self.unsaved = false;
        Ok((self.orders.take_unsaved()?, self.facts()?))
    }

    fn facts(&self) -> serde_json::Result<Vec<(&'static str, String)>> {
        let counts = Counts {
            placed: self.placed,
            accepted: self.accepted,
            refused: self.refused,
            delivered_by: self.parcels.delivered_by().clone(),
            untrue: self.disbelieved(),
        };
        Ok(vec![
            ("counts", serde_json::to_string(&counts)?),
            ("shelves", serde_json::to_string(&self.shelves)?),
            ("log", serde_json::to_string(&self.tape)?),
            ("insights", serde_json::to_string(&self.insights())?),
            ("answers", serde_json::to_string(&self.answers)?),
            ("unreadable", serde_json::to_string(&(self.unreadable_total, &self.unreadable, &self.unreadable_seen))?),
            ("outages", serde_json::to_string(&self.outages.kept())?),
            ("beside orders", serde_json::to_string(&self.orders.beside())?),
        ])
    }

    /// Restores a subject; `false` if there is no such subject.
    ///
    /// # Errors
    /// If it is other JSON.
    pub fn restore(&mut self, subject: &str, facts: &str) -> serde_json::Result<bool> {
        match subject {
            "counts" => self.restore_counts(serde_json::from_str(facts)?),
            "shelves" => self.shelves = serde_json::from_str(facts)?,
            "log" => self.tape = serde_json::from_str(facts)?,
            "insights" => {
                let insights: Vec<(Insight, Moment)> = serde_json::from_str(facts)?;
                insights.iter().for_each(|(insight, since)| self.stored_insight(insight, *since));
            }
            "answers" => self.answers = serde_json::from_str::<Vec<PastAnswer>>(facts)?,
            "unreadable" => {
                let (total, newest, seen): (u64, VecDeque<Unreadable>, _) = serde_json::from_str(facts)?;
                (self.unreadable_total, self.unreadable, self.unreadable_seen) = (total, newest, seen);
            }
            "outages" => {
                let (outages, processes): (VecDeque<Outage>, BTreeMap<Service, Moment>) = serde_json::from_str(facts)?;
                self.outages = Outages::of(outages, processes);
            }
            "beside orders" => {
                let (early, links) = serde_json::from_str(facts)?;
                self.orders.restore_beside(early, links);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn restore_counts(&mut self, counts: Counts) {
        (self.placed, self.accepted, self.refused) = (counts.placed, counts.accepted, counts.refused);
        counts.delivered_by.iter().for_each(|(courier, count)| self.parcels.count_delivered(courier, *count));
        let known = |Disbelieved { topic, code, count }| Some(((topics::find(&topic)?.name, code), count));
        self.untrue = counts.untrue.into_iter().filter_map(known).collect();
    }

    /// Call when all orders are restored: derives what depends on several of them.
    pub fn restored(&mut self, now: Now) {
        let mut by_change: Vec<_> = self.orders.newest_first();
        by_change.sort_by_key(|(_, order)| order.changed_at);
        by_change.iter().for_each(|(order_id, order)| self.parcels.restore(order_id, order));
        let newest_first = self.orders.newest_first();
        for (order_id, order) in newest_first.iter().take(NEWEST_MAX) {
            let (bottles, status) = (bottles(&order.lines).0, order.progress.status);
            self.newest.placed(listed(order_id, &order.customer, bottles, status, order.placed_at));
        }
        let under_way = newest_first.iter().rev().filter(|(_, order)| !order.progress.status.is_finished());
        under_way.for_each(|(order_id, order)| self.tempo.placed(order_id, order.placed_at, now));
    }

    /// The newest insight of each kind, and since when it holds.
    fn insights(&self) -> Vec<(Insight, Moment)> {
        let sales = self.sales.clone().map(|sales| (Insight::Sales(sales.clone()), sales.at));
        let forecast = self.forecast.clone().map(|forecast| (Insight::Forecast(forecast.clone()), forecast.at));
        let ledger = self.ledger.clone().map(|(ledger, since)| (Insight::Ledger(ledger), since));
        let rebuild = self.rebuild.clone().map(|rebuild| (Insight::Rebuild(rebuild.clone()), rebuild.at));
        let fraud = self.fraud.clone().map(|(fraud, since)| (Insight::Fraud(fraud), since));
        [sales, forecast, ledger, rebuild, fraud].into_iter().flatten().collect()
    }
}

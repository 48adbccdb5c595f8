//! Insights out: each kind at most five times a second, and only when it says something new.

use bus::{Outgoing, Publisher};
use events::{
    ids::{EventId, Moment, Service},
    insights::Insight,
    topics::INSIGHTS,
};

/// What was published last of each kind, without its time.
#[derive(Default)]
pub(crate) struct Published {
    last: Vec<Insight>,
}

impl Published {
    /// Publishes those of these insights that differ from what was published last. `false` if the broker did not
    /// confirm them: then none counts as published, and the next ones are.
    pub(crate) async fn publish(
        &mut self,
        publisher: &mut Publisher,
        insights: Vec<Insight>,
        now: Moment,
    ) -> anyhow::Result<bool> {
        let mut messages = Vec::new();
        let mut said = Vec::new();
        for insight in insights {
            let timeless = without_time(insight.clone());
            if !self.last.contains(&timeless) {
                let kind = insight.kind();
                let id = EventId::new(format!("{}-{kind}-{}", Service::InventoryAnalysis, now.micros()));
                messages.push(Outgoing::new(INSIGHTS, kind, id, now, &insight)?);
                said.push(timeless);
            }
        }
        if messages.is_empty() {
            return Ok(true);
        }
        if let Err(error) = publisher.publish(&messages).await {
            tracing::debug!(%error, "insights not published; newer ones follow");
            self.last.clear();
            return Ok(false);
        }
        self.last.retain(|old| said.iter().all(|new| new.kind() != old.kind()));
        self.last.extend(said);
        Ok(true)
    }
}

/// The insight without the time it was had, which always differs.
fn without_time(mut insight: Insight) -> Insight {
    match &mut insight {
        Insight::Sales(sales) => sales.at = Moment::default(),
        Insight::Forecast(forecast) => forecast.at = Moment::default(),
        Insight::Ledger(ledger) => ledger.at = Moment::default(),
        Insight::Rebuild(rebuild) => rebuild.at = Moment::default(),
        Insight::Fraud(fraud) => fraud.at = Moment::default(),
    }
    insight
}

//! Insights out: each only when it says something new. The callers decide how often.

use bus::{Bus, Outgoing, Publisher, with_causes};
use events::{
    ids::{EventId, Moment, Service},
    insights::Insight,
    topics::INSIGHTS,
};
use tokio::time::{Duration, sleep};

use service::now;

/// Pause before another attempt to publish an insight that must not be lost, while the broker is away.
const PAUSE: Duration = Duration::from_millis(500);

/// Publishes insights, and remembers the last one of each kind without its time.
pub(crate) struct InsightPublisher {
    publisher: Publisher,
    last: Vec<Insight>,
}

impl InsightPublisher {
    /// A publisher that has published nothing yet.
    pub(crate) fn new(bus: &Bus) -> Self {
        InsightPublisher { publisher: bus.publisher(), last: Vec::new() }
    }

    /// Publishes those insights that differ from the last published ones. `false` if the broker did not
    /// confirm them: then none counts as published, and the next ones are published in any case.
    pub(crate) async fn tell(&mut self, insights: Vec<Insight>, now: Moment) -> anyhow::Result<bool> {
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
        if let Err(error) = self.publisher.publish(&messages).await {
            tracing::debug!(error = %with_causes(&error), "insights not published; newer ones follow");
            self.last.clear();
            return Ok(false);
        }
        self.last.retain(|old| said.iter().all(|new| new.kind() != old.kind()));
        self.last.extend(said);
        Ok(true)
    }

    /// Publishes an insight that no newer one replaces soon, however long the broker is away.
    pub(crate) async fn tell_in_the_end(&mut self, insight: &Insight) -> anyhow::Result<()> {
        while !self.tell(vec![insight.clone()], now()).await? {
            sleep(PAUSE).await;
        }
        Ok(())
    }
}

/// The insight without its time, which always differs.
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

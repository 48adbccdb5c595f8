//! Whether messages flow, as the broker sees it.
//!
//! A subscription stands still when messages wait for it, a consumer has permits, none is unacknowledged, and for some
//! seconds none is delivered. The broker does not count the unacknowledged messages of a subscription that is read in
//! order; there the delivery counter has to do.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Result, ensure};
use events::{
    ids::Service,
    topics::{Lifetime, SubscriptionType},
};
use serde_json::Value;
use tokio::time::Instant;

use crate::rehearsal::broker::Broker;

/// After so long without a delivery, waiting messages stand still. A service that notices it itself needs six seconds.
const STANDS_STILL_AFTER: Duration = Duration::from_secs(12);
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// Possible standstills: topic and subscription, with the number of messages delivered by then.
type Suspects = BTreeMap<String, u64>;

/// Waits until nothing seems to stand still.
///
/// # Errors
/// If something stands still, with its name, or the broker does not answer.
pub(crate) async fn everything_flows(broker: &Broker, episode: u64) -> Result<()> {
    let deadline = Instant::now() + STANDS_STILL_AFTER;
    let mut suspects = suspects(broker, episode).await?;
    while !suspects.is_empty() {
        ensure!(Instant::now() < deadline, "messages wait and nobody gets them: {:?}", suspects.keys());
        tokio::time::sleep(LOOK_EVERY).await;
        let now = self::suspects(broker, episode).await?;
        suspects.retain(|name, delivered| now.get(name) == Some(delivered));
    }
    Ok(())
}

async fn suspects(broker: &Broker, episode: u64) -> Result<Suspects> {
    let mut suspects = Suspects::new();
    for (topic, stats) in broker.topics(episode).await? {
        for (name, subscription) in stats["subscriptions"].as_object().into_iter().flatten() {
            if could_stand_still(subscription) {
                let delivered = subscription["msgOutCounter"].as_u64().unwrap_or(0);
                suspects.insert(format!("{} for {name}", topic.name), delivered);
            }
        }
    }
    Ok(suspects)
}

fn could_stand_still(subscription: &Value) -> bool {
    let number = |value: &Value| value.as_i64().unwrap_or(0);
    let waits = number(&subscription["msgBacklog"]) - number(&subscription["msgDelayed"]);
    let mut consumers = subscription["consumers"].as_array().into_iter().flatten();
    waits > 0
        && number(&subscription["unackedMessages"]) == 0
        && consumers.any(|consumer| number(&consumer["availablePermits"]) > 0)
}

/// Subscriptions that still have something to read, or with another number of readers than one where one is expected;
/// `None` if there are none.
/// If the broker cannot be asked.
pub(crate) async fn not_at_rest(broker: &Broker, episode: u64) -> Result<Option<String>> {
    for (topic, stats) in broker.topics(episode).await? {
        for expected in topic.subscriptions.iter().filter(|expected| expected.is_permanent()) {
            let subscription = &stats["subscriptions"][expected.name];
            let consumers = subscription["consumers"].as_array().map_or(0, Vec::len);
            let one_reader = expected.lifetime == Lifetime::Permanent(SubscriptionType::Failover)
                && expected.reader != Service::StockLevel;
            if subscription["msgBacklog"] != 0 || consumers == 0 || (one_reader && consumers != 1) {
                let backlog = &subscription["msgBacklog"];
                let name = expected.name;
                return Ok(Some(format!("{}: {backlog} wait for {name}, which has {consumers} consumers", topic.name)));
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_delayed_in_hand_or_asked_for_by_nobody_does_not_stand_still() {
        let subscription = |backlog, delayed, unacked, permits: &[i64]| {
            let consumers: Vec<_> = permits.iter().map(|permits| json!({"availablePermits": permits})).collect();
            json!({"msgBacklog": backlog, "msgDelayed": delayed, "unackedMessages": unacked, "consumers": consumers})
        };
        assert!(could_stand_still(&subscription(800, 0, 0, &[0, 400])));
        assert!(!could_stand_still(&subscription(0, 0, 0, &[400])), "nothing waits");
        assert!(!could_stand_still(&subscription(3, 3, 0, &[400])), "its time has not come");
        assert!(!could_stand_still(&subscription(3, 0, 1, &[400])), "one is in somebody's hands");
        assert!(!could_stand_still(&subscription(3, 0, 0, &[0])), "nobody asks for more");
        assert!(!could_stand_still(&subscription(3, 0, 0, &[])), "nobody is there");
    }
}

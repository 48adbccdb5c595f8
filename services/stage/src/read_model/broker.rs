//! What the broker reports: topics, subscriptions, backlogs, segments. Pure; reads the answers of its admin API.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bus::Examined;
use events::{ids::Moment, topics::TopicSpec};
use serde::Deserialize;

/// The shortest time for a rate: over less, one message would look like many.
const RATE_OVER_MIN: Duration = Duration::from_millis(500);

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Seen {
    pub tenants: Vec<String>,
    /// Our namespaces, including episodes that are being deleted.
    pub namespaces: Vec<String>,
    pub brokers: Vec<String>,
    pub bookies: Vec<String>,
    /// Every topic, in the order of `TOPICS`.
    pub topics: Vec<TopicSeen>,
    /// Details of the topics that are shown on an open page.
    pub details: BTreeMap<&'static str, Details>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct TopicSeen {
    pub spec: &'static TopicSpec,
    /// Messages since the broker opened the topic.
    pub messages: u64,
    /// Messages a second since the last look; the broker's own average is a minute old.
    pub per_second: Option<u64>,
    pub stored_bytes: u64,
    pub producers: usize,
    pub subscriptions: Vec<SubscriptionSeen>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionSeen {
    pub name: String,
    /// Its type, as the broker names it.
    pub kind: String,
    /// Messages that a consumer could get now, without the delayed ones.
    pub backlog: u64,
    /// Messages that wait for their time.
    pub delayed: u64,
    /// The consumers by name; for Failover the active one first.
    pub consumers: Vec<String>,
    pub one_is_active: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Details {
    /// Its segments, oldest first.
    pub segments: Vec<Segment>,
    pub messages: Vec<Examined>,
}

/// A segment of a topic: a ledger of BookKeeper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    pub ledger: u64,
    pub entries: u64,
    pub bytes: u64,
    pub bookies: Vec<String>,
    pub is_open: bool,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub enum Look {
    #[default]
    Nothing,
    /// What it reported, and when.
    Seen(Arc<Seen>, Moment),
    /// Why it did not answer.
    Silent(String),
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct PulsarView {
    pub look: Look,
    pub tenant: String,
    /// The topic that is shown in detail.
    pub topic: Option<&'static TopicSpec>,
}

impl Seen {
    /// Computes the rates since `before`, a look of `ago`.
    pub fn count_rates(&mut self, before: &Seen, ago: Duration) {
        let millis = u64::try_from(ago.as_millis()).unwrap_or(u64::MAX).max(1);
        for (topic, before) in self.topics.iter_mut().zip(&before.topics) {
            if ago < RATE_OVER_MIN {
                topic.per_second = before.per_second;
                continue;
            }
            let since = topic.messages.checked_sub(before.messages);
            topic.per_second = since.map(|messages| (messages * 1000 + millis / 2) / millis);
        }
    }
}

/// The bookies named in a ledger's metadata, which is text: `… ensembles={0=[bookie-1:3181, bookie-2:3181]}, …`.
fn bookies_of(metadata: &str) -> Vec<String> {
    let ensembles = metadata.split_once("ensembles={").and_then(|(_, rest)| rest.split_once('}'));
    let lists = ensembles.map(|(ensembles, _)| ensembles).unwrap_or_default().split('[').skip(1);
    let mut bookies: Vec<String> = lists
        .filter_map(|list| list.split_once(']'))
        .flat_map(|(list, _)| list.split(',').map(|bookie| bookie.trim().to_owned()))
        .collect();
    bookies.sort();
    bookies.dedup();
    bookies
}

#[derive(Deserialize)]
pub struct Bookies {
    pub bookies: Vec<Bookie>,
}

#[derive(Deserialize)]
pub struct Bookie {
    #[serde(rename = "bookieId")]
    pub id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
pub struct TopicStats {
    msg_in_counter: u64,
    storage_size: u64,
    publishers: Vec<serde::de::IgnoredAny>,
    subscriptions: BTreeMap<String, SubscriptionStats>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct SubscriptionStats {
    #[serde(rename = "type")]
    kind: String,
    msg_backlog: i64,
    msg_delayed: i64,
    active_consumer_name: Option<String>,
    consumers: Vec<ConsumerStats>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct ConsumerStats {
    consumer_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stored {
    pub number_of_entries: u64,
    current_ledger_entries: u64,
    current_ledger_size: u64,
    ledgers: Vec<Ledger>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ledger {
    ledger_id: u64,
    entries: u64,
    size: u64,
    #[serde(default)]
    metadata: String,
}

impl Stored {
    /// Oldest first.
    pub fn segments(&self) -> Vec<Segment> {
        let last = self.ledgers.last().map(|ledger| ledger.ledger_id);
        let segment = |ledger: &Ledger| Segment {
            ledger: ledger.ledger_id,
            // The open ledger has a count of its own.
            entries: if Some(ledger.ledger_id) == last { self.current_ledger_entries } else { ledger.entries },
            bytes: if Some(ledger.ledger_id) == last { self.current_ledger_size } else { ledger.size },
            bookies: bookies_of(&ledger.metadata),
            is_open: Some(ledger.ledger_id) == last,
        };
        self.ledgers.iter().map(segment).collect()
    }
}

impl TopicStats {
    pub fn of(self, spec: &'static TopicSpec) -> TopicSeen {
        // The broker's own, such as that of compaction.
        let is_ours = |(name, _): &(String, SubscriptionStats)| !name.starts_with("__");
        let subscriptions = self.subscriptions.into_iter().filter(is_ours);
        TopicSeen {
            spec,
            messages: self.msg_in_counter,
            per_second: None,
            stored_bytes: self.storage_size,
            producers: self.publishers.len(),
            subscriptions: subscriptions.map(|(name, stats)| stats.of(name)).collect(),
        }
    }
}

impl SubscriptionStats {
    fn of(self, name: String) -> SubscriptionSeen {
        let unsigned = |count: i64| u64::try_from(count).unwrap_or(0);
        let active = self.active_consumer_name.filter(|_| self.kind == "Failover");
        let mut consumers: Vec<String> = self.consumers.into_iter().map(|consumer| consumer.consumer_name).collect();
        consumers.sort_by_key(|name| (Some(name) != active.as_ref(), name.clone()));
        SubscriptionSeen {
            name,
            one_is_active: self.kind == "Failover",
            kind: self.kind,
            backlog: unsigned(self.msg_backlog - self.msg_delayed),
            delayed: unsigned(self.msg_delayed),
            consumers,
        }
    }
}

#[cfg(test)]
mod tests {
    use events::topics::TOPICS;

    use super::*;

    #[test]
    fn what_waits_for_its_time_is_no_backlog_and_the_active_consumer_comes_first() {
        let stats: SubscriptionStats = serde_json::from_str(
            r#"{"type": "Failover", "msgBacklog": 12, "msgDelayed": 5, "activeConsumerName": "b",
                "consumers": [{"consumerName": "a"}, {"consumerName": "b"}], "unackedMessages": 1}"#,
        )
        .unwrap();
        let seen = stats.of("warehouse".to_owned());
        assert_eq!((seen.backlog, seen.delayed), (7, 5));
        assert_eq!((seen.consumers, seen.one_is_active), (vec!["b".to_owned(), "a".to_owned()], true));
    }

    #[test]
    fn rates_are_counted_between_two_looks() {
        let topic = |messages| TopicSeen {
            spec: TOPICS[0],
            messages,
            per_second: Some(7),
            stored_bytes: 0,
            producers: 0,
            subscriptions: Vec::new(),
        };
        let seen = |messages| Seen { topics: vec![topic(messages)], ..Seen::default() };
        let rate = |before, after, millis| {
            let mut now = seen(after);
            now.count_rates(&seen(before), Duration::from_millis(millis));
            now.topics[0].per_second
        };
        assert_eq!(rate(100, 150, 1_000), Some(50));
        assert_eq!(rate(100, 100, 1_000), Some(0));
        assert_eq!(rate(100, 105, 40), Some(7), "too short to count");
        assert_eq!(rate(100, 3, 1_000), None, "the broker has opened it anew");
    }

    #[test]
    fn the_bookies_of_a_segment_are_read_from_its_metadata() {
        let metadata = "LedgerMetadata{formatVersion=3, ensembles={0=[b:1, a:1], 2059=[c:1, a:1]}, customMetadata={}}";
        assert_eq!(bookies_of(metadata), ["a:1", "b:1", "c:1"]);
        assert!(bookies_of("").is_empty());
    }
}

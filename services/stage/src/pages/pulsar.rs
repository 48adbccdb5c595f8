//! `/pulsar`: what the broker reports.

use askama::Template;
use bus::Examined;
use events::topics::{Lifetime, Namespace, TopicSpec};
use web::pure::{
    format,
    layout::{Fragment, Frame, Parts, alive},
};

use crate::pages::figures::{Figure, figures};
use crate::{
    pages::view::PageView,
    read_model::broker::{Details, Look, PulsarView, Seen, Segment, SubscriptionSeen, TopicSeen},
};

/// The newest segments are drawn.
const SEGMENTS_SHOWN: usize = 24;
/// The most consumers named; more are counted.
const CONSUMERS_NAMED: usize = 6;
/// The most characters shown of a message.
const PAYLOAD_SHOWN: usize = 400;

#[derive(Template)]
#[template(path = "pulsar/page.html")]
struct Page<'a> {
    frame: Frame<'a>,
    parts: Parts,
    live: String,
    is_close: bool,
}

#[derive(Template)]
#[template(path = "pulsar/place.html")]
struct Place {
    rows: Vec<(&'static str, String)>,
    asking: Option<&'static str>,
    silent: Option<String>,
}

#[derive(Template)]
#[template(path = "pulsar/topics.html")]
struct Topics<'a> {
    frame: Frame<'a>,
    spaces: Vec<NamespaceOfTopics<'a>>,
}

struct NamespaceOfTopics<'a> {
    name: &'static str,
    words: &'static str,
    topics: Vec<Topic<'a>>,
}

struct Topic<'a> {
    name: &'static str,
    is_chosen: bool,
    rate: String,
    /// Shown instead of the subscriptions, if each process has its own.
    everyone: Option<String>,
    subscriptions: Vec<SubscriptionRow<'a>>,
}

struct SubscriptionRow<'a> {
    name: &'a str,
    kind: &'a str,
    consumers: usize,
    backlog: String,
    waits: bool,
    delayed: Option<String>,
}

#[derive(Template)]
#[template(path = "pulsar/details.html")]
struct Closely<'a> {
    frame: Frame<'a>,
    name: &'static str,
    words: String,
    /// Whether the content of the topic is known.
    known: bool,
    subscriptions: Vec<(SubscriptionRow<'a>, String)>,
    segments: Vec<SegmentRow>,
    more_segments: Option<String>,
    messages: Vec<MessageRow<'a>>,
}

struct SegmentRow {
    ledger: u64,
    entries: String,
    bytes: String,
    bookies: String,
    is_open: bool,
}

struct MessageRow<'a> {
    id: &'a str,
    key: &'a str,
    at: String,
    payload: String,
}

impl PageView for PulsarView {
    fn render(&self, frame: Frame<'_>) -> askama::Result<String> {
        let live = self.topic.map_or_else(|| "/live/pulsar".to_owned(), |topic| format!("/live/pulsar-{}", topic.name));
        Page { frame, parts: Parts(self.fragments(frame)?), live, is_close: self.topic.is_some() }.render()
    }

    fn fragments(&self, frame: Frame<'_>) -> askama::Result<Vec<Fragment>> {
        let seen = match &self.look {
            Look::Seen(seen, _) => Some(seen.as_ref()),
            Look::Nothing | Look::Silent(_) => None,
        };
        let mut fragments = vec![
            alive(&frame, &[])?,
            figures(big_figures(seen, &frame))?,
            Fragment::new("place", &place(self, seen, &frame))?,
            Fragment::new("topics", &topics(self, seen, &frame))?,
        ];
        if let Some(topic) = self.topic {
            fragments.push(Fragment::new("closely", &closely(topic, seen, &frame))?);
        }
        Ok(fragments)
    }
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

fn big_figures(seen: Option<&Seen>, frame: &Frame<'_>) -> Vec<Figure> {
    let Some(seen) = seen else { return Vec::new() };
    let language = frame.language;
    let subscriptions = || seen.topics.iter().flat_map(|topic| &topic.subscriptions);
    let lasting = seen.topics.iter().filter(|topic| !is_everyones(topic.spec));
    let backlog: u64 = lasting.flat_map(|topic| &topic.subscriptions).map(|seen| seen.backlog).sum();
    let figure = |n: u64, label: String, tone| Figure { text: format::number(language, n), label, tone };
    let (topics, all) = (count(seen.topics.len()), count(subscriptions().count()));
    vec![
        figure(topics, language.count("pulsar.figure_topics", topics), "plain"),
        figure(all, language.count("pulsar.figure_subscriptions", all), "plain"),
        figure(backlog, language.count("pulsar.figure_backlog", backlog), "amber"),
    ]
}

fn place(view: &PulsarView, seen: Option<&Seen>, frame: &Frame<'_>) -> Place {
    let silent = match &view.look {
        Look::Silent(why) => Some(frame.with("pulsar.silent", "why", why)),
        Look::Nothing | Look::Seen(..) => None,
    };
    let asking = (view.look == Look::Nothing).then(|| frame.t("pulsar.asking"));
    let mark = |name: &String| if *name == view.tenant { format!("▸ {name}") } else { name.clone() };
    let short = |name: &String| name.rsplit('/').next().unwrap_or_default().to_owned();
    let listed = |names: Vec<String>| names.join(", ");
    let rows = seen.map_or_else(Vec::new, |seen| {
        vec![
            (frame.t("pulsar.brokers"), listed(seen.brokers.clone())),
            (frame.t("pulsar.bookies"), listed(seen.bookies.clone())),
            (frame.t("pulsar.tenants"), listed(seen.tenants.iter().map(mark).collect())),
            (frame.t("pulsar.namespaces"), listed(seen.namespaces.iter().map(short).collect())),
        ]
    });
    Place { rows, asking, silent }
}

fn topics<'a>(view: &PulsarView, seen: Option<&'a Seen>, frame: &Frame<'a>) -> Topics<'a> {
    let spaces =
        [(Namespace::Shop, "pulsar.shop"), (Namespace::Stock, "pulsar.stock"), (Namespace::Stage, "pulsar.stage")];
    let topics_of = |namespace: Namespace| {
        let all = seen.into_iter().flat_map(|seen| &seen.topics).filter(move |topic| topic.spec.namespace == namespace);
        all.map(|topic| topic_row(topic, view.topic, frame)).collect()
    };
    let spaces = spaces.map(|(namespace, words)| NamespaceOfTopics {
        name: namespace.name(),
        words: frame.t(words),
        topics: topics_of(namespace),
    });
    Topics { frame: *frame, spaces: spaces.into() }
}

fn topic_row<'a>(topic: &'a TopicSeen, chosen: Option<&TopicSpec>, frame: &Frame<'_>) -> Topic<'a> {
    Topic {
        name: topic.spec.name,
        is_chosen: chosen.is_some_and(|chosen| chosen.name == topic.spec.name),
        rate: topic
            .per_second
            .map_or_else(String::new, |rate| frame.with("map.per_second", "n", &format::number(frame.language, rate))),
        everyone: is_everyones(topic.spec)
            .then(|| frame.language.count("pulsar.each_process", count(topic.subscriptions.len()))),
        subscriptions: topic.subscriptions.iter().map(|subscription| subscription_row(subscription, frame)).collect(),
    }
}

/// Whether each listening process has its own subscription without a backlog.
fn is_everyones(topic: &TopicSpec) -> bool {
    topic.subscriptions.iter().all(|subscription| subscription.lifetime == Lifetime::PerProcess)
}

fn subscription_row<'a>(seen: &'a SubscriptionSeen, frame: &Frame<'_>) -> SubscriptionRow<'a> {
    SubscriptionRow {
        name: &seen.name,
        kind: &seen.kind,
        consumers: seen.consumers.len(),
        backlog: format::number(frame.language, seen.backlog),
        waits: seen.backlog > 0,
        delayed: (seen.delayed > 0).then(|| frame.language.count("pulsar.delayed", seen.delayed)),
    }
}

fn closely<'a>(spec: &'static TopicSpec, seen: Option<&'a Seen>, frame: &Frame<'a>) -> Closely<'a> {
    let language = frame.language;
    let topic = seen.and_then(|seen| seen.topics.iter().find(|topic| topic.spec.name == spec.name));
    let details = seen.and_then(|seen| seen.details.get(spec.name));
    let words = topic.map_or_else(String::new, |topic| {
        let kilobytes = format::number(language, topic.stored_bytes.div_ceil(1000));
        let producers = language.count("pulsar.producers", count(topic.producers));
        format!("{producers} · {}", frame.with("pulsar.stored", "n", &kilobytes))
    });
    let subscriptions = topic.map(|topic| topic.subscriptions.as_slice()).unwrap_or_default();
    let segments = details.map(|details| details.segments.as_slice()).unwrap_or_default();
    let left_out = segments.len().saturating_sub(SEGMENTS_SHOWN);
    Closely {
        frame: *frame,
        name: spec.name,
        // A topic that stores nothing is known to be empty.
        known: details.is_some() || !spec.stored,
        words: if spec.stored { words } else { frame.t("pulsar.not_stored").to_owned() },
        subscriptions: subscriptions.iter().map(|seen| (subscription_row(seen, frame), named(seen, frame))).collect(),
        segments: segments.iter().skip(left_out).map(|segment| segment_row(segment, frame)).collect(),
        more_segments: (left_out > 0).then(|| language.count("map.earlier", count(left_out))),
        messages: details
            .map(|details: &Details| details.messages.iter().map(message_row).collect())
            .unwrap_or_default(),
    }
}

/// The consumers of a subscription; for Failover, which one is active.
fn named(seen: &SubscriptionSeen, frame: &Frame<'_>) -> String {
    if seen.consumers.is_empty() {
        return frame.t("pulsar.nobody").to_owned();
    }
    let names = seen.consumers.iter().take(CONSUMERS_NAMED).cloned().collect::<Vec<_>>().join(", ");
    let more = seen.consumers.len().saturating_sub(CONSUMERS_NAMED);
    let names = if more > 0 { format!("{names} + {more}") } else { names };
    if seen.one_is_active { frame.with("pulsar.active", "names", &names) } else { names }
}

fn segment_row(segment: &Segment, frame: &Frame<'_>) -> SegmentRow {
    SegmentRow {
        ledger: segment.ledger,
        entries: frame.language.count("pulsar.entries", segment.entries),
        bytes: frame.with("pulsar.stored", "n", &format::number(frame.language, segment.bytes.div_ceil(1000))),
        bookies: segment.bookies.join(", "),
        is_open: segment.is_open,
    }
}

fn message_row(message: &Examined) -> MessageRow<'_> {
    MessageRow {
        id: &message.id,
        key: message.key.as_deref().unwrap_or_default(),
        at: message.at.map(format::clock).unwrap_or_default(),
        payload: message.payload.chars().take(PAYLOAD_SHOWN).collect(),
    }
}

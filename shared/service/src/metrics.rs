//! What a service counts, for Prometheus. Names follow its conventions: base units, `_total` for what only grows.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use events::unreadable::Disbelieved;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _, text::encode},
    metrics::{
        counter::{ConstCounter, Counter},
        family::Family,
        gauge::ConstGauge,
        histogram::Histogram,
    },
    registry::{Metric, Registry, Unit},
};

/// The bounds of the histograms of time, in seconds.
const SECONDS: [f64; 15] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 600.0];

/// The label with the topic.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct OfTopic {
    pub topic: String,
}

/// The labels of messages that are not believed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfReason {
    topic: String,
    code: String,
}

/// Histograms of time, one for each topic.
type Times = Family<OfTopic, Histogram, fn() -> Histogram>;

fn times() -> Times {
    Family::new_with_constructor(|| Histogram::new(SECONDS))
}

/// The metrics of one process. Cheap to clone.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    handled: Family<OfTopic, Counter>,
    repeated: Family<OfTopic, Counter>,
    unreadable: Family<OfTopic, Counter>,
    disbelieved: Family<OfReason, Counter>,
    handling: Times,
    end_to_end: Times,
}

impl Default for Metrics {
    fn default() -> Self {
        let metrics = Metrics {
            registry: Arc::new(Mutex::new(Registry::with_prefix("beers"))),
            handled: Family::default(),
            repeated: Family::default(),
            unreadable: Family::default(),
            disbelieved: Family::default(),
            handling: times(),
            end_to_end: times(),
        };
        metrics.register("messages_handled", "Messages handled", metrics.handled.clone());
        metrics.register("messages_repeated", "Messages seen before, without effect", metrics.repeated.clone());
        metrics.register("messages_unreadable", "Messages quarantined as unreadable", metrics.unreadable.clone());
        let help = "Messages without effect, because they are well formed but untrue";
        metrics.register("messages_disbelieved", help, metrics.disbelieved.clone());
        let help = "Time from receiving a message until it may be acknowledged";
        metrics.register_seconds("message_handling", help, metrics.handling.clone());
        let help = "Time from what a message tells until its effect is committed here";
        metrics.register_seconds("message_end_to_end", help, metrics.end_to_end.clone());
        metrics
    }
}

impl Metrics {
    /// Adds a metric of the service.
    pub fn register(&self, name: &str, help: &str, metric: impl Metric) {
        self.change(|registry| registry.register(name, help, metric));
    }

    fn register_seconds(&self, name: &str, help: &str, metric: impl Metric) {
        self.change(|registry| registry.register_with_unit(name, help, Unit::Seconds, metric));
    }

    /// Adds a counter that is read when it is asked for. Its name gets the suffix `_total`.
    pub fn read_counter(&self, name: &'static str, help: &'static str, read: impl Fn() -> u64 + Send + Sync + 'static) {
        let read: Read = Read::Counter(Box::new(read));
        self.change(|registry| registry.register_collector(Box::new(Reading { name, help, read })));
    }

    /// Adds a gauge that is read when it is asked for.
    pub fn read_gauge(&self, name: &'static str, help: &'static str, read: impl Fn() -> i64 + Send + Sync + 'static) {
        let read: Read = Read::Gauge(Box::new(read));
        self.change(|registry| registry.register_collector(Box::new(Reading { name, help, read })));
    }

    fn change<R>(&self, change: impl FnOnce(&mut Registry) -> R) -> R {
        change(&mut self.registry.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Messages of this topic were handled for the first time.
    pub fn handled(&self, topic: &str, count: usize) {
        add(&self.handled, topic, count);
    }

    /// Messages of this topic had been handled before.
    pub fn repeated(&self, topic: &str, count: usize) {
        add(&self.repeated, topic, count);
    }

    /// Messages of this topic could not be read.
    pub fn unreadable(&self, topic: &str, count: usize) {
        add(&self.unreadable, topic, count);
    }

    /// Sets the total of messages that are not believed; earlier counts stay.
    pub fn disbelieved(&self, all: &[Disbelieved]) {
        for Disbelieved { topic, code, count } in all {
            let counter = self.disbelieved.get_or_create(&OfReason { topic: topic.clone(), code: code.to_string() });
            counter.inc_by(count.saturating_sub(counter.get()));
        }
    }

    /// This many messages of a topic were received together, and may be acknowledged after this time.
    pub fn took(&self, topic: &str, count: usize, time: Duration) {
        let histogram = self.handling.get_or_create_owned(&OfTopic { topic: topic.to_owned() });
        (0..count).for_each(|_| histogram.observe(time.as_secs_f64()));
    }

    /// Messages of this topic had their effect this long after the event, in microseconds.
    pub fn reached(&self, topic: &str, micros: impl Iterator<Item = i64>) {
        let histogram = self.end_to_end.get_or_create_owned(&OfTopic { topic: topic.to_owned() });
        micros.for_each(|micros| histogram.observe(micros.max(0) as f64 / 1e6));
    }

    /// All metrics as text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        if self.change(|registry| encode(&mut text, registry)).is_err() {
            text.clear();
        }
        text
    }
}

fn add(family: &Family<OfTopic, Counter>, topic: &str, count: usize) {
    if count > 0 {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        family.get_or_create(&OfTopic { topic: topic.to_owned() }).inc_by(count);
    }
}

/// A number that is kept elsewhere.
struct Reading {
    name: &'static str,
    help: &'static str,
    read: Read,
}

enum Read {
    Counter(Box<dyn Fn() -> u64 + Send + Sync>),
    Gauge(Box<dyn Fn() -> i64 + Send + Sync>),
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Collector for Reading {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Reading { name, help, read } = self;
        match read {
            Read::Counter(read) => {
                let counter = ConstCounter::new(read());
                counter.encode(encoder.encode_descriptor(name, help, None, counter.metric_type())?)
            }
            Read::Gauge(read) => {
                let gauge = ConstGauge::new(read());
                gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)
            }
        }
    }
}

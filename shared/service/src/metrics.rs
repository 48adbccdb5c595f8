//! What a service counts, for Prometheus.

use std::sync::{Arc, Mutex, PoisonError};

use events::unreadable::Disbelieved;
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::{Metric, Registry},
};

/// The topic a number is about.
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

/// The metrics of one process. Cheap to clone.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    handled: Family<OfTopic, Counter>,
    repeated: Family<OfTopic, Counter>,
    unreadable: Family<OfTopic, Counter>,
    disbelieved: Family<OfReason, Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        let metrics = Metrics {
            registry: Arc::new(Mutex::new(Registry::with_prefix("beers"))),
            handled: Family::default(),
            repeated: Family::default(),
            unreadable: Family::default(),
            disbelieved: Family::default(),
        };
        metrics.register("messages_handled", "Messages handled", metrics.handled.clone());
        metrics.register("messages_repeated", "Messages seen before, without effect", metrics.repeated.clone());
        metrics.register("messages_unreadable", "Messages put aside as unreadable", metrics.unreadable.clone());
        let help = "Messages without effect, because they are well formed but untrue";
        metrics.register("messages_disbelieved", help, metrics.disbelieved.clone());
        metrics
    }
}

impl Metrics {
    /// Adds a metric of the service.
    pub fn register(&self, name: &str, help: &str, metric: impl Metric) {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner).register(name, help, metric);
    }

    /// Adds a gauge of a service's own.
    pub fn gauge(&self, name: &str, help: &str) -> Gauge {
        let gauge = Gauge::default();
        self.register(name, help, gauge.clone());
        gauge
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

    /// All of them, as text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        if encode(&mut text, &registry).is_err() {
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

//! Observes handled messages: a span for each, and how long they took.

use bus::spans;
use events::{
    ids::{Moment, Service},
    received::Received,
    topics::TopicSpec,
};
use tokio::time::Instant;
use tracing::Span;

use crate::{Batch, Outcome, clock, metrics::Metrics};

/// Begins the span of a message. Messages that follow from it continue its trace, whether spans are exported or not.
pub(super) fn begin<W>(batch: &mut Batch, topic: &TopicSpec, reader: Service, received: &Received<W>) -> Span {
    let subscription = topic.subscription_of(reader, None).map_or("", |subscription| subscription.name);
    let span = spans::of_received(topic, subscription, received);
    batch.trace = spans::context(&span).or(received.trace);
    span
}

/// Records the outcome of the message in its span.
pub(super) fn note<A>(span: &Span, outcome: &Outcome<A>) {
    span.record("beers.outcome", outcome.name());
    if matches!(outcome, Outcome::Untrue(_) | Outcome::Quarantined) {
        spans::failed(span);
    }
}

/// When messages were received, and when their events happened.
pub(super) struct Times {
    received: Instant,
    happened: Vec<Moment>,
}

impl Times {
    pub(super) fn begin<W>(messages: &[Received<W>]) -> Self {
        Times { received: Instant::now(), happened: messages.iter().map(|received| received.at).collect() }
    }

    /// The messages may be acknowledged. Those with an answer had their effect now.
    pub(super) fn end<A>(self, metrics: &Metrics, topic: &TopicSpec, answers: &[Option<A>]) {
        metrics.took(topic.name, answers.len(), self.received.elapsed());
        let now = clock::now();
        let had_effect = self.happened.iter().zip(answers).filter(|(_, answer)| answer.is_some());
        metrics.reached(topic.name, had_effect.map(|(at, _)| now.micros_since(*at)));
    }
}

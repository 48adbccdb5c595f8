//! OpenTelemetry spans, one per hop of a message. The message's `traceparent` links them to those of other processes.
//!
//! They are `tracing` spans with the target [`TARGET`]: logs exclude it, and the exporter takes nothing else.
//! While nothing is exported the target is disabled: then no span is created, and the context of a message is passed on
//! unchanged. Names and attributes follow OpenTelemetry's semantic conventions.

use events::{
    received::{Position, Received},
    topics::TopicSpec,
    trace::{TraceContext, TraceId},
};
use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceState},
};
use tracing::{
    Span,
    field::{Empty, display},
    info_span,
};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::Outgoing;

/// The target of these spans, and of nothing else.
pub const TARGET: &str = "traces";

const SYSTEM: &str = "pulsar";

/// The span of handling a message: it ends when the message may be acknowledged. None if it belongs to no trace.
pub fn of_received<M>(topic: &TopicSpec, subscription: &str, received: &Received<M>) -> Span {
    let Some(trace) = received.trace else { return Span::none() };
    let span = info_span!(
        target: TARGET,
        "process",
        otel.name = %format_args!("process {}", topic.name),
        otel.kind = "consumer",
        otel.status_code = Empty,
        messaging.system = SYSTEM,
        messaging.operation.name = "process",
        "messaging.operation.type" = "process",
        messaging.destination.name = topic.name,
        messaging.consumer.group.name = subscription,
        messaging.message.id = %received.position,
        beers.event_id = received.event_id.as_str(),
        beers.order_id = Empty,
        beers.outcome = Empty,
    );
    continue_in(&span, Some(trace));
    span
}

/// The span of publishing a message. It ends with the broker's receipt; dropped before, it has failed.
pub(crate) struct Sending {
    span: Span,
    is_confirmed: bool,
}

impl Sending {
    pub(crate) fn begin(message: &Outgoing) -> Self {
        Sending { span: of_outgoing(message), is_confirmed: false }
    }

    pub(crate) fn context(&self) -> Option<TraceContext> {
        context(&self.span)
    }

    /// Ends it with the position in the receipt.
    pub(crate) fn confirmed(mut self, position: Option<Position>) {
        self.is_confirmed = true;
        if let Some(position) = position {
            self.span.record("messaging.message.id", display(position));
        }
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        if !self.is_confirmed {
            failed(&self.span);
        }
    }
}

/// None if the message belongs to no trace.
fn of_outgoing(message: &Outgoing) -> Span {
    let Some(trace) = message.trace else { return Span::none() };
    let span = info_span!(
        target: TARGET,
        "send",
        otel.name = %format_args!("send {}", message.topic.name),
        otel.kind = "producer",
        otel.status_code = Empty,
        messaging.system = SYSTEM,
        messaging.operation.name = "send",
        "messaging.operation.type" = "send",
        messaging.destination.name = message.topic.name,
        messaging.message.id = Empty,
        beers.event_id = message.event_id.as_str(),
    );
    continue_in(&span, Some(trace));
    span
}

/// Makes a new span a child of this position, in its trace.
pub fn continue_in(span: &Span, parent: Option<TraceContext>) {
    let Some(TraceContext { trace_id: TraceId(trace_id), span_id, sampled }) = parent.filter(|_| !span.is_disabled())
    else {
        return;
    };
    let flags = if sampled { TraceFlags::SAMPLED } else { TraceFlags::default() };
    let parent = SpanContext::new(trace_id.into(), SpanId::from(span_id), flags, true, TraceState::default());
    // Fails only where no layer exports spans; then there is nothing to continue.
    drop(span.set_parent(Context::new().with_remote_span_context(parent)));
}

/// The position of this span, for what follows; `None` if spans are not exported.
pub fn context(span: &Span) -> Option<TraceContext> {
    if span.is_disabled() {
        return None;
    }
    let context = span.context();
    let span = context.span().span_context().clone();
    span.is_valid().then(|| TraceContext {
        trace_id: TraceId(u128::from_be_bytes(span.trace_id().to_bytes())),
        span_id: u64::from_be_bytes(span.span_id().to_bytes()),
        sampled: span.is_sampled(),
    })
}

/// Marks a span as failed.
pub fn failed(span: &Span) {
    span.record("otel.status_code", "ERROR");
}

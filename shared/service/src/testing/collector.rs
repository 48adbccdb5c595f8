//! A collector of traces, on a port of its own, as those that speak OTLP over HTTP. Used by tests only.

use std::{
    collections::{BTreeMap, VecDeque},
    net::Ipv4Addr,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{Router, body::Bytes, extract::State, http::StatusCode, routing::post};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{AnyValue, KeyValue, any_value::Value},
    trace::v1::{Span as ProtoSpan, status::StatusCode as ProtoStatus},
};
use prost::Message as _;
use tokio::net::TcpListener;

use crate::TaskGroup;

/// Most spans that are kept. Of more, the first ones go.
const SPANS_MAX: usize = 50_000;

/// A span as it was collected.
#[derive(Debug, Clone, PartialEq)]
pub struct Collected {
    pub service: String,
    pub name: String,
    /// As OTLP numbers it: 2 server, 4 producer, 5 consumer.
    pub kind: i32,
    pub trace_id: String,
    pub span_id: String,
    /// Empty for a span that begins a trace.
    pub parent_id: String,
    pub failed: bool,
    pub attributes: BTreeMap<String, String>,
}

/// The collector; gone when it is dropped.
pub struct Collector {
    /// What `OTEL_EXPORTER_OTLP_ENDPOINT` is set to.
    pub endpoint: String,
    spans: Arc<Mutex<VecDeque<Collected>>>,
    _serving: TaskGroup,
}

impl Collector {
    /// Starts one.
    ///
    /// # Errors
    /// If no port is free.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let spans = Arc::default();
        let routes = Router::new().route("/v1/traces", post(collect)).with_state(Arc::clone(&spans));
        let mut serving = TaskGroup::default();
        serving.start(async move { Ok(axum::serve(listener, routes).await?) });
        Ok(Collector { endpoint, spans, _serving: serving })
    }

    /// What has come of this trace so far; of all traces, if none is named.
    pub fn spans(&self, trace_id: Option<&str>) -> Vec<Collected> {
        let spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        spans.iter().filter(|span| trace_id.is_none_or(|trace_id| span.trace_id == trace_id)).cloned().collect()
    }
}

async fn collect(State(spans): State<Arc<Mutex<VecDeque<Collected>>>>, body: Bytes) -> StatusCode {
    let Ok(request) = ExportTraceServiceRequest::decode(body) else { return StatusCode::BAD_REQUEST };
    let mut spans = spans.lock().unwrap_or_else(PoisonError::into_inner);
    for of_resource in request.resource_spans {
        let resource = texts(of_resource.resource.map(|resource| resource.attributes).unwrap_or_default());
        let service = resource.get("service.name").cloned().unwrap_or_default();
        let of_scopes = of_resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
        spans.extend(of_scopes.map(|span| collected(service.clone(), span)));
    }
    let too_many = spans.len().saturating_sub(SPANS_MAX);
    spans.drain(..too_many);
    StatusCode::OK
}

fn collected(service: String, span: ProtoSpan) -> Collected {
    Collected {
        service,
        name: span.name,
        kind: span.kind,
        trace_id: hex(&span.trace_id),
        span_id: hex(&span.span_id),
        parent_id: hex(&span.parent_span_id),
        failed: span.status.is_some_and(|status| status.code() == ProtoStatus::Error),
        attributes: texts(span.attributes),
    }
}

fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn texts(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |value: Option<AnyValue>| match value?.value? {
        Value::StringValue(text) => Some(text),
        Value::IntValue(number) => Some(number.to_string()),
        Value::BoolValue(flag) => Some(flag.to_string()),
        _ => None,
    };
    attributes.into_iter().filter_map(|attribute| Some((attribute.key, text(attribute.value)?))).collect()
}

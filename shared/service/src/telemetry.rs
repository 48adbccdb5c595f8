//! Logs and traces of a process, set up once when it starts.
//!
//! Spans go over OTLP (HTTP, protobuf) to the collector that `OTEL_EXPORTER_OTLP_ENDPOINT` names. Without that setting no
//! span is created. The OpenTelemetry SDK itself reads the other standard variables. Nothing waits for the collector:
//! spans that it does not take, or for which the SDK's queue has no room, are dropped.

use std::{
    io::{self, IsTerminal as _},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use bus::{http_client, spans};
use events::ids::Service;
use opentelemetry::{Key, trace::TracerProvider as _};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithHttpConfig as _};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tokio::runtime::Handle;
use tracing::{info, level_filters::LevelFilter, warn};
use tracing_subscriber::{
    EnvFilter, Layer as _, filter::filter_fn, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use crate::environment::{self, Unusable};

/// How long the remaining spans may take when the process ends.
const FLUSHED_WITHIN: Duration = Duration::from_secs(2);
/// How long a collector may take for one request.
const TAKEN_WITHIN: Duration = Duration::from_secs(5);
/// Most of a collector's answer that is read, in bytes.
const ANSWER_MAX: usize = 64 * 1024;
/// The SDK's name for a service without a name.
const UNNAMED: &str = "unknown_service";

/// The traces of this process, to be finished when it ends.
pub(crate) struct Traces(Option<SdkTracerProvider>);

impl Traces {
    /// Sends the remaining spans. Blocks for at most two seconds.
    pub(crate) fn flush(&self) {
        if let Some(provider) = &self.0 {
            // A failing collector is in the log already.
            drop(provider.shutdown_with_timeout(FLUSHED_WITHIN));
        }
    }
}

/// Starts the logs, and the traces of `service` if a collector is set.
///
/// # Errors
/// If the address of the collector cannot be used; the logs are started then as well.
pub(crate) fn start(service: Option<Service>, runtime: &Handle) -> anyhow::Result<Traces> {
    let provider = service.map_or(Ok(None), |service| exporting(service, runtime));
    let exported = provider.as_ref().ok().and_then(Option::as_ref).map(|provider| {
        let layer = tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("beers"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_context_activation(false);
        let is_span = filter_fn(|metadata| metadata.is_span() && metadata.target() == spans::TARGET);
        layer.with_filter(is_span.with_max_level_hint(LevelFilter::INFO))
    });
    let logs = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false)
        .with_filter(logged());
    // Fails only if there are logs already, as in a test.
    drop(tracing_subscriber::registry().with(logs).with(exported).try_init());
    Ok(Traces(provider?))
}

/// The filter of the log: `RUST_LOG`, without the spans of traces.
fn logged() -> EnvFilter {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    match format!("{}=off", spans::TARGET).parse() {
        Ok(no_spans) => filter.add_directive(no_spans),
        Err(_) => filter,
    }
}

/// Where spans are sent, if anywhere.
fn endpoint() -> Result<Option<String>, Unusable> {
    let is_off = environment::text("OTEL_SDK_DISABLED").is_some_and(|off| off.trim().eq_ignore_ascii_case("true"));
    let Some(endpoint) = environment::text("OTEL_EXPORTER_OTLP_ENDPOINT").filter(|_| !is_off) else { return Ok(None) };
    if !endpoint.starts_with("http://") && !endpoint.starts_with("https://") {
        let expected = "it must begin with http:// or https://".to_owned();
        return Err(Unusable { name: "OTEL_EXPORTER_OTLP_ENDPOINT", value: endpoint, expected });
    }
    Ok(Some(endpoint))
}

fn exporting(service: Service, runtime: &Handle) -> anyhow::Result<Option<SdkTracerProvider>> {
    let Some(endpoint) = endpoint()? else { return Ok(None) };
    let collector = Collector {
        http: http_client(&endpoint).timeout(TAKEN_WITHIN).build()?,
        runtime: runtime.clone(),
        refuses: AtomicBool::new(false),
    };
    let exporter = SpanExporter::builder().with_http().with_http_client(collector).build()?;
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource(service));
    Ok(Some(provider.build()))
}

/// The source of the spans: the service, unless `OTEL_SERVICE_NAME` or `OTEL_RESOURCE_ATTRIBUTES` says otherwise.
fn resource(service: Service) -> Resource {
    let named = Resource::builder().build();
    match named.get(&Key::from_static_str("service.name")) {
        Some(name) if !name.as_str().starts_with(UNNAMED) => named,
        _ => Resource::builder().with_service_name(service.name()).build(),
    }
}

/// The client for the collector. The exporter has its own thread; requests run on the threads of the service.
#[derive(Debug)]
struct Collector {
    http: reqwest::Client,
    runtime: Handle,
    /// Whether it refused the last spans, so that this is logged once and not for each request.
    refuses: AtomicBool,
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (http, request) = (self.http.clone(), reqwest::Request::try_from(request)?);
        let sent = self.runtime.spawn(async move { send(&http, request).await }).await?;
        let why = match &sent {
            Ok(response) if response.status().is_success() => None,
            Ok(response) => Some(response.status().to_string()),
            Err(error) => Some(bus::with_causes(error).to_string()),
        };
        let refused = self.refuses.swap(why.is_some(), Ordering::Relaxed);
        match why {
            Some(why) if !refused => warn!(why, "nobody collects the spans; they are dropped"),
            None if refused => info!("spans are collected again"),
            _ => {}
        }
        Ok(sent?)
    }
}

async fn send(http: &reqwest::Client, request: reqwest::Request) -> reqwest::Result<Response<Bytes>> {
    let mut answer = http.execute(request).await?;
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() >= ANSWER_MAX {
            break;
        }
    }
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = answer.status();
    *response.headers_mut() = answer.headers().clone();
    Ok(response)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use events::{
        ids::{EventId, Moment},
        received::{Position, Received},
        topics::ORDERS,
        trace::TraceContext,
    };
    use tracing::info_span;

    use super::*;

    #[derive(Clone, Default)]
    struct Log(std::sync::Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn without_a_collector_no_span_is_made_and_logs_know_of_none() {
        let event_id = EventId::new("e");
        let trace = Some(TraceContext::of_event(&event_id));
        let received = Received { message: Ok(()), position: Position::default(), event_id, at: Moment::MIN, trace };
        let log = Log::default();
        let writer = log.clone();
        let logs = tracing_subscriber::fmt::layer().with_writer(move || writer.clone()).with_filter(logged());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(logs), || {
            let span = spans::of_received(ORDERS.spec, "warehouse", &received);
            assert!(span.is_disabled());
            assert_eq!(spans::context(&span), None);
            let other = info_span!("another");
            assert!(!other.is_disabled());
            let _both = (other.enter(), span.enter());
            info!("decided");
        });
        let said = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        assert!(said.contains("another") && said.contains("decided") && !said.contains("process"), "{said}");
    }
}

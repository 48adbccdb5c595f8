//! The hops of finished orders as spans, for whoever collects traces: OTLP over HTTP, as JSON.
//!
//! Off unless `OTEL_EXPORTER_OTLP_ENDPOINT` names a collector. It never stands in the way of an order: what the queue has
//! no room for, and what a collector does not take, is dropped and counted.

use std::{collections::BTreeMap, time::Duration};

use bus::http_client;
use events::ids::{Moment, OrderId, Service, Trace};
use prometheus_client::metrics::counter::Counter;
use reqwest::{Client, header::CONTENT_TYPE};
use serde_json::{Value, json};
use service::{
    TaskGroup,
    environment::{self, Unusable},
    metrics::Metrics,
};
use store::Store;
use tokio::sync::mpsc;
use tracing::{info, warn};
use web::order::{
    journey,
    view::{OrderView, Step, What},
};

use crate::store::read;

/// Most finished orders that wait to be sent.
const WAITING_MAX: usize = 2_000;
/// Most orders in one request.
const BATCH_MAX: usize = 100;
/// How long a collector may take for one request.
const TAKEN_WITHIN: Duration = Duration::from_secs(5);
/// What a consumer's span is in OTLP.
const KIND_CONSUMER: u8 = 5;
/// What an error is in OTLP.
const STATUS_ERROR: u8 = 2;

/// The way to the collector. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Spans {
    orders: mpsc::Sender<OrderId>,
    dropped: Counter,
}

impl Spans {
    /// Has the spans of this order sent soon, if there is room for it; counted as dropped else.
    pub fn finished(&self, order_id: &OrderId) {
        if self.orders.try_send(order_id.clone()).is_err() {
            self.dropped.inc();
        }
    }
}

/// Whoever collects spans at `{OTEL_EXPORTER_OTLP_ENDPOINT}/v1/traces`, whatever the episode; `None` without that
/// setting.
///
/// # Errors
/// If the setting is no address, or no HTTP client can be made.
pub fn collector(metrics: &Metrics) -> anyhow::Result<Option<Collector>> {
    let Some(endpoint) = environment::text("OTEL_EXPORTER_OTLP_ENDPOINT") else { return Ok(None) };
    let collector = Collector::new(&endpoint)?;
    metrics.register("orders_traced", "Finished orders sent as spans", collector.sent.clone());
    metrics.register("orders_not_traced", "Finished orders whose spans were dropped", collector.dropped.clone());
    Ok(Some(collector))
}

/// Starts sending the finished orders of an episode.
pub fn start(collector: Collector, store: &Store, tasks: &mut TaskGroup) -> Spans {
    let (orders, waiting) = mpsc::channel(WAITING_MAX);
    let (store, dropped) = (store.clone(), collector.dropped.clone());
    tasks.start(async move {
        collect(&store, collector, waiting).await;
        Ok(())
    });
    Spans { orders, dropped }
}

/// Sends what is finished until nobody finishes anything any more.
async fn collect(store: &Store, mut collector: Collector, mut waiting: mpsc::Receiver<OrderId>) {
    let mut finished = Vec::with_capacity(BATCH_MAX);
    while waiting.recv_many(&mut finished, BATCH_MAX).await > 0 {
        let mut orders = Vec::with_capacity(finished.len());
        for order_id in finished.drain(..) {
            match read::order(store, &order_id).await {
                Ok(order) => orders.extend(order),
                // The writer ends the process if the database is broken; a trace is no reason to.
                Err(error) => warn!(%order_id, %error, "an order cannot be read for its spans"),
            }
        }
        collector.send(&orders).await;
    }
}

/// Whoever collects spans. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Collector {
    address: String,
    http: Client,
    sent: Counter,
    dropped: Counter,
    /// Whether it took the last ones, so that its absence is said once and not for each order.
    takes: bool,
}

impl Collector {
    fn new(endpoint: &str) -> anyhow::Result<Self> {
        if !endpoint.starts_with("http://") && !endpoint.starts_with("https://") {
            let expected = "it must begin with http:// or https://".to_owned();
            return Err(Unusable { name: "OTEL_EXPORTER_OTLP_ENDPOINT", value: endpoint.to_owned(), expected }.into());
        }
        let http = http_client(endpoint).timeout(TAKEN_WITHIN).build()?;
        let address = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
        Ok(Collector { address, http, sent: Counter::default(), dropped: Counter::default(), takes: true })
    }

    /// Sends the spans of these orders, once: if they are not taken they are dropped and counted.
    async fn send(&mut self, orders: &[OrderView]) {
        if orders.is_empty() {
            return;
        }
        let count = u64::try_from(orders.len()).unwrap_or(u64::MAX);
        match self.post(orders).await {
            Ok(()) => {
                self.sent.inc_by(count);
                if !self.takes {
                    info!(address = self.address, "the collector accepts spans again");
                }
                self.takes = true;
            }
            Err(error) => {
                self.dropped.inc_by(count);
                if self.takes {
                    warn!(address = self.address, %error, "the collector does not accept spans; they are dropped");
                }
                self.takes = false;
            }
        }
    }

    async fn post(&self, orders: &[OrderView]) -> reqwest::Result<()> {
        let body = traces(orders).to_string();
        let request = self.http.post(&self.address).header(CONTENT_TYPE, "application/json").body(body);
        request.send().await?.error_for_status()?;
        Ok(())
    }
}

/// These orders as an `ExportTraceServiceRequest`: a resource for each service, a span for each hop. Pure.
pub fn traces(orders: &[OrderView]) -> Value {
    let mut of_service: BTreeMap<Service, Vec<Value>> = BTreeMap::new();
    for order in orders {
        let causes = journey::causes(&order.journey);
        for (place, (step, cause)) in order.journey.iter().zip(causes).enumerate() {
            of_service.entry(step.service).or_default().push(span(order, place, step, cause));
        }
    }
    let resource = |(service, spans): (Service, Vec<Value>)| {
        json!({
            "resource": {"attributes": [attribute("service.name", service.name())]},
            "scopeSpans": [{"scope": {"name": "beers"}, "spans": spans}],
        })
    };
    json!({"resourceSpans": of_service.into_iter().map(resource).collect::<Vec<_>>()})
}

fn span(order: &OrderView, place: usize, step: &Step, cause: Option<usize>) -> Value {
    let trace = Trace::of_order(&order.order_id);
    let mut span = json!({
        "traceId": trace.to_string(),
        "spanId": span_id(trace, step),
        "name": name(&step.what),
        "kind": KIND_CONSUMER,
        "startTimeUnixNano": nanos(journey::began(&order.journey, place, cause)),
        "endTimeUnixNano": nanos(step.at),
        "attributes": [
            attribute("beers.order_id", order.order_id.as_str()),
            attribute("messaging.system", "pulsar"),
            attribute("messaging.destination.name", step.topic),
            attribute("messaging.message.id", step.event_id.as_str()),
        ],
    });
    if let Some(parent) = cause.and_then(|cause| order.journey.get(cause)) {
        span["parentSpanId"] = span_id(trace, parent).into();
    }
    if matches!(step.what, What::Refused { .. } | What::AttemptFailed { .. } | What::Stranded { .. }) {
        span["status"] = json!({"code": STATUS_ERROR});
    }
    span
}

/// The placing is the span that every message of the order names in its `traceparent`; any other one is made from its
/// event, and so is the same however often it is sent.
fn span_id(trace: Trace, step: &Step) -> String {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    if step.what == What::Placed {
        return format!("{:016x}", trace.root_span());
    }
    // One ledger counts many orders: its event is a hop of each of them.
    let seed = OFFSET ^ trace.root_span();
    let told = step.event_id.as_str().bytes().chain(name(&step.what).bytes());
    let hash = told.fold(seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
    // All zeros is no span.
    format!("{:016x}", hash | 1)
}

const fn name(what: &What) -> &'static str {
    match what {
        What::Placed => "placed",
        What::Accepted { .. } => "accepted",
        What::Refused { .. } => "refused",
        What::Reserved { .. } => "reserved",
        What::Released { .. } => "released",
        What::Shown { .. } => "shown",
        What::Counted => "counted",
        What::PickedUp { .. } => "picked up",
        What::AttemptFailed { .. } => "attempt failed",
        What::Stranded { .. } => "stranded",
        What::Redriven { .. } => "sent out again",
        What::Returned => "given up",
        What::Delivered { .. } => "delivered",
    }
}

/// OTLP writes 64-bit numbers as text.
fn nanos(at: Moment) -> String {
    (i128::from(at.micros()) * 1000).to_string()
}

fn attribute(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use axum::{Json, Router, http::StatusCode, routing::post};
    use tokio::net::TcpListener;

    use super::*;
    use web::order::view::Status;

    use crate::samples;

    /// A collector on a port of its own that answers as told; what it got comes out of the receiver.
    async fn a_collector(answer: StatusCode) -> (String, mpsc::UnboundedReceiver<Value>) {
        let (got, received) = mpsc::unbounded_channel();
        let take = move |Json(body): Json<Value>| async move {
            drop(got.send(body));
            answer
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(axum::serve(listener, Router::new().route("/v1/traces", post(take))).into_future());
        (endpoint, received)
    }

    fn spans(request: &Value) -> Vec<(String, &Value)> {
        let resources = request["resourceSpans"].as_array().unwrap();
        let of_resource = |resource: &'_ Value| {
            resource["resource"]["attributes"][0]["value"]["stringValue"].as_str().unwrap().to_owned()
        };
        resources
            .iter()
            .flat_map(|resource| {
                let spans = resource["scopeSpans"][0]["spans"].as_array().unwrap();
                spans.iter().map(move |span| (of_resource(resource), span))
            })
            .collect()
    }

    #[tokio::test]
    async fn a_collector_gets_each_hop_as_a_span_of_its_service() {
        let (endpoint, mut received) = a_collector(StatusCode::OK).await;
        let mut collector = Collector::new(&endpoint).unwrap();
        let order = samples::order(Status::Delivered);
        collector.send(std::slice::from_ref(&order)).await;
        let request = received.recv().await.unwrap();
        let spans = spans(&request);
        assert_eq!(spans.len(), order.journey.len());
        let services: BTreeSet<&str> = spans.iter().map(|(service, _)| service.as_str()).collect();
        assert_eq!(services, BTreeSet::from(["website", "warehouse", "stock-level", "inventory-analysis", "delivery"]));
        let trace = Trace::of_order(&order.order_id).to_string();
        assert!(spans.iter().all(|(_, span)| span["traceId"] == trace.as_str()));
        let ids: BTreeSet<&str> = spans.iter().map(|(_, span)| span["spanId"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), spans.len(), "a span id twice");
        let named = |name: &str| spans.iter().find(|(_, span)| span["name"] == name).unwrap().1;
        let (placed, delivered) = (named("placed"), named("delivered"));
        assert!(Trace::of_order(&order.order_id).traceparent().contains(placed["spanId"].as_str().unwrap()));
        assert_eq!(placed.get("parentSpanId"), None);
        assert_eq!(named("accepted")["parentSpanId"], placed["spanId"]);
        assert_eq!(delivered["parentSpanId"], named("picked up")["spanId"]);
        assert_eq!(delivered["startTimeUnixNano"], named("picked up")["endTimeUnixNano"]);
        assert_eq!(delivered["endTimeUnixNano"], "1795549270322000000");
        assert_eq!((collector.sent.get(), collector.dropped.get()), (1, 0));
    }

    #[tokio::test]
    async fn what_a_collector_does_not_take_is_dropped_and_counted() {
        let order = samples::order(Status::Refused);
        let (endpoint, _received) = a_collector(StatusCode::SERVICE_UNAVAILABLE).await;
        let mut collector = Collector::new(&endpoint).unwrap();
        collector.send(&[order.clone(), order.clone()]).await;
        assert_eq!((collector.sent.get(), collector.dropped.get(), collector.takes), (0, 2, false));
        collector.address = "http://127.0.0.1:1/v1/traces".to_owned();
        collector.send(&[order]).await;
        assert_eq!(collector.dropped.get(), 3);
        assert!(Collector::new("collector:4318").is_err());
    }

    #[tokio::test]
    async fn a_full_queue_drops_and_does_not_wait() {
        let (orders, mut waiting) = mpsc::channel(2);
        let spans = Spans { orders, dropped: Counter::default() };
        for n in 0..5 {
            spans.finished(&format!("o{n}").parse().unwrap());
        }
        assert_eq!(spans.dropped.get(), 3);
        assert_eq!(waiting.recv().await.map(|id| id.to_string()).as_deref(), Some("o0"));
    }
}

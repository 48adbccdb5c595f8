//! One order, one trace: what a collector gets from all processes.
//!
//! The demo samples nothing by itself, so that the other trials run as they run without a collector; what comes here is in
//! a trace that somebody else began.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::OnceLock,
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use events::{ids::EventId, trace::TraceContext};
use serde_json::{Value, json};
use service::testing::{Collected, Collector};
use suite::{Demo, line, until};

const SOON: Duration = Duration::from_secs(20);
/// As OTLP numbers them.
const SERVER: i32 = 2;
const PRODUCER: i32 = 4;
const CONSUMER: i32 = 5;

/// Who handles which topic about an order, by the names of their subscriptions.
const HANDLED: [(&str, &str); 12] = [
    ("orders", "warehouse"),
    ("orders", "website"),
    ("orders", "stage"),
    ("orders", "inventory-analysis"),
    ("order-decisions", "website"),
    ("order-decisions", "inventory-analysis"),
    ("delivery-orders", "couriers"),
    ("delivery-updates", "website"),
    ("delivery-updates", "warehouse"),
    ("stock-events", "stock-level"),
    ("stock-events", "inventory-analysis"),
    ("stock-levels", "website"),
];

static COLLECTOR: OnceLock<Collector> = OnceLock::new();

/// Starts the collector, and says what the demo has to be told.
pub async fn collect() -> Result<[(&'static str, &'static str); 3]> {
    let collector = Collector::start().await?;
    let Collector { endpoint, .. } = COLLECTOR.get_or_init(|| collector);
    Ok([
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
        ("OTEL_TRACES_SAMPLER", "parentbased_always_off"),
        ("OTEL_BSP_SCHEDULE_DELAY", "100"),
    ])
}

/// Somebody else's span.
fn begun() -> TraceContext {
    TraceContext::of_event(&EventId::new(format!("{:032x}", rand::random::<u128>())))
}

pub async fn an_order_continues_the_trace_of_its_request(demo: &Demo) -> Result<()> {
    let (shop, begun) = (&demo.shop, begun());
    let order = json!({"customer": "Ada", "address": "Korenlei 7, Gent", "lines": [line("orval", 1)]});
    let request = shop.http().post(format!("{}/api/orders", shop.address()));
    let answer = request.header("traceparent", begun.to_string()).json(&order).send().await?;
    let placed: Value = answer.json().await?;
    let order_id = placed["order_id"].as_str().context("no id")?.to_owned();
    shop.until_status(&order_id, "delivered", SOON).await?;
    let spans = until("the whole trace", SOON, || async { whole(begun) }).await?;
    let first: Vec<&Collected> = spans.iter().filter(|span| span.parent_id == parent_id(begun)).collect();
    let [server] = first[..] else { bail!("not one span continues the request: {first:#?}") };
    ensure!((server.kind, server.name.as_str()) == (SERVER, "POST /api/orders"), "{server:#?}");
    ensure!(server.attributes.get("beers.order_id") == Some(&order_id), "{server:#?}");
    let published: Vec<&Collected> = spans.iter().filter(|span| span.name == "send orders").collect();
    let [published] = published[..] else { bail!("the order is not published once: {published:#?}") };
    ensure!(published.parent_id == server.span_id && published.service == "website", "{published:#?}");
    Ok(())
}

pub async fn an_order_continues_the_trace_of_its_message(demo: &Demo) -> Result<()> {
    let begun = begun();
    order_by_message(demo, json!({"traceparent": begun.to_string()})).await?;
    let spans = until("the whole trace", SOON, || async { whole(begun) }).await?;
    only_readers_of_orders_follow(begun, &spans)
}

/// Its readers do not ask each other, and name the same trace.
pub async fn an_order_without_a_trace_gets_one(demo: &Demo) -> Result<()> {
    let message_id = order_by_message(demo, json!({})).await?;
    let made = TraceContext::of_event(&EventId::new(format!("m-{message_id}")));
    let spans = until("the whole trace", SOON, || async { whole(made) }).await?;
    only_readers_of_orders_follow(made, &spans)
}

/// Orders as a stranger does, and returns the message's id when everything about it is done.
async fn order_by_message(demo: &Demo, properties: Value) -> Result<String> {
    let order = r#"{"customer":"Bart","address":"Meir 88, Antwerpen","lines":[{"beer":"orval","bottles":1}]}"#;
    let message = json!({"producerName": "tracer", "messages": [{"payload": order, "properties": properties}]});
    let topic = format!("{}/topics/persistent/beers/shop-1/orders", demo.pulsar_http);
    let answer: Value = demo.shop.http().post(topic).json(&message).send().await?.json().await?;
    let id = answer["messagePublishResults"][0]["messageId"].as_str().with_context(|| answer.to_string())?;
    let (id, _) = id.rsplit_once(':').context("another id")?;
    let order_id = format!("m-{}", id.replace(':', "-"));
    until("the order to be known", SOON, || demo.shop.get_owned(format!("/api/orders/{order_id}"))).await?;
    demo.shop.until_status(&order_id, "delivered", SOON).await?;
    Ok(id.to_owned())
}

fn only_readers_of_orders_follow(begun: TraceContext, spans: &[Collected]) -> Result<()> {
    let first: Vec<&Collected> = spans.iter().filter(|span| span.parent_id == parent_id(begun)).collect();
    ensure!(first.iter().all(|span| span.name == "process orders"), "{first:#?}");
    Ok(())
}

fn parent_id(begun: TraceContext) -> String {
    format!("{:016x}", begun.span_id)
}

/// The spans of a trace, if all of them are there: everybody's, and the parent of each.
fn whole(begun: TraceContext) -> Result<Vec<Collected>> {
    let trace_id = begun.trace_id.to_string();
    let spans = COLLECTOR.get().context("no collector")?.spans(Some(&trace_id));
    let by_id: BTreeMap<&str, &Collected> = spans.iter().map(|span| (span.span_id.as_str(), span)).collect();
    ensure!(by_id.len() == spans.len(), "a span came twice");
    let attribute = |span: &Collected, key: &str| span.attributes.get(key).cloned().unwrap_or_default();
    for span in spans.iter().filter(|span| span.parent_id != parent_id(begun)) {
        let parent = by_id.get(span.parent_id.as_str()).with_context(|| format!("the parent is missing: {span:#?}"))?;
        // What a message says is told by its reader's span and by its publisher's.
        let same = ["messaging.destination.name", "messaging.message.id", "beers.event_id"];
        if span.kind == CONSUMER {
            ensure!(parent.kind == PRODUCER, "{span:#?} follows from {parent:#?}");
            ensure!(same.iter().all(|key| attribute(span, key) == attribute(parent, key)), "{span:#?} {parent:#?}");
        } else {
            ensure!(span.kind == PRODUCER && [SERVER, CONSUMER].contains(&parent.kind), "{span:#?} {parent:#?}");
            ensure!(span.service == parent.service, "{span:#?} follows from another service's {parent:#?}");
        }
    }
    let handled: BTreeSet<(String, String)> = spans
        .iter()
        .filter(|span| span.kind == CONSUMER)
        .map(|span| (attribute(span, "messaging.destination.name"), attribute(span, "messaging.consumer.group.name")))
        .collect();
    for (topic, reader) in HANDLED {
        let is_there = handled.contains(&(topic.to_owned(), reader.to_owned()));
        ensure!(is_there, "no span of {topic} as {reader} handles it: {handled:#?}");
    }
    let failed: Vec<&Collected> = spans.iter().filter(|span| span.failed).collect();
    ensure!(failed.is_empty(), "{failed:#?}");
    let systems: BTreeSet<String> =
        spans.iter().filter(|span| span.kind != SERVER).map(|span| attribute(span, "messaging.system")).collect();
    ensure!(systems == ["pulsar".to_owned()].into(), "{systems:?}");
    Ok(spans)
}

//! Topics are open: whatever a stranger writes on any of them, no service stops, now or after a restart, and the shop sells.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, Result, ensure};
use events::topics::{Space, TABLE};
use serde_json::{Map, Value, json};
use suite::{Demo, line, until};

const SERVICES: [&str; 5] = ["website", "warehouse", "stock-level", "inventory-analysis", "delivery"];
/// Messages in one call of the REST API; the broker stores them as one entry.
const PER_CALL: usize = 20;
/// Time for what was flooded to be read, on a busy machine.
const READ_WITHIN: Duration = Duration::from_secs(90);
/// Time for an order to be delivered behind what was flooded, on a busy machine.
const DELIVERED_WITHIN: Duration = Duration::from_secs(90);
/// Largest answer of the API after all of it, in bytes.
const ANSWER_MAX: usize = 256 * 1024;

/// The messages of each topic, by their golden files. Two are left out: `Crash`, which does what it says, and valid
/// settings, which everybody obeys.
const MESSAGES: [(&str, &[&str]); 15] = [
    ("orders", &["place-order"]),
    ("order-decisions", &["accepted", "refused", "refused-invalid"]),
    ("delivery-orders", &["delivery-order"]),
    ("delivery-orders-dlq", &["dead-letter"]),
    ("delivery-requests", &["redrive", "return-to-stock"]),
    ("delivery-updates", &["picked-up", "delivered", "attempt-failed", "stranded", "redriven", "returned"]),
    ("unreadable", &["unreadable"]),
    ("stock-events", &["counted", "received", "reserved", "released"]),
    ("stock-levels", &["stock-level", "stock-level-ignored"]),
    ("insights", &["insight-forecast", "insight-fraud", "insight-ledger", "insight-rebuild", "insight-sales"]),
    ("settings", &[]),
    ("commands", &["rebuild"]),
    ("queries", &["ask-as-of", "ask-past", "fold-afresh"]),
    ("answers", &["answer-as-of", "answer-done", "answer-failed", "answer-past"]),
    ("presence", &["presence"]),
];

/// Every message of the contract, each with one of its values replaced by an extreme one, and much that is no message.
pub async fn no_message_stops_a_service(demo: &Demo) -> Result<()> {
    let before = processes(demo)?;
    let mut flooded = 0;
    for (topic, names) in MESSAGES {
        let messages = hostile(topic, names)?;
        flooded += messages.len();
        for messages in messages.chunks(PER_CALL) {
            publish(demo, topic, messages).await?;
        }
    }
    ensure!(flooded > 1_000, "only {flooded} messages");
    sells(demo).await?;
    ensure!(processes(demo)? == before, "a service was started again: {before:?}, {:?}", processes(demo)?);
    // Everything is read from the databases now, and what was not acknowledged comes again.
    for service in SERVICES {
        let process = demo.process(service)?;
        demo.kill(service).await?;
        until(&format!("{service} to be started again"), READ_WITHIN, || async {
            ensure!(demo.process(service)? != process, "still the old one");
            Ok(())
        })
        .await?;
    }
    let again = processes(demo)?;
    sells(demo).await?;
    ensure!(processes(demo)? == again, "a service was started again: {again:?}, {:?}", processes(demo)?);
    pages_answer(demo).await?;
    // The shelves were lied about; what follows begins with full ones.
    demo.shop.direct("/api/stage/reset", None).await?;
    sells(demo).await?;
    demo.shop.until_ledger(READ_WITHIN, |ledger| ledger["deliveries"]["delivered"] == 1).await?;
    ensure!(processes(demo)? == again, "a service was started again: {again:?}, {:?}", processes(demo)?);
    Ok(())
}

fn processes(demo: &Demo) -> Result<Vec<u32>> {
    SERVICES.iter().map(|service| demo.process(service)).collect()
}

/// An order goes its way, and each of the five has taken part in it.
async fn sells(demo: &Demo) -> Result<()> {
    let (shop, lines) = (&demo.shop, [line("duvel", 1)]);
    let order = until("an order to be taken", READ_WITHIN, || shop.order("Gent", &lines)).await?;
    shop.until_status(&order, "delivered", DELIVERED_WITHIN).await?;
    until("stock-level and the analysis to have read the order", READ_WITHIN, || async {
        let journey = shop.get(&format!("/api/orders/{order}")).await?;
        let topics: Vec<_> = journey["journey"].as_array().into_iter().flatten().map(|hop| &hop["topic"]).collect();
        let read = topics.contains(&&json!("stock-levels")) && topics.contains(&&json!("insights"));
        ensure!(read, "{journey}");
        Ok(())
    })
    .await
}

async fn pages_answer(demo: &Demo) -> Result<()> {
    let paths = [
        "/api/deliveries",
        "/api/stock",
        "/api/ledger",
        "/api/fraud",
        "/api/analysis/rebuild",
        "/stage",
        "/stage/orders",
        "/stage/deliveries",
        "/stage/stock",
        "/stage/analysis",
        "/stage/past",
        "/stage/ledger",
    ];
    for path in paths {
        let answer = demo.shop.http().get(format!("{}{path}", demo.shop.address())).send().await?;
        let status = answer.status();
        let length = answer.bytes().await?.len();
        ensure!(status == 200 && length <= ANSWER_MAX, "{path} is answered {status} with {length} bytes");
    }
    for (at, status) in [
        ("9999-12-31T23:59:59-23:59", 422),
        ("0999-01-01T00:00:00Z", 422),
        ("0000-01-01T00:00:00Z", 422),
        ("9999-12-31T23:59:59Z", 200),
        ("1970-01-01T00:00:00Z", 200),
    ] {
        let answer = demo.shop.http().get(format!("{}/api/history?at={at}", demo.shop.address())).send().await?;
        ensure!(answer.status() == status, "{at} is answered {}", answer.status());
    }
    Ok(())
}

/// Puts messages on a topic by the REST API, as any stranger can.
async fn publish(demo: &Demo, topic: &str, messages: &[Value]) -> Result<()> {
    let entry = TABLE.iter().find(|entry| entry.name == topic).context("no such topic")?;
    let episode = demo.shop.get("/api/settings").await?["episode"].as_u64().context("no episode")?;
    let scheme = if entry.stored { "persistent" } else { "non-persistent" };
    let namespace = match entry.space {
        Space::Stage => "stage".to_owned(),
        space => format!("{}-{episode}", space.name()),
    };
    let address = format!("{}/topics/{scheme}/beers/{namespace}/{topic}", demo.pulsar_http);
    let body = json!({"producerName": "a-stranger", "messages": messages});
    let answer = demo.shop.http().post(address).json(&body).send().await?;
    ensure!(answer.status().is_success(), "{topic} answers {}: {}", answer.status(), answer.text().await?);
    Ok(())
}

/// What a stranger may write on a topic.
fn hostile(topic: &str, names: &[&str]) -> Result<Vec<Value>> {
    let mut messages: Vec<Value> = [
        String::new(),
        "\u{0}\u{1}\u{fffd}".to_owned(),
        "{".repeat(10_000),
        "[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]".to_owned(),
        format!(r#"{{"type":"{}"}}"#, "A".repeat(15_000)),
        "null".to_owned(),
        "1e999".to_owned(),
    ]
    .map(|payload| json!({"payload": payload}))
    .into();
    for name in names {
        let golden = golden(name)?;
        for at in ["9999-12-31T23:59:59-23:59", "2099-01-01T00:00:00Z", "0999-01-01T00:00:00Z", "1970-01-01T00:00:00Z"]
        {
            messages
                .push(json!({"payload": golden.to_string(), "properties": {"at": at, "event_id": "x".repeat(500)}}));
        }
        for value in with_one_value_replaced(&golden) {
            messages.push(json!({"payload": value.to_string()}));
        }
    }
    // Each is another order, so that none is taken for a repeat.
    for (n, message) in messages.iter_mut().enumerate() {
        if let Some(payload) = message["payload"].as_str() {
            message["payload"] = json!(payload.replace("k7m2q9xd", &format!("h-{topic}-{n}")));
        }
    }
    Ok(messages)
}

fn golden(name: &str) -> Result<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/events/golden");
    let text = std::fs::read_to_string(folder.join(format!("{name}.json"))).context(name.to_owned())?;
    Ok(serde_json::from_str(&text)?)
}

/// The message as often as it has values and each value has extremes, with one replaced at a time.
fn with_one_value_replaced(value: &Value) -> Vec<Value> {
    let mut all = extremes(value);
    match value {
        Value::Array(entries) => {
            for (index, entry) in entries.iter().enumerate() {
                all.extend(with_one_value_replaced(entry).into_iter().map(|other| {
                    let mut entries = entries.clone();
                    entries[index] = other;
                    Value::Array(entries)
                }));
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                all.extend(with_one_value_replaced(field).into_iter().map(|other| {
                    let mut fields: Map<String, Value> = fields.clone();
                    fields.insert(name.clone(), other);
                    Value::Object(fields)
                }));
            }
        }
        _ => {}
    }
    all
}

fn extremes(value: &Value) -> Vec<Value> {
    match value {
        Value::Number(_) => vec![
            json!(0),
            json!(-1),
            json!(4_000_000_000_u32),
            json!(u32::MAX),
            json!((1_u64 << 53) - 1),
            json!(u64::MAX),
            json!(0.5),
        ],
        Value::String(_) => vec![
            json!(""),
            json!("é".repeat(500)),
            json!("A".repeat(15_000)),
            json!("\u{0}\u{202e}<script>"),
            json!("9999-12-31T23:59:59-23:59"),
            json!("9999-12-31T23:59:59.999999Z"),
            json!("2099-01-01T00:00:00Z"),
            json!("1970-01-01T00:00:00Z"),
            json!("0999-01-01T00:00:00Z"),
        ],
        Value::Array(entries) => {
            let many = |count| Value::Array(entries.iter().cycle().take(count).cloned().collect());
            vec![json!([]), many(entries.len() * 2), many(100), many(500)]
        }
        Value::Bool(flag) => vec![json!(!flag)],
        Value::Object(_) | Value::Null => vec![Value::Null],
    }
}

//! Topics are open: whatever a stranger writes, no service stops, now or after a restart, and the shop sells.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, Result, ensure};
use bus::{Broker, Bus, Outgoing, Scope};
use events::{
    ids::{EventId, Moment},
    topics::{self, Namespace, TOPICS, TopicSpec},
};
use reqwest::Method;
use serde_json::{Value, json};
use suite::{Demo, Site, line, processes::usage, until};

use crate::extremes::with_one_value_replaced;

const SERVICES: [&str; 6] = ["website", "warehouse", "stock-level", "inventory-analysis", "delivery", "stage"];
const TENANT: &str = "beers";
/// Messages per call of the REST API; the broker stores them as one entry.
const PER_CALL: usize = 20;
/// Time to read the flood, on a busy machine.
const READ_WITHIN: Duration = Duration::from_secs(90);
/// Time to deliver an order behind the flood, on a busy machine.
const DELIVERED_WITHIN: Duration = Duration::from_secs(90);
/// The largest answer of the API after all of it, in bytes.
const ANSWER_MAX: usize = 256 * 1024;

/// The most memory of a service after all of it, in MiB; built without optimisation it uses 60.
const RESIDENT_MAX_MIB: f64 = 150.0;
/// The order with far more lines than allowed.
const MANY_LINES: &str = "h-many-lines";

/// The messages of each topic, by their golden files. Two are missing: `Crash`, which does what it says, and valid
/// settings, which all services obey.
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

/// Every message of the contract with each of its values replaced by an extreme one, and much that is not a message.
pub async fn no_message_stops_a_service(demo: &Demo) -> Result<()> {
    demo.stage.direct("/api/stage/reset", None).await?;
    sells(demo).await?;
    let before = processes(demo)?;
    let flooded = flood(demo, |topic| !topic.one_writer).await?;
    ensure!(flooded > 1_000, "only {flooded} messages");
    sells(demo).await?;
    ensure!(processes(demo)? == before, "a service was started again: {before:?}, {:?}", processes(demo)?);
    // The other topics have one writer. A service that loses its topic restarts; the others do not.
    flood(demo, |topic| topic.one_writer).await?;
    sells(demo).await?;
    let others = |processes: Vec<u32>| SERVICES.into_iter().zip(processes).filter(|(name, _)| *name != "warehouse");
    let (before, after) = (others(before), others(processes(demo)?));
    ensure!(before.clone().eq(after.clone()), "a service was started again: {before:?}, {after:?}");
    // Everything is read from the databases now, and unacknowledged messages come again.
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
    for site in [&*demo.shop, &*demo.stage] {
        let answer = site.call(Method::GET, &format!("/api/orders/{MANY_LINES}"), None).await?;
        ensure!(answer.status() == 404, "an order that nobody can read is answered {}", answer.status());
    }
    ensure!(processes(demo)? == again, "a service was started again: {again:?}, {:?}", processes(demo)?);
    at_rest(demo).await?;
    given_up(demo).await?;
    pages_answer(demo).await?;
    nothing_panicked(demo)?;
    stays_small(demo).await?;
    // The stock messages were lies; the next check begins with full shelves.
    demo.stage.direct("/api/stage/reset", None).await?;
    sells(demo).await?;
    demo.stage.until_ledger(READ_WITHIN, |ledger| ledger["deliveries"]["delivered"] == 1).await?;
    ensure!(processes(demo)? == again, "a service was started again: {again:?}, {:?}", processes(demo)?);
    Ok(())
}

/// Writes everything hostile on the chosen topics; returns the number of messages.
async fn flood(demo: &Demo, chosen: impl Fn(&TopicSpec) -> bool) -> Result<usize> {
    let broker = Broker {
        url: format!("pulsar://127.0.0.1:{}", demo.setting("PULSAR_PORT").context("no port")?),
        admin_url: demo.pulsar_http.clone(),
        token: None,
        authorities: None,
    };
    let episode = u32::try_from(demo.stage.get("/api/settings").await?["episode"].as_u64().context("no episode")?)?;
    let mut publisher = Bus::new(broker, Scope { tenant: TENANT.to_owned(), episode }).publisher();
    let mut all: Vec<(&str, Vec<Value>)> = reported();
    for (topic, names) in MESSAGES {
        all.push((topic, hostile(topic, names)?));
    }
    let mut flooded = 0;
    for (topic, messages) in all {
        let topic = topics::find(topic).context("no such topic")?;
        if !chosen(topic) {
            continue;
        }
        flooded += messages.len();
        if topic.one_writer {
            publisher.publish(&messages.iter().map(|message| outgoing(topic, message)).collect::<Vec<_>>()).await?;
        } else {
            for messages in messages.chunks(PER_CALL) {
                publish(demo, &topic.address(TENANT, episode), messages).await?;
            }
        }
    }
    Ok(flooded)
}

fn outgoing(topic: &'static TopicSpec, message: &Value) -> Outgoing {
    Outgoing {
        topic,
        key: "a-stranger".to_owned(),
        event_id: EventId::new(format!("{:016x}", rand::random::<u64>())),
        at: Moment::default(),
        trace: None,
        deliver_at: None,
        payload: message["payload"].as_str().unwrap_or_default().as_bytes().to_vec(),
    }
}

fn processes(demo: &Demo) -> Result<Vec<u32>> {
    SERVICES.iter().map(|service| demo.process(service)).collect()
}

/// An order is delivered, each of the five services has taken part, and shop and stage both know.
async fn sells(demo: &Demo) -> Result<()> {
    let (shop, stage, lines) = (&demo.shop, &demo.stage, [line("duvel", 1)]);
    let order = until("an order to be taken", READ_WITHIN, || shop.order("Gent", &lines)).await?;
    shop.until_status(&order, "delivered", DELIVERED_WITHIN).await?;
    stage.until_status(&order, "delivered", DELIVERED_WITHIN).await?;
    until("stock-level and the analysis to have read the order", READ_WITHIN, || async {
        let journey = stage.get(&format!("/api/orders/{order}")).await?;
        let topics: Vec<_> = journey["journey"].as_array().into_iter().flatten().map(|hop| &hop["topic"]).collect();
        let read = topics.contains(&&json!("stock-levels")) && topics.contains(&&json!("insights"));
        ensure!(read, "{journey}");
        Ok(())
    })
    .await
}

/// All services have read the flood, and disbelieved messages have moved no bottle and no parcel.
async fn at_rest(demo: &Demo) -> Result<()> {
    until("everything to be read", READ_WITHIN, || async {
        let episode = demo.stage.get("/api/settings").await?["episode"].as_u64().context("no episode")?;
        for topic in TOPICS.into_iter().filter(|topic| topic.namespace != Namespace::Stage) {
            let path = topic.admin_path(TENANT, u32::try_from(episode)?);
            let stats = demo.stage.http().get(format!("{}/admin/v2/{path}/stats", demo.pulsar_http)).send().await?;
            let stats: Value = stats.json().await?;
            for subscription in topic.subscriptions.iter().filter(|subscription| subscription.is_permanent()) {
                let backlog = &stats["subscriptions"][subscription.name]["msgBacklog"];
                ensure!(*backlog == 0, "{backlog} messages of {} wait for {}", topic.name, subscription.name);
            }
        }
        let ledger = demo.stage.get("/api/ledger").await?;
        let (bottles, deliveries) = (&ledger["bottles"], &ledger["deliveries"]);
        let as_it_was = bottles["released"] == 0 && bottles["received"] == 0 && deliveries["returned"] == 0;
        ensure!(as_it_was && deliveries["accepted"] == deliveries["delivered"], "{ledger}");
        Ok(())
    })
    .await
}

/// Messages without an order are quarantined. The ledger ignores them, and names what contradicts the log.
async fn given_up(demo: &Demo) -> Result<()> {
    until("what nobody ordered to be given up", READ_WITHIN, || async {
        let deliveries = demo.stage.get("/api/deliveries").await?;
        let letters = deliveries["dead_letters"].as_array().context("no letters")?;
        ensure!(letters.iter().any(|letter| letter["code"] == "unknown_order"), "{} letters", letters.len());
        let ledger = demo.stage.get("/api/ledger").await?;
        let listed = |name: &str| ledger[name].as_array().is_some_and(|all| !all.is_empty());
        ensure!(ledger["balanced"] == false && listed("contradictions") && !listed("on_the_way"), "{ledger}");
        Ok(())
    })
    .await
}

/// A task that panicked need not end its process.
fn nothing_panicked(demo: &Demo) -> Result<()> {
    for service in SERVICES {
        let path = demo.data_dir.join("logs").join(format!("{service}.log"));
        let log = std::fs::read(&path).with_context(|| path.display().to_string())?;
        let log = String::from_utf8_lossy(&log);
        let panicked: Vec<_> = log.lines().filter(|line| line.contains("panicked at")).collect();
        ensure!(panicked.is_empty(), "{service}: {panicked:?}");
    }
    Ok(())
}

async fn stays_small(demo: &Demo) -> Result<()> {
    for (service, process) in SERVICES.into_iter().zip(processes(demo)?) {
        let used = usage(process).await?.resident_mib;
        ensure!(used <= RESIDENT_MAX_MIB, "{service} uses {used} MiB");
    }
    Ok(())
}

async fn pages_answer(demo: &Demo) -> Result<()> {
    let paths = [
        "/",
        "/welcome",
        "/api/deliveries",
        "/api/stock",
        "/api/ledger",
        "/api/fraud",
        "/api/analysis/rebuild",
        "/orders",
        "/deliveries",
        "/stock",
        "/analysis",
        "/fraud",
        "/rebuild",
        "/questions",
        "/orders/newest",
        "/orders/h-dated",
        "/api/orders/h-dated",
        "/past",
        "/ledger",
    ];
    let shops = ["/", "/orders/h-dated", "/api/beers", "/api/orders/h-dated"];
    let (shop, stage): (&Site, &Site) = (&demo.shop, &demo.stage);
    let all = paths.map(|path| (stage, path)).into_iter().chain(shops.map(|path| (shop, path)));
    for (site, path) in all {
        let answer = site.call(Method::GET, path, None).await?;
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
        let answer = demo.stage.http().get(format!("{}/api/history?at={at}", demo.stage.address())).send().await?;
        ensure!(answer.status() == status, "{at} is answered {}", answer.status());
    }
    for (site, path) in [
        (stage, "/past?at=9999-12-31T23:59:59-23:59"),
        (stage, "/past/fragments?at=0000-01-01T00:00:00Z"),
        (stage, "/orders/%00"),
        (shop, "/orders/%00"),
    ] {
        let answer = site.call(Method::GET, path, None).await?;
        ensure!(!answer.status().is_server_error(), "{path} is answered {}", answer.status());
    }
    Ok(())
}

/// Puts messages on a topic with the REST API, as any stranger can.
async fn publish(demo: &Demo, topic: &str, messages: &[Value]) -> Result<()> {
    let address = format!("{}/topics/{}", demo.pulsar_http, topic.replacen("://", "/", 1));
    let body = json!({"producerName": "a-stranger", "messages": messages});
    let answer = demo.stage.http().post(address).json(&body).send().await?;
    ensure!(answer.status().is_success(), "{topic} answers {}: {}", answer.status(), answer.text().await?);
    Ok(())
}

/// Single messages that once stopped a service, or that had no answer.
fn reported() -> Vec<(&'static str, Vec<Value>)> {
    let beyond = "9999-12-31T23:59:59-23:59";
    let order = |id: &str, lines: &Value| {
        json!({"order_id": id, "customer": "Ada", "address": "Gent", "lines": lines}).to_string()
    };
    let returned = |id: &str, lines: &Value| {
        let returned = json!({"type": "Returned", "order_id": id, "lines": lines});
        json!({"payload": returned.to_string()})
    };
    let failed = json!({
        "type": "AttemptFailed", "order_id": "h-retried", "round": 1, "attempt": 1, "courier": "Ada",
        "reason": "address_not_found", "retry_at": beyond,
    });
    let undecodable = json!({"payload": json!({"type": "A".repeat(60_000)}).to_string()});
    let settings = |name: &str, number: u64| {
        let mut settings =
            json!({"version": 7, "episode": 1, "episode_id": "5f3a9c", "began_at": "2026-11-24T20:41:07Z"});
        settings[name] = json!(number);
        json!({"payload": settings.to_string()})
    };
    let orval = |bottles: u32| json!({"beer": "orval", "bottles": bottles});
    vec![
        (
            "orders",
            vec![
                json!({"payload": order("h-dated", &json!([orval(1)])), "properties": {"at": beyond}}),
                json!({"payload": order(MANY_LINES, &vec![json!({"beer": "x", "bottles": 1}); 2_615].into())}),
            ],
        ),
        (
            "delivery-updates",
            vec![
                json!({"payload": failed.to_string()}),
                returned("zz", &json!([orval(1), orval(1)])),
                returned("h-never-ordered", &json!([orval(7)])),
                returned("h-never-ordered", &json!([orval(4_000_000_000)])),
            ],
        ),
        ("delivery-updates", vec![undecodable.clone(); 15]),
        ("delivery-orders", vec![undecodable; 15]),
        ("settings", vec![settings("episode", u64::from(u32::MAX)), settings("version", u64::MAX)]),
    ]
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
            messages.push(json!({
                "payload": golden.to_string(),
                "key": "x".repeat(500),
                "properties": {"at": at, "event_id": "x".repeat(500), "traceparent": "00-é-é-99"},
            }));
        }
        for value in with_one_value_replaced(&golden) {
            messages.push(json!({"payload": value.to_string()}));
        }
    }
    // Each is another order, so that none counts as a repeat.
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

//! The website as a program, and what its environment changes.

use std::{
    io::Read as _,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::Mutex,
};

use anyhow::Result;
use events::ids::Moment;
use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};
use service::testing::{Collected, Collector, eventually};

/// No broker: the shop takes orders all the same.
const NOWHERE: &str = "pulsar://127.0.0.1:1";

/// A program that is stopped, with its folder deleted, at the end of the test.
struct Program {
    child: Child,
    folder: PathBuf,
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

fn command(folder: &Path, port: u16, zone: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_website"));
    command.env("TZ", zone).env("HTTP_PORT", port.to_string()).env("DATA_DIR", folder);
    command.env("PULSAR_URL", NOWHERE).env("PULSAR_ADMIN_URL", "http://127.0.0.1:1").stderr(Stdio::piped());
    command
}

fn folder() -> PathBuf {
    std::env::temp_dir().join(format!("beers-program-{:08x}", rand::random::<u32>()))
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Three quarters of an hour off, so that no usual zone shows the same time.
#[tokio::test]
async fn every_clock_shows_the_zone_that_is_set() -> Result<()> {
    let (zone, folder, port) = ("Asia/Kathmandu", folder(), free_port()?);
    let child = command(&folder, port, zone).stderr(Stdio::null()).spawn()?;
    let _program = Program { child, folder };
    let base = format!("http://127.0.0.1:{port}");
    let http = bus::http_client(&base).build()?;
    let order = json!({"customer": "Ada", "address": "Gent", "lines": [{"beer": "orval", "bottles": 1}]});
    let order_id = eventually("an order to be placed", || async {
        let answer = http.post(format!("{base}/api/orders")).json(&order).send().await.ok()?;
        let placed: Value = answer.json().await.ok()?;
        Some(placed["order_id"].as_str()?.to_owned())
    })
    .await?;
    let shown: Value = http.get(format!("{base}/api/orders/{order_id}")).send().await?.json().await?;
    let at: Moment = shown["journey"][0]["at"].as_str().unwrap().parse()?;
    let there = TimeZone::get(zone)?.to_datetime(Timestamp::from_microsecond(at.micros())?);
    let page = http.get(format!("{base}/orders/{order_id}?lang=en")).send().await?.text().await?;
    let clock = there.strftime("%H:%M:%S").to_string();
    assert!(page.contains(&clock), "no {clock} in {page}");
    Ok(())
}

#[test]
fn a_zone_that_is_none_is_refused_in_a_sentence() -> Result<()> {
    let folder = folder();
    let Output { status, stderr, .. } = command(&folder, free_port()?, "Nowhere/Land").output()?;
    drop(std::fs::remove_dir_all(&folder));
    let said = String::from_utf8(stderr)?;
    assert!(!status.success() && said.contains("TZ=Nowhere/Land cannot be used: it must be a zone"), "{said}");
    Ok(())
}

/// The pages lead to each other from the root.
#[tokio::test]
async fn a_public_url_with_a_path_is_refused_at_the_start() -> Result<()> {
    let folder = folder();
    let child = command(&folder, free_port()?, "UTC").env("PUBLIC_URL", "https://example.com/beer").spawn()?;
    let program = Mutex::new(Program { child, folder });
    let ended = eventually("its end", || async { program.lock().unwrap().child.try_wait().ok().flatten() }).await?;
    let mut said = String::new();
    program.into_inner().unwrap().child.stderr.take().unwrap().read_to_string(&mut said)?;
    assert!(!ended.success() && said.contains("PUBLIC_URL=https://example.com/beer cannot be used"), "{said}");
    Ok(())
}

/// Places an order with these headers, ends the shop as its supervisor does, and returns the order with what was collected.
async fn traced_order(settings: &[(&str, &str)], headers: &[(&str, &str)]) -> Result<(String, Vec<Collected>)> {
    let (collector, folder, port) = (Collector::start().await?, folder(), free_port()?);
    let mut command = command(&folder, port, "UTC");
    // Longer than the test: what comes is what is left when the shop ends.
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint).env("OTEL_BSP_SCHEDULE_DELAY", "60000");
    let child = command.envs(settings.iter().copied()).stderr(Stdio::null()).spawn()?;
    let process = child.id().to_string();
    let program = Mutex::new(Program { child, folder });
    let base = format!("http://127.0.0.1:{port}");
    let http = bus::http_client(&base).build()?;
    let order = json!({"customer": "Ada", "address": "Gent", "lines": [{"beer": "orval", "bottles": 1}]});
    let order_id = eventually("an order to be placed", || async {
        let request = http.post(format!("{base}/api/orders")).json(&order);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let placed: Value = request.send().await.ok()?.json().await.ok()?;
        Some(placed["order_id"].as_str()?.to_owned())
    })
    .await?;
    assert!(Command::new("kill").args(["-TERM", &process]).status()?.success());
    eventually("its end", || async { program.lock().ok()?.child.try_wait().ok()? }).await?;
    Ok((order_id, collector.spans(None)))
}

fn of_request<'a>(spans: &'a [Collected], order_id: &str) -> &'a Collected {
    let is_of_order = |span: &&Collected| span.attributes.get("beers.order_id").is_some_and(|id| id == order_id);
    spans.iter().find(is_of_order).unwrap_or_else(|| panic!("no span of {order_id} in {spans:#?}"))
}

#[tokio::test]
async fn an_order_begins_a_trace_that_is_collected_when_the_shop_ends() -> Result<()> {
    let (order_id, spans) = traced_order(&[], &[]).await?;
    let span = of_request(&spans, &order_id);
    assert_eq!((span.name.as_str(), span.service.as_str()), ("POST /api/orders", "website"));
    assert_eq!(span.parent_id, "");
    assert_eq!(span.attributes.get("http.response.status_code").map(String::as_str), Some("202"));
    // Pulsar is away: it was tried to publish the order.
    let sent: Vec<&Collected> = spans.iter().filter(|other| other.name == "send orders").collect();
    assert!(sent.iter().all(|sent| sent.parent_id == span.span_id && sent.failed), "{sent:#?}");
    Ok(())
}

#[tokio::test]
async fn the_standard_variables_are_obeyed() -> Result<()> {
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let settings = [("OTEL_TRACES_SAMPLER", "parentbased_always_off"), ("OTEL_SERVICE_NAME", "corner-shop")];
    let (order_id, spans) = traced_order(&settings, &[("traceparent", parent)]).await?;
    let span = of_request(&spans, &order_id);
    assert_eq!((span.parent_id.as_str(), span.service.as_str()), ("00f067aa0ba902b7", "corner-shop"));
    assert_eq!(span.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(traced_order(&settings, &[]).await?.1, []);
    assert_eq!(traced_order(&[("OTEL_SDK_DISABLED", "true")], &[("traceparent", parent)]).await?.1, []);
    Ok(())
}

#[test]
fn a_collector_that_is_no_address_is_refused_in_a_sentence() -> Result<()> {
    let folder = folder();
    let mut command = command(&folder, free_port()?, "UTC");
    let Output { status, stderr, .. } = command.env("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318").output()?;
    drop(std::fs::remove_dir_all(&folder));
    let said = String::from_utf8(stderr)?;
    assert!(!status.success() && said.contains("OTEL_EXPORTER_OTLP_ENDPOINT=collector:4318 cannot be used"), "{said}");
    Ok(())
}

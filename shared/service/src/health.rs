//! Health: whether the process is live, and whether it is ready.

use std::{
    fmt::Write as _,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Context as _;
use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::metrics::Metrics;

/// How long `healthcheck` waits for an answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

type Check = Box<dyn Fn() -> bool + Send + Sync>;

/// The dependencies of a service.
#[derive(Clone, Default)]
pub struct Health {
    checks: Arc<Mutex<Vec<(&'static str, Check)>>>,
}

impl Health {
    /// Adds a dependency, which is available while `check` returns `true`. A later check of the same dependency replaces it.
    pub fn require(&self, dependency: &'static str, check: impl Fn() -> bool + Send + Sync + 'static) {
        let mut checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
        checks.retain(|(known, _)| *known != dependency);
        checks.push((dependency, Box::new(check)));
    }

    /// The dependencies that are missing; the service is ready if there are none.
    pub fn missing(&self) -> Vec<&'static str> {
        let checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
        checks.iter().filter(|(_, check)| !check()).map(|(dependency, _)| *dependency).collect()
    }
}

/// `/health/live`, `/health/ready` and `/metrics`.
pub fn routes<S: Clone + Send + Sync + 'static>(health: Health, metrics: Metrics) -> Router<S> {
    Router::new()
        .route("/health/live", get(|| async { Json(json!({"status": "live"})) }))
        .route("/health/ready", get(ready).with_state(health))
        .route("/metrics", get(show_metrics).with_state(metrics))
}

async fn ready(State(health): State<Health>) -> Response {
    let missing = health.missing();
    if missing.is_empty() {
        Json(json!({"status": "ready"})).into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"status": "not ready", "missing": missing}))).into_response()
    }
}

async fn show_metrics(State(metrics): State<Metrics>) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")];
    (kind, metrics.text()).into_response()
}

/// Listens at this address; port 0 is a free one from the system.
///
/// # Errors
/// If the port is taken, or the address does not belong to this machine.
pub async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address).await;
    listener.with_context(|| format!("cannot listen on {address} (HEALTH_HOST, HEALTH_PORT)"))
}

/// Asks the service at this address of the same machine whether it is live.
///
/// # Errors
/// If it does not confirm that within two seconds.
pub async fn ask(address: SocketAddr) -> anyhow::Result<()> {
    let port = address.port();
    // A service that listens on all addresses listens on loopback as well.
    let host = if address.ip().is_unspecified() { Ipv4Addr::LOCALHOST.into() } else { address.ip() };
    let answer = tokio::time::timeout(ANSWER_WITHIN, async {
        let mut connection = TcpStream::connect((host, port)).await?;
        let mut request = String::new();
        write!(request, "GET /health/live HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n")?;
        connection.write_all(request.as_bytes()).await?;
        let mut answer = [0; 12];
        connection.read_exact(&mut answer).await?;
        anyhow::Ok(String::from_utf8_lossy(&answer).into_owned())
    });
    let answer = answer.await.with_context(|| format!("no answer on port {port}"))??;
    anyhow::ensure!(answer.ends_with("200"), "port {port} answers {answer}");
    Ok(())
}

//! The trace that a request belongs to: the one its `traceparent` names, else a new one while spans are exported.

use std::future::Future;

use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderMap, Method},
    middleware::Next,
    response::Response,
};
use events::trace::TraceContext;
use service::spans::{self, TARGET};
use tracing::{Instrument as _, Span, field::Empty, info_span};

const TRACEPARENT: &str = "traceparent";

tokio::task_local! {
    static CURRENT: Option<TraceContext>;
}

/// What follows from the request that is handled belongs there.
pub fn current() -> Option<TraceContext> {
    CURRENT.try_with(|context| *context).ok().flatten()
}

/// Handles a request that changes something in a span of its own.
pub async fn request(request: Request, next: Next) -> Response {
    let method = request.method();
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return next.run(request).await;
    }
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let span = info_span!(
        target: TARGET,
        "request",
        otel.name = %format_args!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method.as_str(),
        http.route = route,
        http.response.status_code = Empty,
        beers.order_id = Empty,
    );
    let incoming = traceparent(request.headers());
    let response = within(span.clone(), incoming, next.run(request)).await;
    span.record("http.response.status_code", response.status().as_u16());
    if response.status().is_server_error() {
        spans::failed(&span);
    }
    response
}

/// Handles an order that came by a socket in a span of its own.
pub async fn message<T>(traceparent: Option<&str>, work: impl Future<Output = T>) -> T {
    let span = info_span!(target: TARGET, "message", otel.kind = "server", beers.order_id = Empty);
    within(span, traceparent.and_then(|text| text.parse().ok()), work).await
}

async fn within<T>(span: Span, incoming: Option<TraceContext>, work: impl Future<Output = T>) -> T {
    spans::continue_in(&span, incoming);
    let context = spans::context(&span).or(incoming);
    CURRENT.scope(context, work).instrument(span).await
}

fn traceparent(headers: &HeaderMap) -> Option<TraceContext> {
    headers.get(TRACEPARENT)?.to_str().ok()?.parse().ok()
}

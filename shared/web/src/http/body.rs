//! Bodies, within their limits.

use std::time::Duration;

use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http_body_util::LengthLimitError;
use serde_json::Value;
use tokio::time::timeout;

use crate::http::problem::Problem;

/// Largest body that is read, in bytes.
pub const BODY_MAX: usize = 16 * 1024;
/// A body that takes longer to arrive is given up.
pub const BODY_WITHIN: Duration = Duration::from_secs(10);

/// Reads a body as JSON, within its limits.
pub async fn read_json(headers: &HeaderMap, body: Body) -> Result<Value, Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if kind != "application/json" && !(kind.starts_with("application/") && kind.ends_with("+json")) {
        return Err(Problem::not_json());
    }
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > BODY_MAX) {
        return Err(Problem::too_large(BODY_MAX));
    }
    let bytes = timeout(BODY_WITHIN, to_bytes(body, BODY_MAX))
        .await
        .map_err(|_| Problem::malformed("the body did not arrive in time"))?
        .map_err(|error| {
            let cause = std::error::Error::source(&error);
            if cause.is_some_and(|cause| cause.is::<LengthLimitError>()) {
                Problem::too_large(BODY_MAX)
            } else {
                Problem::malformed("the body broke off")
            }
        })?;
    serde_json::from_slice(&bytes).map_err(|error| Problem::malformed(format!("the body is no JSON: {error}")))
}

/// A body as JSON, or nothing where none was sent.
pub async fn read_optional(headers: &HeaderMap, request: Request) -> Result<Value, Problem> {
    if headers.get(header::CONTENT_TYPE).is_none() {
        return Ok(Value::Null);
    }
    read_json(headers, request.into_body()).await
}

/// A form that does not arrive in time is not waited for.
pub async fn read_in_time(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match timeout(BODY_WITHIN, to_bytes(body, BODY_MAX)).await {
        Ok(Ok(body)) => next.run(Request::from_parts(parts, Body::from(body))).await,
        Ok(Err(_)) => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
        Err(_) => StatusCode::REQUEST_TIMEOUT.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::http::HeaderValue;
    use futures_util::stream;

    use super::*;

    #[tokio::test]
    async fn a_body_that_grows_too_large_is_refused_as_too_large() {
        let half = || Ok::<_, Infallible>(vec![b' '; BODY_MAX / 2 + 1]);
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        let refused = read_json(&headers, Body::from_stream(stream::iter([half(), half()]))).await.unwrap_err();
        assert_eq!(refused.into_response().status(), StatusCode::PAYLOAD_TOO_LARGE);
    }
}

//! Request bodies, with limits.

use std::time::Duration;

use axum::{
    body::{Body, to_bytes},
    extract::{FromRequest, OptionalFromRequest, Request},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http_body_util::LengthLimitError;
use serde_json::Value;
use tokio::time::timeout;

use crate::http::problem::Problem;

/// The largest body that is read, in bytes.
pub const BODY_MAX: usize = 16 * 1024;
/// The longest time a body may take to arrive.
pub const BODY_WITHIN: Duration = Duration::from_secs(10);

/// A JSON body within the limits; any other is refused as `application/problem+json`. It is untyped because a handler
/// names every wrong field, whereas serde stops at the first.
///
/// As `Option<ApiJson>` it may be missing, together with its content type.
pub struct ApiJson(pub Value);

impl<S: Send + Sync> FromRequest<S> for ApiJson {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        read_json(&parts.headers, body).await.map(ApiJson)
    }
}

impl<S: Send + Sync> OptionalFromRequest<S> for ApiJson {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, Problem> {
        if !request.headers().contains_key(header::CONTENT_TYPE) {
            return Ok(None);
        }
        <ApiJson as FromRequest<S>>::from_request(request, state).await.map(Some)
    }
}

async fn read_json(headers: &HeaderMap, body: Body) -> Result<Value, Problem> {
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
    serde_json::from_slice(&bytes).map_err(|error| Problem::malformed(format!("the body is not JSON: {error}")))
}

/// Reads the body of a form before its handler runs, within the limits of size and time.
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
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn a_body_is_left_out_together_with_its_content_type() {
        let read = async |kind: Option<&str>, body: &'static str| {
            let request = Request::builder().header(header::CONTENT_TYPE, kind.unwrap_or_default());
            let mut request = request.body(Body::from(body)).unwrap();
            if kind.is_none() {
                request.headers_mut().remove(header::CONTENT_TYPE);
            }
            let read = <Option<ApiJson> as FromRequest<()>>::from_request(request, &()).await;
            read.map(|body| body.map(|ApiJson(body)| body)).map_err(|problem| problem.into_response().status())
        };
        assert_eq!(read(None, "").await, Ok(None));
        assert_eq!(read(Some("application/json; charset=utf-8"), "{\"a\":1}").await, Ok(Some(json!({"a": 1}))));
        assert_eq!(read(Some("application/merge-patch+json"), "null").await, Ok(Some(Value::Null)));
        assert_eq!(read(Some("text/plain"), "{}").await, Err(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        assert_eq!(read(Some("application/json"), "").await, Err(StatusCode::BAD_REQUEST));
    }

    #[tokio::test]
    async fn a_body_that_grows_too_large_is_refused_as_too_large() {
        let half = || Ok::<_, Infallible>(vec![b' '; BODY_MAX / 2 + 1]);
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        let refused = read_json(&headers, Body::from_stream(stream::iter([half(), half()]))).await.unwrap_err();
        assert_eq!(refused.into_response().status(), StatusCode::PAYLOAD_TOO_LARGE);
    }
}

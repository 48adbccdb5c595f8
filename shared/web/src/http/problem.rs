//! Errors of the API as `application/problem+json` (RFC 9457).

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use events::orders::Fault;
use serde::Serialize;
use utoipa::ToSchema;

/// `Retry-After` for refused clients, in seconds.
const AGAIN_AFTER_S: u64 = 5;

/// A problem, for programs.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`: the status says enough.
    #[serde(rename = "type")]
    #[schema(example = "about:blank")]
    kind: &'static str,
    /// The status in words.
    title: &'static str,
    status: u16,
    /// What is wrong with this call.
    detail: String,
    /// With 422: one entry for each wrong field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<WrongField>,
    /// The seconds to wait before the next attempt, where that is known.
    #[serde(skip)]
    retry_after: Option<u64>,
}

/// A wrong field.
#[derive(Debug, Serialize, ToSchema)]
pub struct WrongField {
    /// The field's name in the body: `lines[2].bottles`.
    field: String,
    /// What is wrong with it, as a stable word.
    #[schema(example = "bottles_out_of_range")]
    problem: String,
    /// The same for people.
    detail: String,
}

impl Problem {
    fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or("Problem");
        Problem {
            kind: "about:blank",
            title,
            status: status.as_u16(),
            detail: detail.into(),
            errors: Vec::new(),
            retry_after: None,
        }
    }

    /// 400.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Problem::new(StatusCode::BAD_REQUEST, detail)
    }

    /// 401.
    pub fn unauthorized() -> Self {
        Problem::new(StatusCode::UNAUTHORIZED, "this needs the presenter's token as a bearer")
    }

    /// 403.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Problem::new(StatusCode::FORBIDDEN, detail)
    }

    /// 404.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Problem::new(StatusCode::NOT_FOUND, detail)
    }

    /// 405.
    pub fn method_not_allowed() -> Self {
        Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this address does not support this method")
    }

    /// 409.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Problem::new(StatusCode::CONFLICT, detail)
    }

    /// 413, with the most bytes allowed.
    pub fn too_large(most: usize) -> Self {
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body may have at most {most} bytes"))
    }

    /// 415.
    pub fn not_json() -> Self {
        Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body must be sent as application/json")
    }

    /// 422, with the fault of each wrong field.
    pub fn wrong_fields(faults: &[Fault]) -> Self {
        let word = |fault: &Fault| serde_json::to_value(fault.problem).ok()?.as_str().map(str::to_owned);
        Problem::wrong_values(
            faults
                .iter()
                .map(|fault| (fault.field.clone(), word(fault).unwrap_or_default(), fault.problem.to_string())),
        )
    }

    /// 422, with one wrong field.
    pub fn wrong_field(field: &str, problem: &str, detail: &str) -> Self {
        Problem::wrong_values([(field.to_owned(), problem.to_owned(), detail.to_owned())].into_iter())
    }

    /// 422, with each wrong field: its name, a stable word, a sentence.
    pub fn wrong_values(wrong: impl Iterator<Item = (String, String, String)>) -> Self {
        let errors = wrong.map(|(field, problem, detail)| WrongField { field, problem, detail }).collect();
        Problem { errors, ..Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "some fields are wrong") }
    }

    pub fn with_detail(self, detail: impl Into<String>) -> Self {
        Problem { detail: detail.into(), ..self }
    }

    /// 426.
    pub fn not_a_socket(detail: impl Into<String>) -> Self {
        Problem::new(StatusCode::UPGRADE_REQUIRED, detail)
    }

    /// 429, with the seconds to wait.
    pub fn too_many(seconds: u64) -> Self {
        let detail = format!("too many orders; try again in {seconds} s");
        Problem { retry_after: Some(seconds), ..Problem::new(StatusCode::TOO_MANY_REQUESTS, detail) }
    }

    /// 429, after too many wrong tokens.
    pub fn too_many_tokens(seconds: u64) -> Self {
        let detail = format!("too many wrong tokens; try again in {seconds} s");
        Problem { retry_after: Some(seconds), ..Problem::new(StatusCode::TOO_MANY_REQUESTS, detail) }
    }

    /// 503: no place for another stream or socket.
    pub fn too_many_streams() -> Self {
        let detail = "too many open streams, yours or in total";
        Problem { retry_after: Some(AGAIN_AFTER_S), ..Problem::unavailable(detail) }
    }

    /// 503.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    }
}

impl From<store::StoreError> for Problem {
    fn from(error: store::StoreError) -> Self {
        tracing::warn!(%error, "a page or answer could not be rendered");
        Problem::unavailable("the database cannot be read")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(&self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UPGRADE_REQUIRED {
            headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

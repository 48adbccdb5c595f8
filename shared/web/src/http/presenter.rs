//! Authorization, as a type.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};

use crate::http::{problem::Problem, site::Site};

/// Proof that the presenter sent the request. For anybody else, a handler of the API that takes it answers 401 before
/// it looks at the request.
#[derive(Debug)]
pub struct Presenter(());

impl<S: Site> FromRequestParts<Arc<S>> for Presenter {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, site: &Arc<S>) -> Result<Self, Problem> {
        if site.is_presenter(&parts.headers) { Ok(Presenter(())) } else { Err(Problem::unauthorized()) }
    }
}

/// The bearer token of a request.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

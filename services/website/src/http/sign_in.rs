//! The presenter signs in, and is sent where they wanted to go.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Form,
    extract::{Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse as _, Redirect, Response},
};
use serde::Deserialize;

use super::Visitor;
use crate::{pages, site::Site};

#[derive(Deserialize)]
pub(super) struct SignIn {
    #[serde(default)]
    token: String,
    #[serde(default)]
    next: String,
}

/// Where to go after signing in: a page of ours only.
fn next_page(next: &str) -> &str {
    let ours =
        next.starts_with('/') && !next.starts_with("//") && next.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    if ours { next } else { "/stage/deliveries" }
}

pub(super) async fn page(
    State(site): State<Arc<Site>>,
    Query(asked): Query<HashMap<String, String>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let visitor = Visitor::of(&site, &uri, &headers);
    let next = next_page(asked.get("next").map(String::as_str).unwrap_or_default());
    visitor.show(&site, StatusCode::OK, |frame| pages::sign_in::render(false, next, frame))
}

pub(super) async fn sign_in(
    State(site): State<Arc<Site>>,
    uri: Uri,
    headers: HeaderMap,
    Form(SignIn { token, next }): Form<SignIn>,
) -> Response {
    let visitor = Visitor::of(&site, &uri, &headers);
    let next = next_page(&next);
    if !site.house.presenter.is_token(token.trim()) {
        return visitor.show(&site, StatusCode::UNAUTHORIZED, |frame| pages::sign_in::render(true, next, frame));
    }
    let mut response = Redirect::to(next).into_response();
    if let Ok(cookie) = HeaderValue::from_str(&site.house.presenter.cookie()) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

//! The presenter signs in, is sent where they wanted to go, and signs out.

use std::{collections::HashMap, net::SocketAddr, sync::Arc};

use axum::{
    Form,
    extract::{ConnectInfo, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse as _, Redirect, Response},
};
use serde::Deserialize;

use crate::{shop::control::shop::Site, stage::{control::presenter::NotTaken, pages::sign_in::Refused}, web::{http::visitor::Visitor, pure::{arrival::{self, Arrival}, layout}}};

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
    visitor.show(&site, StatusCode::OK, |frame| pages::sign_in::render(None, next, frame))
}

pub(super) async fn sign_in(
    State(site): State<Arc<Site>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    uri: Uri,
    headers: HeaderMap,
    Form(SignIn { token, next }): Form<SignIn>,
) -> Response {
    let (visitor, presenter) = (Visitor::of(&site, &uri, &headers), &site.house.presenter);
    let next = next_page(&next);
    let (status, refused) = match presenter.check_token(token.trim(), arrival::guesser(&headers, peer)) {
        Ok(()) => {
            let arrival = Arrival::of(&headers, peer, site.house.entrance.public());
            return with_cookie(Redirect::to(next), presenter.sign_in(&arrival));
        }
        Err(NotTaken::Wrong) => (StatusCode::UNAUTHORIZED, Refused::Wrong),
        Err(NotTaken::Wait { seconds }) => (StatusCode::TOO_MANY_REQUESTS, Refused::Wait { seconds }),
    };
    let mut response = visitor.show(&site, status, |frame| pages::sign_in::render(Some(refused), next, frame));
    if let Refused::Wait { seconds } = refused {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

pub(super) async fn sign_out(
    State(site): State<Arc<Site>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Response {
    let arrival = Arrival::of(&headers, peer, site.house.entrance.public());
    with_cookie(Redirect::to("/sign-in"), site.house.presenter.sign_out(&headers, &arrival))
}

fn with_cookie(redirect: Redirect, cookie: Option<HeaderValue>) -> Response {
    let mut response = redirect.into_response();
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

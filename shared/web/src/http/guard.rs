//! Refuses requests that another website made a browser send, before any handler sees them.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    extract::{ConnectInfo, Request, State},
    http::{Method, request::Parts},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use crate::{
    http::{problem::Problem, site::Site, visitor::Visitor},
    pure::{arrival::Arrival, problem_page},
};

const API: &str = "/api/";

/// Refuses a request that would change something if a page of another site sent it.
pub async fn refuse_foreign<S: Site>(
    State(site): State<Arc<S>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    if is_foreign(&*site, &parts, peer) {
        return foreign(&*site, &parts);
    }
    next.run(Request::from_parts(parts, body)).await
}

/// Whether a request would change something and was sent by a page of another site.
pub fn is_foreign(site: &impl Site, request: &Parts, peer: SocketAddr) -> bool {
    // Opening a page changes nothing.
    let changes_nothing = matches!(request.method, Method::GET | Method::HEAD | Method::OPTIONS);
    let arrival = Arrival::of(&request.headers, peer, site.public_address());
    !changes_nothing && !arrival.is_from_own_page(&request.headers)
}

pub fn foreign(site: &impl Site, request: &Parts) -> Response {
    if request.uri.path().starts_with(API) {
        return Problem::forbidden("this request comes from another website; see PUBLIC_URL").into_response();
    }
    Visitor::of(site, &request.uri, &request.headers).problem(&site.alive(), problem_page::Problem::Foreign)
}

/// The page for an address that does not exist.
pub async fn nothing_here<S: Site>(State(site): State<Arc<S>>, visitor: Visitor) -> Response {
    visitor.problem(&site.alive(), problem_page::Problem::NotFound)
}

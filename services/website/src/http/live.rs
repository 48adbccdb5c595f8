//! The streams of the pages over HTTP.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse as _, Response},
};
use events::ids::OrderId;

use super::Visitor;
use crate::{
    pages,
    site::Site,
    streams::{self, OrderPage, Page, Reader},
};

pub(super) async fn page(
    State(site): State<Arc<Site>>,
    Path(page): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let Visitor { language, presenter, follow, .. } = Visitor::of(&site, &uri, &headers);
    let Some(page) = Page::of_name(&page) else { return StatusCode::NOT_FOUND.into_response() };
    if page == Page::Console && !presenter {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let events = streams::page(Arc::clone(&site), page, Reader { language, presenter }, follow);
    streams::serve(&site, events).unwrap_or_else(too_many)
}

pub(super) async fn order(
    State(site): State<Arc<Site>>,
    Path(order_id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let visitor = Visitor::of(&site, &uri, &headers);
    stream_order(&site, &order_id, &visitor, |order_id| site.house.is_own(&headers, order_id), pages::order::fragments)
}

pub(super) async fn followed(
    State(site): State<Arc<Site>>,
    Path(order_id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    stream_order(&site, &order_id, &Visitor::of(&site, &uri, &headers), |_| false, pages::follow::fragments)
}

fn stream_order(
    site: &Arc<Site>,
    order_id: &str,
    visitor: &Visitor,
    is_own: impl FnOnce(&OrderId) -> bool,
    page: OrderPage,
) -> Response {
    let Ok(order_id) = order_id.parse::<OrderId>() else { return StatusCode::NOT_FOUND.into_response() };
    let reader = Reader { language: visitor.language, presenter: false };
    let is_own = is_own(&order_id);
    let events = streams::order(Arc::clone(site), order_id, is_own, reader, visitor.follow, page);
    streams::serve(site, events).unwrap_or_else(too_many)
}

/// As many streams are open as there may be.
fn too_many() -> Response {
    StatusCode::SERVICE_UNAVAILABLE.into_response()
}

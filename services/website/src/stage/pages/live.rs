//! The streams of the pages over HTTP.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    extract::{ConnectInfo, Path, State},
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse as _, Response},
};
use events::ids::OrderId;

use crate::{shop::{control::shop::Site, pages::once}, web::{http::{admission::Client, sse::{self, OrderPage, Page, Reader}, visitor::Visitor}, pure::layout}};

/// A phone is sent at most two events a second: what changed, and perhaps the notice that the order is on its way.
const PHONE_PACE: Duration = Duration::from_secs(1);
/// After so many seconds whoever was turned away may try again.
const AGAIN_AFTER_S: &str = "5";
/// The stage sees every hop as it happens.
const STAGE_PACE: Duration = Duration::from_millis(100);

pub(super) async fn page(
    State(site): State<Arc<Site>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(page): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let Visitor { language, presenter, follow, once, .. } = Visitor::of(&site, &uri, &headers);
    let Some(page) = Page::of_name(&page) else { return StatusCode::NOT_FOUND.into_response() };
    if page == Page::Console && !presenter {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    // After a crash of the website the console does not open anew, only its stream does.
    if page == Page::Console && site.house.entrance.console_opened(&headers, peer) {
        site.live.changed();
    }
    let (reader, is_led) = (Reader { language, presenter }, follow || presenter);
    if once {
        return once::page(&site, page, reader, is_led).await.unwrap_or_else(too_many);
    }
    let client = Client::of(&site.house, &headers, peer);
    streams::serve(&site, &client, || streams::page(Arc::clone(&site), page, reader, is_led)).unwrap_or_else(too_many)
}

pub(super) async fn order(
    State(site): State<Arc<Site>>,
    Path(order_id): Path<String>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let visitor = Visitor::of(&site, &uri, &headers);
    let page = OrderPage { fragments: pages::order::fragments, pace: PHONE_PACE };
    let client = Client::of(&site.house, &headers, peer);
    stream_order(&site, &client, &order_id, &visitor, |order_id| site.house.is_own(&headers, order_id), page).await
}

pub(super) async fn followed(
    State(site): State<Arc<Site>>,
    Path(order_id): Path<String>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let page = OrderPage { fragments: pages::follow::fragments, pace: STAGE_PACE };
    let client = Client::of(&site.house, &headers, peer);
    stream_order(&site, &client, &order_id, &Visitor::of(&site, &uri, &headers), |_| false, page).await
}

async fn stream_order(
    site: &Arc<Site>,
    client: &Client,
    order_id: &str,
    visitor: &Visitor,
    is_own: impl FnOnce(&OrderId) -> bool,
    page: OrderPage,
) -> Response {
    let Ok(order_id) = order_id.parse::<OrderId>() else { return StatusCode::NOT_FOUND.into_response() };
    let reader = Reader { language: visitor.language, presenter: false };
    let is_own = is_own(&order_id);
    let is_led = visitor.follow || visitor.presenter;
    if visitor.once {
        return once::order(site, &order_id, is_own, reader, is_led, page).await.unwrap_or_else(too_many);
    }
    let begin = || streams::order(Arc::clone(site), order_id, is_own, reader, is_led, page);
    streams::serve(site, client, begin).unwrap_or_else(too_many)
}

/// As many streams are open as there may be, of this client or of all; or what they would say cannot be read.
fn too_many() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, AGAIN_AFTER_S)]).into_response()
}

//! The streams of the shop's pages over HTTP.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse as _, Response, sse::Event},
};
use events::ids::OrderId;
use futures_util::{Stream, stream};
use web::{
    http::{
        admission::Client,
        page_stream::{self, Changes, Version},
        sse::{self, Sent, too_many},
        visitor::{Reader, Visitor},
    },
    pure::layout::Fragment,
};

use crate::{
    control::shop::Shop,
    pages::{order_stream, shop as page},
    pure::order_rate::Orderer,
};

/// How often changes are sent to the page with the beers.
const SHOP_PACE: Duration = Duration::from_millis(500);

fn rendered(shop: &Shop, reader: Reader, version: Version) -> Option<Arc<Vec<Fragment>>> {
    shop.fragments.of(reader, version, || page::fragments(&shop.offers(), reader.frame(&shop.alive())))
}

fn changes(shop: &Shop) -> Changes {
    Changes { version: shop.live.version(), settings: shop.context.stage.follow() }
}

fn stream(shop: Arc<Shop>, reader: Reader) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    page_stream::page(changes(&shop), SHOP_PACE, stream::pending(), move |version| rendered(&shop, reader, version))
}

fn once(shop: &Shop, reader: Reader) -> Option<Response> {
    let fragments = Sent::default().news(&rendered(shop, reader, changes(shop).seen())?)?;
    Some(sse::once([("fragments", fragments)]))
}

/// The stream of the page with the beers.
pub async fn beers(State(shop): State<Arc<Shop>>, client: Client, visitor: Visitor) -> Response {
    if visitor.once {
        return once(&shop, visitor.reader()).unwrap_or_else(too_many);
    }
    let begin = || stream(Arc::clone(&shop), visitor.reader());
    sse::serve(&shop.live.streams, &shop.context.shutdown, &client, begin).unwrap_or_else(too_many)
}

/// The stream of a customer's order page.
pub async fn order(
    State(shop): State<Arc<Shop>>,
    Path(order_id): Path<String>,
    client: Client,
    visitor: Visitor,
    orderer: Orderer,
) -> Response {
    let Ok(order_id) = order_id.parse::<OrderId>() else { return StatusCode::NOT_FOUND.into_response() };
    let is_own = shop.customers.is_own(&orderer, &order_id);
    order_stream::respond(&shop, &client, order_id, is_own, &visitor).await
}

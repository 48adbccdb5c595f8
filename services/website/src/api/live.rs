//! `/api/live` of the shop.

use std::sync::Arc;

use axum::{
    extract::{Query, State},
    response::Response,
};
use events::ids::OrderId;
use serde_json::{Map, Value};
use web::{
    http::{
        admission::Client,
        feed::{self, Follow},
        problem::Problem,
        sse,
    },
    order::json::OrderShown,
};

use crate::{api::beers::Beer, control::shop::Shop};

/// Server-sent events: `snapshot` (beers; or the order that was asked for), then `change` (the beers, when a level has changed)
/// and `order` (`{order_id, status, at}`, at once), and `heartbeat` every 1.5 s. While `hide_names` is set, customers and
/// addresses are shortened. A browser (by its cookie) may have 12 streams open, all browsers behind one address 1,400, all
/// without a cookie behind one address 500; more are answered 503.
#[utoipa::path(
    get, path = "/live", tag = "live",
    params(("order" = Option<String>, Query, description = "one order only")),
    responses((status = 200, content_type = "text/event-stream"), (status = 404, body = Problem), (status = 503, body = Problem))
)]
pub(super) async fn live(
    State(shop): State<Arc<Shop>>,
    client: Client,
    Query(follow): Query<Follow>,
) -> Result<Response, Problem> {
    let (streams, shutdown) = (&shop.live.streams, &shop.context.shutdown);
    let (live, reader) = (Arc::clone(&shop.live), Arc::clone(&shop));
    match follow.order {
        None => sse::serve(streams, shutdown, &client, || feed::everything(live, move || beers(&reader))),
        Some(order_id) => {
            let order_id: OrderId = order_id.parse().map_err(|_| Problem::not_found("no such order"))?;
            shop.order(&order_id).await?.ok_or_else(|| Problem::not_found("no such order"))?;
            sse::serve(streams, shutdown, &client, || {
                feed::one_order(live, order_id, move |order_id| shown(Arc::clone(&reader), order_id))
            })
        }
    }
    .ok_or_else(Problem::too_many_streams)
}

fn beers(shop: &Shop) -> Map<String, Value> {
    let beers: Vec<Beer> = shop.offers().into_iter().map(Beer::from).collect();
    Map::from_iter([("beers".to_owned(), serde_json::to_value(beers).unwrap_or_default())])
}

async fn shown(shop: Arc<Shop>, order_id: OrderId) -> Option<OrderShown> {
    shop.order_shown(&order_id, false).await.ok()?.map(OrderShown::from)
}

//! `/api/live`: a snapshot, then changes, as server-sent events.

use std::{future::ready, sync::Arc};

use axum::{
    extract::{Query, State},
    response::Response,
};
use serde_json::{Map, Value, json};
use web::{
    http::{
        admission::Client,
        feed::{self, Follow},
        problem::Problem,
        sse,
    },
    order::json::OrderShown,
};

use crate::{
    api::{stage::Deliveries, stock::Stock},
    control::stage::Stage,
};

/// Server-sent events: `snapshot` (stock, deliveries, insights, ledger; or the order that was asked for), then `change`
/// (those of them that changed), `order` (`{order_id, status, at}`, at once), and `heartbeat` every 1.5 s. While
/// `hide_names` is set, customers and addresses are shortened. A browser (by its cookie) may have 12 streams open, all
/// browsers behind one address 1,400, all clients without a cookie behind one address 500; more are answered 503.
#[utoipa::path(
    get, path = "/live", tag = "live",
    params(("order" = Option<String>, Query, description = "one order only")),
    responses((status = 200, content_type = "text/event-stream"), (status = 404, body = Problem), (status = 503, body = Problem))
)]
pub(super) async fn live(
    State(stage): State<Arc<Stage>>,
    client: Client,
    Query(follow): Query<Follow>,
) -> Result<Response, Problem> {
    match follow.order {
        None => sse::serve(&stage.live.streams, &stage.context.shutdown, &client, || {
            let (live, stage) = (Arc::clone(&stage.live), Arc::clone(&stage));
            feed::everything(live, move || views(&stage))
        }),
        Some(order_id) => {
            let order_id = order_id.parse().map_err(|_| Problem::not_found("no such order"))?;
            stage.order(&order_id).ok_or_else(|| Problem::not_found("no such order"))?;
            sse::serve(&stage.live.streams, &stage.context.shutdown, &client, || {
                let (live, stage) = (Arc::clone(&stage.live), Arc::clone(&stage));
                feed::one_order(live, order_id, move |order_id| ready(stage.order(&order_id).map(OrderShown::from)))
            })
        }
    }
    .ok_or_else(Problem::too_many_streams)
}

fn views(stage: &Stage) -> Map<String, Value> {
    let (stock, deliveries, analysis, ledger) = (
        stage.known(|known| known.shelves.beers()),
        stage.deliveries(),
        stage.analysis(),
        stage.known(|known| known.ledger()),
    );
    let value = |result: Result<Value, serde_json::Error>| result.unwrap_or(Value::Null);
    let entries = [
        ("stock", value(serde_json::to_value(Stock::from(stock.as_slice())))),
        ("deliveries", value(serde_json::to_value(Deliveries::from(deliveries)))),
        ("insights", json!({"sales": analysis.sales, "forecast": analysis.forecast})),
        ("ledger", value(serde_json::to_value(ledger.ledger))),
    ];
    entries.into_iter().map(|(name, view)| (name.to_owned(), view)).collect()
}

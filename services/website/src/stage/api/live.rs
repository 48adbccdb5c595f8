//! `/api/live`: a snapshot, then what changes, as server-sent events.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::{Query, State},
    response::{Response, sse::Event},
};
use events::ids::OrderId;
use futures_util::Stream;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::broadcast::error::RecvError;
use web::{
    http::{admission::Client, problem::Problem, sse},
    order::json::OrderShown,
};

use crate::stage::{
    api::{stage::Deliveries, stock::Stock},
    control::stage::Stage,
};

/// Changes of everything but single orders are told at most this often.
const CHANGES_EVERY: Duration = Duration::from_millis(100);

#[derive(Deserialize)]
pub(super) struct Follow {
    order: Option<String>,
}

/// Server-sent events: `snapshot` (stock, deliveries, insights, ledger; or the order that was asked for), then `change`
/// (whichever of these changed) and `order` (`{order_id, status, at}`, at once), and `heartbeat` every 1.5 s.
/// While `hide_names` is set, customers and addresses are shortened. A browser (by its cookie) may have 12 streams open,
/// all browsers behind one address 1,400, all without a cookie behind one address 500; more are answered 503.
#[utoipa::path(
    get, path = "/live", tag = "live",
    params(("order" = Option<String>, Query, description = "one order only")),
    responses((status = 200, content_type = "text/event-stream"), (status = 404, body = Problem), (status = 503, body = Problem))
)]
pub(super) async fn feed(
    State(stage): State<Arc<Stage>>,
    client: Client,
    Query(follow): Query<Follow>,
) -> Result<Response, Problem> {
    match follow.order {
        None => sse::serve(&stage.live.streams, &stage.context.shutdown, &client, || everything(Arc::clone(&stage))),
        Some(order_id) => {
            let order_id = order_id.parse().map_err(|_| Problem::not_found("no such order"))?;
            stage.order(&order_id).ok_or_else(|| Problem::not_found("no such order"))?;
            sse::serve(&stage.live.streams, &stage.context.shutdown, &client, || {
                one_order(Arc::clone(&stage), order_id)
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

fn everything(stage: Arc<Stage>) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    sse::channel(move |wire| async move {
        let mut changes = stage.live.feed();
        let mut version = stage.live.version();
        let mut told = views(&stage);
        wire.event("snapshot", &Value::Object(told.clone()).to_string()).await?;
        let mut heartbeat = sse::heartbeat();
        let mut pace = tokio::time::interval(CHANGES_EVERY);
        let mut stale = false;
        loop {
            tokio::select! {
                change = changes.recv() => match change {
                    Ok(change) => wire.event("order", &change).await?,
                    Err(RecvError::Lagged(_)) => {
                        told = views(&stage);
                        wire.event("snapshot", &Value::Object(told.clone()).to_string()).await?;
                    }
                    Err(RecvError::Closed) => return Some(()),
                },
                changed = version.changed(), if !stale => {
                    changed.ok()?;
                    stale = true;
                }
                _ = pace.tick(), if stale => {
                    stale = false;
                    let now_so = views(&stage);
                    let mut news = now_so.clone();
                    news.retain(|name, view| told.get(name) != Some(view));
                    if !news.is_empty() {
                        wire.event("change", &Value::Object(news).to_string()).await?;
                        told = now_so;
                    }
                }
                _ = heartbeat.tick() => wire.heartbeat().await?,
            }
        }
    })
}

fn one_order(stage: Arc<Stage>, order_id: OrderId) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    sse::channel(move |wire| async move {
        let mut changed = stage.live.follow(&order_id);
        let mut heartbeat = sse::heartbeat();
        let mut name = "snapshot";
        loop {
            if let Some(order) = stage.order(&order_id) {
                let order = serde_json::to_string(&OrderShown::from(order)).ok()?;
                wire.event(name, &order).await?;
                name = "order";
            }
            loop {
                tokio::select! {
                    change = changed.changed() => {
                        change.ok()?;
                        break;
                    }
                    _ = heartbeat.tick() => wire.heartbeat().await?,
                }
            }
        }
    })
}

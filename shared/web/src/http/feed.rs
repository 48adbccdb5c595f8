//! `/api/live`: a snapshot, then changes, as server-sent events.

use std::{convert::Infallible, future::Future, sync::Arc, time::Duration};

use axum::response::sse::Event;
use events::ids::OrderId;
use futures_util::Stream;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::broadcast::error::RecvError;

use crate::http::{live::LiveUpdates, sse};

/// Changes other than those of single orders are sent at most this often.
const CHANGES_EVERY: Duration = Duration::from_millis(100);

#[derive(Deserialize)]
pub struct Follow {
    pub order: Option<String>,
}

/// All a site knows, by name: first everything, then what has changed. A change of an order is sent at once.
pub fn everything(
    live: Arc<LiveUpdates>,
    views: impl Fn() -> Map<String, Value> + Send + 'static,
) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    sse::channel(move |sender| async move {
        let mut changes = live.feed();
        let mut version = live.version();
        let mut told = views();
        sender.event("snapshot", &Value::Object(told.clone()).to_string()).await?;
        let mut heartbeat = sse::heartbeat();
        let mut pace = tokio::time::interval(CHANGES_EVERY);
        let mut stale = false;
        loop {
            tokio::select! {
                change = changes.recv() => match change {
                    Ok(change) => sender.event("order", &change).await?,
                    Err(RecvError::Lagged(_)) => {
                        told = views();
                        sender.event("snapshot", &Value::Object(told.clone()).to_string()).await?;
                    }
                    Err(RecvError::Closed) => return Some(()),
                },
                changed = version.changed(), if !stale => {
                    changed.ok()?;
                    stale = true;
                }
                _ = pace.tick(), if stale => {
                    stale = false;
                    let now_so = views();
                    let mut news = now_so.clone();
                    news.retain(|name, view| told.get(name) != Some(view));
                    if !news.is_empty() {
                        sender.event("change", &Value::Object(news).to_string()).await?;
                        told = now_so;
                    }
                }
                _ = heartbeat.tick() => sender.heartbeat().await?,
            }
        }
    })
}

/// One order: its present state, then its state after each hop.
pub fn one_order<Shown: Serialize + Send, Reading>(
    live: Arc<LiveUpdates>,
    order_id: OrderId,
    read: impl Fn(OrderId) -> Reading + Send + 'static,
) -> impl Stream<Item = Result<Event, Infallible>> + Send
where
    Reading: Future<Output = Option<Shown>> + Send,
{
    sse::channel(move |sender| async move {
        let mut changed = live.follow(&order_id);
        let mut heartbeat = sse::heartbeat();
        let mut name = "snapshot";
        loop {
            if let Some(order) = read(order_id.clone()).await {
                sender.event(name, &serde_json::to_string(&order).ok()?).await?;
                name = "order";
            }
            loop {
                tokio::select! {
                    change = changed.changed() => {
                        change.ok()?;
                        break;
                    }
                    _ = heartbeat.tick() => sender.heartbeat().await?,
                }
            }
        }
    })
}

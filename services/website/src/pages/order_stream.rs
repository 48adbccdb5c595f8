//! The stream of the page about one order.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::response::{Response, sse::Event};
use events::ids::OrderId;
use futures_util::Stream;
use serde_json::json;
use web::http::{
    admission::Client,
    sse::{self, Sent, too_many},
    visitor::{Reader, Visitor},
};

use crate::{control::shop::Shop, pages::order};

/// A phone gets at most two events a second: what changed, and possibly the notice that the order is on its way.
const PACE: Duration = Duration::from_secs(1);

/// The stream; `is_own` if it goes to the browser that placed the order.
fn stream(
    shop: Arc<Shop>,
    order_id: OrderId,
    is_own: bool,
    reader: Reader,
) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    sse::channel(move |wire| async move {
        let mut changed = shop.live.follow(&order_id);
        let mut presence = shop.live.presence();
        let mut settings = shop.context.stage.follow();
        let mut names_hidden = settings.borrow_and_update().choices.hide_names;
        let mut sent = Sent::default();
        let mut heartbeat = sse::heartbeat();
        let mut pace = sse::pace(PACE);
        let mut told = changed.borrow().on_its_way.clone();
        let mut known = None;
        let mut stale = true;
        loop {
            tokio::select! {
                _ = pace.tick(), if stale => {
                    stale = false;
                    let on_its_way = changed.borrow_and_update().on_its_way.clone();
                    if on_its_way != told {
                        wire.event("notice", &json!({"courier": on_its_way}).to_string()).await?;
                        told = on_its_way;
                    }
                    let view = match known.take() {
                        Some(view) => view,
                        None => shop.order_shown(&order_id, is_own).await.ok()??,
                    };
                    let fragments = order::fragments(&view, reader.frame(&shop.alive())).ok()?;
                    known = Some(view);
                    if let Some(news) = sent.news(&fragments) {
                        wire.event("fragments", &news).await?;
                        heartbeat.reset();
                    }
                }
                change = changed.changed(), if !stale => {
                    change.ok()?;
                    known = None;
                    stale = true;
                }
                changed = settings.changed() => {
                    changed.ok()?;
                    let hidden = settings.borrow_and_update().choices.hide_names;
                    // A customer's own order always shows the name; no other setting is on this page.
                    if std::mem::replace(&mut names_hidden, hidden) != hidden && !is_own {
                        known = None;
                        stale = true;
                    }
                }
                // The order itself has not changed.
                somebody = presence.changed() => {
                    somebody.ok()?;
                    stale = true;
                }
                _ = heartbeat.tick() => wire.heartbeat().await?,
            }
        }
    })
}

/// What the stream begins with. `None` if it cannot be read or rendered.
async fn once(shop: &Shop, order_id: &OrderId, is_own: bool, reader: Reader) -> Option<Response> {
    let view = shop.order_shown(order_id, is_own).await.ok()??;
    let fragments = Sent::default().news(&order::fragments(&view, reader.frame(&shop.alive())).ok()?)?;
    Some(sse::once([("fragments", fragments)]))
}

/// The response to this visitor: the stream, or only its first events.
pub async fn respond(
    shop: &Arc<Shop>,
    client: &Client,
    order_id: OrderId,
    is_own: bool,
    visitor: &Visitor,
) -> Response {
    let reader = visitor.reader();
    if visitor.once {
        return once(shop, &order_id, is_own, reader).await.unwrap_or_else(too_many);
    }
    let begin = || stream(Arc::clone(shop), order_id, is_own, reader);
    sse::serve(&shop.live.streams, &shop.context.shutdown, client, begin).unwrap_or_else(too_many)
}

//! What a stream begins with, as an answer that ends: for pages behind a tunnel or a proxy that holds streams back. They
//! ask again every two seconds.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::response::{
    IntoResponse as _, Response,
    sse::{Event, Sse},
};
use events::ids::OrderId;
use futures_util::stream;

use crate::{shop::control::shop::Site, stage::control::broker_monitor::Looking, web::http::{lead::Lead, sse::{self, OrderPage, Page, Reader}}};

/// Whoever asks again within this time still looks at what the broker says.
const LOOKS_FOR: Duration = Duration::from_secs(5);

/// All fragments of a page; and where the stage is, if the window wants to know. `None` if it cannot be rendered.
pub async fn page(site: &Arc<Site>, page: Page, reader: Reader, is_led: bool) -> Option<Response> {
    if let Page::Pulsar(topic) = page {
        let looking = Looking::at(site, topic);
        tokio::spawn(async move {
            tokio::time::sleep(LOOKS_FOR).await;
            drop(looking);
        });
    }
    let fragments = streams::fragments_now(site, page, reader)?;
    Some(answer(site, fragments, is_led).await)
}

/// All fragments of the page about one order. `None` if it cannot be read or rendered.
pub async fn order(
    site: &Site,
    order_id: &OrderId,
    is_own: bool,
    reader: Reader,
    is_led: bool,
    page: OrderPage,
) -> Option<Response> {
    let view = site.order_shown(order_id, is_own).await.ok()??;
    let fragments = streams::fragments_of_order(site, &view, reader, page)?;
    Some(answer(site, fragments, is_led).await)
}

async fn answer(site: &Site, fragments: String, is_led: bool) -> Response {
    let mut events = vec![streams::event("fragments", &fragments)];
    if is_led && let Some(position) = Lead::new(site, true).next().await {
        events.push(streams::event("follow", &position));
    }
    let events = stream::iter(events.into_iter().map(Ok::<Event, Infallible>));
    streams::not_held_back(Sse::new(events).into_response())
}

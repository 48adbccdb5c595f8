//! The streams of the stage's pages.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::response::{Response, sse::Event};
use events::ids::OrderId;
use futures_util::{Stream, stream};
use web::{
    http::{
        page_stream::{self, Changes, Version},
        sse::{self, Sent},
        visitor::Reader,
    },
    pure::layout::Fragment,
};

use crate::{
    control::{broker_monitor::Looking, lead::Lead, stage::Stage},
    pages::{follow, view},
    pure::page::Page,
};

/// The event that tells a window where the speaker is.
const FOLLOW: &str = "follow";
/// The stage sees every hop of an order as it happens.
const ORDER_PACE: Duration = Duration::from_millis(100);

fn render(stage: &Stage, page: Page, reader: Reader) -> askama::Result<Vec<Fragment>> {
    let alive = stage.alive();
    view::now(stage, page).fragments(reader.frame(&alive))
}

fn rendered(stage: &Stage, page: Page, reader: Reader, version: Version) -> Option<Arc<Vec<Fragment>>> {
    stage.fragments.of((page, reader), version, || render(stage, page, reader))
}

fn changes(stage: &Stage) -> Changes {
    Changes { version: stage.live.version(), settings: stage.context.stage.follow() }
}

/// While this is held the broker is asked, if this page is about it.
fn look(stage: &Stage, page: Page) -> Option<Looking> {
    match page {
        Page::Pulsar(topic) => Some(Looking::at(&stage.broker_monitor, topic)),
        _ => None,
    }
}

/// The `follow` events of a window; none if it is not led.
fn positions(stage: &Stage, is_led: bool) -> impl Stream<Item = (&'static str, String)> + Send + use<> {
    stream::unfold(stage.lead(is_led), |lead| async move {
        match lead {
            Some(mut lead) => lead.next().await.map(|told| ((FOLLOW, told), Some(lead))),
            None => std::future::pending().await,
        }
    })
}

async fn once_with(fragments: String, lead: Option<Lead>) -> Response {
    let told = match lead {
        Some(mut lead) => lead.next().await,
        None => None,
    };
    sse::once([("fragments", fragments)].into_iter().chain(told.map(|told| (FOLLOW, told))))
}

pub fn page(
    stage: Arc<Stage>,
    page: Page,
    reader: Reader,
    is_led: bool,
) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    let (looking, positions) = (look(&stage, page), positions(&stage, is_led));
    page_stream::page(changes(&stage), page.pace(), positions, move |version| {
        let _held_as_long_as_the_stream = &looking;
        rendered(&stage, page, reader, version)
    })
}

/// The first events of a page's stream; `None` if it cannot be rendered.
pub async fn once(stage: &Stage, page: Page, reader: Reader, is_led: bool) -> Option<Response> {
    if let Page::Pulsar(topic) = page {
        stage.broker_monitor.polled(topic);
    }
    let fragments = Sent::default().news(&rendered(stage, page, reader, changes(stage).seen())?)?;
    Some(once_with(fragments, stage.lead(is_led)).await)
}

fn rendered_order(stage: &Stage, order_id: &OrderId, reader: Reader) -> Option<Arc<Vec<Fragment>>> {
    let (order, alive) = (stage.order(order_id)?, stage.alive());
    follow::fragments(&order, reader.frame(&alive)).ok().map(Arc::new)
}

/// The stream of an order's page.
pub fn order(
    stage: Arc<Stage>,
    order_id: OrderId,
    reader: Reader,
    is_led: bool,
) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    let positions = positions(&stage, is_led);
    page_stream::page(changes(&stage), ORDER_PACE, positions, move |_| rendered_order(&stage, &order_id, reader))
}

/// The first events of an order's stream; `None` if the order is unknown or cannot be rendered.
pub async fn order_once(stage: &Stage, order_id: &OrderId, reader: Reader, is_led: bool) -> Option<Response> {
    let fragments = Sent::default().news(&rendered_order(stage, order_id, reader)?)?;
    Some(once_with(fragments, stage.lead(is_led)).await)
}

//! The streams of the pages of the stage.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::response::{Response, sse::Event};
use events::ids::OrderId;
use futures_util::Stream;
use web::{
    http::{
        page_stream::{self, Changes, Version},
        sse::{self, Sent},
        visitor::Reader,
    },
    pure::layout::Fragment,
};

use crate::stage::{
    control::{broker_monitor::Looking, stage::Stage},
    pages::{follow, view},
    pure::page::Page,
};

/// Whoever asks again within this time still looks at what the broker says.
const LOOKS_FOR: Duration = Duration::from_secs(5);
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

/// As long as this is held the broker is asked, if this page is about it.
fn look(stage: &Stage, page: Page) -> Option<Looking> {
    match page {
        Page::Pulsar(topic) => Some(Looking::at(&stage.broker_monitor, topic)),
        _ => None,
    }
}

/// The stream of a page.
pub fn page(
    stage: Arc<Stage>,
    page: Page,
    reader: Reader,
    is_led: bool,
) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    let (looking, lead) = (look(&stage, page), stage.lead(is_led));
    page_stream::page(changes(&stage), page.pace(), lead, move |version| {
        let _held_as_long_as_the_stream = &looking;
        rendered(&stage, page, reader, version)
    })
}

/// What the stream of a page begins with. `None` if it cannot be rendered.
pub async fn once(stage: &Stage, page: Page, reader: Reader, is_led: bool) -> Option<Response> {
    if let Some(looking) = look(stage, page) {
        tokio::spawn(async move {
            tokio::time::sleep(LOOKS_FOR).await;
            drop(looking);
        });
    }
    let fragments = Sent::default().news(&rendered(stage, page, reader, changes(stage).seen())?)?;
    Some(sse::once(fragments, is_led.then(|| stage.lead(true))).await)
}

fn rendered_order(stage: &Stage, order_id: &OrderId, reader: Reader) -> Option<Arc<Vec<Fragment>>> {
    let (order, alive) = (stage.order(order_id)?, stage.alive());
    follow::fragments(&order, reader.frame(&alive)).ok().map(Arc::new)
}

/// The stream of a page about one order.
pub fn order(
    stage: Arc<Stage>,
    order_id: OrderId,
    reader: Reader,
    is_led: bool,
) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    let lead = stage.lead(is_led);
    page_stream::page(changes(&stage), ORDER_PACE, lead, move |_| rendered_order(&stage, &order_id, reader))
}

/// What the stream of a page about one order begins with. `None` if the order is not known, or cannot be rendered.
pub async fn order_once(stage: &Stage, order_id: &OrderId, reader: Reader, is_led: bool) -> Option<Response> {
    let fragments = Sent::default().news(&rendered_order(stage, order_id, reader)?)?;
    Some(sse::once(fragments, is_led.then(|| stage.lead(true))).await)
}

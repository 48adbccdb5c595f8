//! The streams of the pages of the stage.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::response::{Response, sse::Event};
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
    pages::view,
    pure::page::Page,
};

/// Whoever asks again within this time still looks at what the broker says.
const LOOKS_FOR: Duration = Duration::from_secs(5);

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
    let (looking, lead) = (look(&stage, page), stage.shop.lead(is_led));
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
    Some(sse::once(fragments, is_led.then(|| stage.shop.lead(true))).await)
}

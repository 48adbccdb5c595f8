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
    pages::{analysis, console, deliveries, fraud, ledger, map, newest, past, pulsar, qr, questions, rebuild, stock},
    pure::page::Page,
};

/// Whoever asks again within this time still looks at what the broker says.
const LOOKS_FOR: Duration = Duration::from_secs(5);

fn render(stage: &Stage, page: Page, reader: Reader) -> askama::Result<Vec<Fragment>> {
    let alive = stage.alive();
    let frame = reader.frame(&alive);
    match page {
        Page::Map => map::fragments(&stage.map(), frame),
        Page::Deliveries => deliveries::fragments(&stage.deliveries(), frame),
        Page::Orders => newest::fragments(&stage.newest(), frame),
        Page::Stock(beer) => stock::fragments(&stage.stock(beer), frame),
        Page::Analysis => analysis::fragments(&stage.analysis(), frame),
        Page::Past => past::fragments(&stage.past_now(), frame),
        Page::Rebuild => rebuild::fragments(&stage.known(|known| known.rebuilt()), frame),
        Page::Questions => questions::fragments(&stage.asked(), frame),
        Page::Fraud => fraud::fragments(&stage.fraud(), frame),
        Page::Pulsar(topic) => pulsar::fragments(&stage.pulsar(topic), frame),
        Page::Ledger => ledger::fragments(&stage.known(|known| known.ledger()), frame),
        Page::Qr => qr::fragments(&stage.backstage.entrance.view(), frame),
        Page::Console => console::fragments(&stage.console(), frame),
    }
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

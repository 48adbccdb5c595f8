//! What each page of the stage shows, and the one way to render it.

use web::pure::layout::{Fragment, Frame};

use crate::{control::stage::Stage, pure::page::Page};

/// What a page shows. Implemented in the page's file.
pub trait PageView {
    /// The whole page.
    fn render(&self, frame: Frame<'_>) -> askama::Result<String>;

    /// All fragments that can change.
    fn fragments(&self, frame: Frame<'_>) -> askama::Result<Vec<Fragment>>;
}

pub fn now(stage: &Stage, page: Page) -> Box<dyn PageView> {
    match page {
        Page::Map => Box::new(stage.map()),
        Page::Welcome => Box::new(stage.welcome(String::new())),
        Page::Deliveries => Box::new(stage.deliveries()),
        Page::Orders => Box::new(stage.newest()),
        Page::Stock(beer) => Box::new(stage.stock(beer)),
        Page::Analysis => Box::new(stage.analysis()),
        Page::Past => Box::new(stage.past_now()),
        Page::Rebuild => Box::new(stage.known(|known| known.rebuilt())),
        Page::Questions => Box::new(stage.asked()),
        Page::Fraud => Box::new(stage.fraud()),
        Page::Pulsar(topic) => Box::new(stage.pulsar(topic)),
        Page::Ledger => Box::new(stage.known(|known| known.ledger())),
        Page::Qr => Box::new(stage.backstage.entrance.view()),
        Page::Console => Box::new(stage.console()),
    }
}

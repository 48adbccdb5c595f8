//! `/welcome`: the QR code beside the shop as a phone shows it.

use askama::Template;
use events::ids::Service;
use web::pure::layout::{Fragment, Frame, Parts, alive};

use crate::pages::figures::{Figure, figures};
use crate::{
    pages::{qr, view::PageView},
    pure::entrance::WelcomeView,
};

#[derive(Template)]
#[template(path = "welcome/page.html")]
struct Page<'a> {
    frame: Frame<'a>,
    parts: Parts,
    shop: &'a str,
}

/// Covers a shop that does not answer: a browser would show its error page in the frame.
#[derive(Template)]
#[template(path = "welcome/cover.html")]
struct Cover<'a> {
    frame: Frame<'a>,
    is_gone: bool,
}

impl PageView for WelcomeView {
    fn render(&self, frame: Frame<'_>) -> askama::Result<String> {
        Page { frame, parts: Parts(self.fragments(frame)?), shop: &self.shop }.render()
    }

    fn fragments(&self, frame: Frame<'_>) -> askama::Result<Vec<Fragment>> {
        let no_figures: Vec<Figure> = vec![];
        // Without Pulsar nobody knows whether the shop is there; it may still take orders.
        let is_gone = frame.alive.pulsar && !frame.alive.services.contains(&Service::Website);
        Ok(vec![
            alive(&frame, &[])?,
            figures(no_figures)?,
            qr::code_fragment(&self.qr, frame)?,
            Fragment::new("shop-cover", &Cover { frame, is_gone })?,
        ])
    }
}

//! `/orders/{id}`: the journey of one order, as its customer sees it.

use std::collections::BTreeSet;

use askama::Template;
use events::{
    beers,
    orders::{self, Line},
};
use web::{
    order::{view::OrderView, wording},
    pure::{
        format,
        glass::{Size, glass},
        layout::{Fragment, Frame, Parts, alive},
    },
};

use crate::pages::way::{self, Stop};

/// Up to this many bottles each has a glass of its own; beyond that each beer has one.
const GLASSES_MAX: u32 = 4;

#[derive(Template)]
#[template(path = "order/page.html")]
struct Page<'a> {
    frame: Frame<'a>,
    parts: Parts,
    id: &'a str,
    finished: bool,
}

#[derive(Template)]
#[template(path = "order/status.html")]
struct StatusTemplate {
    sentence: &'static str,
    tone: &'static str,
}

#[derive(Template)]
#[template(path = "order/parcel.html")]
struct Parcel {
    glasses: Vec<String>,
    total: String,
    bottles: String,
    lines: Vec<String>,
    customer: String,
    address: String,
}

#[derive(Template)]
#[template(path = "order/way.html")]
struct Way<'a> {
    frame: Frame<'a>,
    stops: Vec<Stop>,
}

#[derive(Template)]
#[template(path = "order/story.html")]
struct Story<'a> {
    frame: Frame<'a>,
    topics: String,
    names: String,
}

/// The whole page.
///
/// # Errors
/// If a template cannot be rendered.
pub fn render(view: &OrderView, frame: Frame<'_>) -> askama::Result<String> {
    let parts = Parts(fragments(view, frame)?);
    Page { frame, parts, id: view.order_id.as_str(), finished: view.status.is_finished() }.render()
}

/// Everything on the page that can change.
///
/// # Errors
/// If a template cannot be rendered.
pub fn fragments(view: &OrderView, frame: Frame<'_>) -> askama::Result<Vec<Fragment>> {
    let tone = wording::tone(view.status);
    Ok(vec![
        alive(&frame, &[])?,
        Fragment::new("status", &StatusTemplate { sentence: wording::status(frame.language, view.status), tone })?,
        Fragment::new("parcel", &parcel(view, &frame))?,
        Fragment::new("way", &Way { frame, stops: way::stops(view, frame.language) })?,
        Fragment::new("story", &story(view, frame))?,
    ])
}

fn parcel(view: &OrderView, frame: &Frame<'_>) -> Parcel {
    let bottles = orders::bottles(&view.lines);
    let each = |line: &Line| if bottles.0 <= GLASSES_MAX { line.bottles.0 } else { 1 };
    let full = view.lines.iter().filter_map(|line| Some((line, beers::find(&line.beer)?)));
    let glasses = full.flat_map(|(line, beer)| std::iter::repeat_n(beer, usize::try_from(each(line)).unwrap_or(1)));
    let in_words = |line: &Line| {
        format!("{} × {}", format::number(frame.language, line.bottles.0.into()), wording::beer(&line.beer))
    };
    Parcel {
        glasses: glasses
            .take(orders::LINES_MAX)
            .enumerate()
            .map(|(place, beer)| glass(&format!("p-{place}"), beer, Some(beer.first_stock), None, Size::Large, None))
            .collect(),
        total: format::money(frame.language, view.total),
        bottles: frame.language.count("shop.bottles", bottles.0.into()),
        lines: view.lines.iter().take(orders::LINES_MAX).map(in_words).collect(),
        customer: view.customer.clone(),
        address: view.address.clone(),
    }
}

/// Counts only the topics that were seen.
fn story<'a>(view: &'a OrderView, frame: Frame<'a>) -> Story<'a> {
    let mut seen = BTreeSet::new();
    let names: Vec<_> = view.journey.iter().map(|step| step.topic).filter(|topic| seen.insert(*topic)).collect();
    let count = u64::try_from(names.len()).unwrap_or(u64::MAX);
    let key = if view.status.is_finished() { "order.story_topics" } else { "order.story_topics_so_far" };
    Story { frame, topics: frame.language.count(key, count), names: names.join(" · ") }
}

//! `/stage/stock`: every beer twice, as the log has it and as stock-level shows it.

use askama::Template;
use events::ids::Service;

use super::{Figure, Fragment, Frame, Parts, alive, figures, writes};
use crate::{
    format,
    glass::{Size, glass},
    views::{BeerOnShelf, StockView},
};

#[derive(Template)]
#[template(path = "stock/page.html")]
struct Page<'a> {
    frame: Frame<'a>,
    parts: Parts,
    beers: Vec<String>,
}

#[derive(Template)]
#[template(path = "stock/beer.html")]
struct BeerTemplate {
    id: &'static str,
    name: &'static str,
    svg: String,
    level: String,
    shown: String,
    state: &'static str,
    sign: &'static str,
}

#[derive(Template)]
#[template(path = "stock/writes.html")]
struct Writes<'a> {
    frame: Frame<'a>,
    workers: Vec<writes::Worker>,
    late: Vec<String>,
}

/// The whole page.
///
/// # Errors
/// If a template cannot be rendered.
pub fn render(view: &StockView, frame: Frame<'_>) -> askama::Result<String> {
    let beers = view.beers.iter().map(fragment_id).collect();
    Page { frame, parts: Parts(fragments(view, frame)?), beers }.render()
}

/// Everything on the page that can change.
///
/// # Errors
/// If a template cannot be rendered.
pub fn fragments(view: &StockView, frame: Frame<'_>) -> askama::Result<Vec<Fragment>> {
    let language = frame.language;
    let wrong = u64::try_from(view.wrong).unwrap_or(u64::MAX);
    let beers = u64::try_from(view.beers.len()).unwrap_or(u64::MAX);
    let mut fragments = vec![
        alive(&frame, &[Service::Warehouse, Service::StockLevel])?,
        figures(vec![
            Figure {
                text: frame.with("stock.figure_wrong", "n", &format::number(language, wrong)),
                label: language.count("stock.figure_of_beers", beers),
                tone: if wrong == 0 { "right" } else { "wrong" },
            },
            Figure {
                text: format::number(language, view.events),
                label: frame.t("stock.figure_events").to_owned(),
                tone: "plain",
            },
        ])?,
    ];
    for shelf in &view.beers {
        fragments.push(Fragment::new(fragment_id(shelf), &beer(shelf, &frame))?);
    }
    let writes =
        Writes { frame, workers: writes::by_worker(&view.writes), late: writes::late_in_words(view, language) };
    fragments.push(Fragment::new("writes", &writes)?);
    Ok(fragments)
}

fn fragment_id(shelf: &BeerOnShelf) -> String {
    format!("beer-{}", shelf.beer.id)
}

fn beer(shelf: &BeerOnShelf, frame: &Frame<'_>) -> BeerTemplate {
    let number = |n: u32| format::number(frame.language, n.into());
    let shown_level = || shelf.shown_level.map_or_else(|| "…".to_owned(), |level| number(level.0));
    let (state, sign, shown) = match (shelf.level, shelf.shown_level) {
        (None, _) => ("unknown", "", frame.t("stock.nothing_read").to_owned()),
        _ if shelf.wrong => ("wrong", "✗ ", frame.with("stock.shown", "n", &shown_level())),
        _ if shelf.behind > 0 => ("behind", "", frame.language.count("stock.behind", shelf.behind)),
        (_, None) => ("unknown", "", frame.t("stock.nothing_shown").to_owned()),
        (Some(level), Some(shown)) if level == shown => ("same", "", frame.t("stock.shown_the_same").to_owned()),
        // Different, yet not called wrong: the events are handled and the level is still under way.
        _ => ("behind", "", frame.with("stock.shown", "n", &shown_level())),
    };
    // While events are on their way a difference says nothing; only a wrong level is hatched.
    let gap = shelf.shown_level.filter(|_| shelf.wrong);
    BeerTemplate {
        id: shelf.beer.id,
        name: shelf.beer.short_name,
        svg: glass(&format!("s-{}", shelf.beer.id), shelf.beer, shelf.level, gap, Size::Large, None),
        level: shelf.level.map_or_else(|| "…".to_owned(), |level| number(level.0)),
        shown,
        state,
        sign,
    }
}

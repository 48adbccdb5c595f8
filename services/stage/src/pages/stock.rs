//! `/stock`: every beer as the log has it and as stock-level shows it; who wrote what, when; and the results of bursts
//! in each mode.

use askama::Template;
use events::{ids::Service, settings::Fold, topics::SubscriptionType};
use web::pure::{
    format,
    glass::{Size, glass},
    layout::{Fragment, Frame, Parts, alive},
};

use crate::pages::figures::{Figure, figures};
use crate::{
    pages::{bursts, explained, lanes, switches, view::PageView},
    read_model::stock::{BeerOnShelf, StockView},
};

#[derive(Template)]
#[template(path = "stock/page.html")]
struct Page<'a> {
    frame: Frame<'a>,
    parts: Parts,
    beers: Vec<String>,
    live: String,
    is_explained: bool,
}

#[derive(Template)]
#[template(path = "stock/words.html")]
struct Words {
    id: &'static str,
    words: String,
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
    /// The page that explains it, or the plain page if this one does.
    address: String,
    is_chosen: bool,
}

#[derive(Template)]
#[template(path = "stock/lanes.html")]
struct LanesTemplate<'a> {
    frame: Frame<'a>,
    lanes: lanes::Lanes,
}

#[derive(Template)]
#[template(path = "stock/late.html")]
struct Late {
    wrong: Vec<String>,
    aside: Option<String>,
}

impl PageView for StockView {
    fn render(&self, frame: Frame<'_>) -> askama::Result<String> {
        let beers = self.beers.iter().map(fragment_id).collect();
        let live = match &self.explained {
            Some((beer, _)) => format!("/live/stock-{}", beer.id),
            None => "/live/stock".to_owned(),
        };
        Page { frame, parts: Parts(self.fragments(frame)?), beers, live, is_explained: self.explained.is_some() }
            .render()
    }

    fn fragments(&self, frame: Frame<'_>) -> askama::Result<Vec<Fragment>> {
        let (lesson, reading) = lesson(self, &frame);
        // The explanation says it itself.
        let wrong = if self.explained.is_some() { Vec::new() } else { lanes::late_in_words(self, frame.language) };
        let late = Late { wrong, aside: lanes::aside_in_words(self, frame.language) };
        let mut fragments = vec![
            alive(&frame, &[Service::Warehouse, Service::StockLevel])?,
            Fragment::new("lesson", &Words { id: "lesson", words: lesson })?,
            Fragment::new("reading", &Words { id: "reading", words: reading })?,
            figures(vec![wrong_beers(self, &frame), burst_or_log(self, &frame)])?,
            switches::fragment(&self.folding, &frame)?,
            Fragment::new("late", &late)?,
            Fragment::new("lanes", &LanesTemplate { frame, lanes: lanes::lanes(self, frame.language) })?,
        ];
        fragments.push(match &self.explained {
            Some((beer, _)) => explained::fragment(beer, self, &frame)?,
            None => bursts::fragment(self, &frame)?,
        });
        let explained = self.explained.as_ref().map(|(beer, _)| beer.id);
        for shelf in &self.beers {
            fragments.push(Fragment::new(fragment_id(shelf), &beer(shelf, explained, &frame))?);
        }
        Ok(fragments)
    }
}

/// The lesson, and how to read it: depends on stock-level's mode and its result.
fn lesson(view: &StockView, frame: &Frame<'_>) -> (String, String) {
    let folding = view.folding;
    let (lesson, reading) = match (folding.subscription, folding.fold) {
        (SubscriptionType::Failover, _) => ("stock.failover", "stock.failover_reading"),
        (SubscriptionType::KeyShared, _) => ("stock.key_shared", "stock.key_shared_reading"),
        (SubscriptionType::Shared, Fold::Versioned) => ("stock.versioned", "stock.versioned_reading"),
        (SubscriptionType::Shared, Fold::Naive) => ("stock.shared", "stock.shared_reading"),
    };
    let is_the_anomaly = (folding.subscription, folding.fold) == (SubscriptionType::Shared, Fold::Naive);
    let lesson = match (view.wrong, is_the_anomaly) {
        (0, _) => frame.t(lesson).to_owned(),
        (_, true) => frame.t("stock.shared_and_wrong").to_owned(),
        (_, false) => frame.with("stock.wrong_elsewhere", "mode", folding.subscription.name()),
    };
    (lesson, frame.t(reading).to_owned())
}

fn wrong_beers(view: &StockView, frame: &Frame<'_>) -> Figure {
    let (wrong, beers) = (number(view.wrong), number(view.beers.len()));
    Figure {
        text: frame.with("stock.figure_wrong", "n", &format::number(frame.language, wrong)),
        label: frame.language.count("stock.figure_of_beers", beers),
        tone: if wrong == 0 { "right" } else { "wrong" },
    }
}

/// The duration of the last burst if it was in this mode; else the length of the log.
fn burst_or_log(view: &StockView, frame: &Frame<'_>) -> Figure {
    let language = frame.language;
    if view.is_bursting {
        return Figure { text: "…".to_owned(), label: frame.t("stock.figure_bursting").to_owned(), tone: "amber" };
    }
    match view.bursts.first().filter(|burst| burst.folding == view.folding) {
        Some(burst) => Figure {
            text: frame.with("stock.seconds", "n", &format::hundredths(language, burst.micros / 10_000)),
            label: language.count("stock.figure_burst", burst.events.into()),
            tone: "plain",
        },
        None => Figure {
            text: format::number(language, view.events),
            label: frame.t("stock.figure_events").to_owned(),
            tone: "plain",
        },
    }
}

fn number(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

fn fragment_id(shelf: &BeerOnShelf) -> String {
    format!("beer-{}", shelf.beer.id)
}

fn beer(shelf: &BeerOnShelf, explained: Option<&str>, frame: &Frame<'_>) -> BeerTemplate {
    let number = |n: u32| format::number(frame.language, n.into());
    let shown_level = || shelf.shown_level.map_or_else(|| "…".to_owned(), |level| number(level.0));
    let (state, sign, shown) = match (shelf.level, shelf.shown_level) {
        (None, _) => ("unknown", "", frame.t("stock.nothing_read").to_owned()),
        _ if shelf.wrong => ("wrong", "✗\u{202f}", frame.with("stock.shown", "n", &shown_level())),
        _ if shelf.behind > 0 => ("behind", "", frame.language.count("stock.behind", shelf.behind)),
        (_, None) => ("unknown", "", frame.t("stock.nothing_shown").to_owned()),
        (Some(level), Some(shown)) if level == shown => ("same", "", frame.t("stock.shown_the_same").to_owned()),
        // Different but not wrong: the level was read before the log.
        _ => ("behind", "", frame.with("stock.shown", "n", &shown_level())),
    };
    // While events are on their way a difference means nothing; only a wrong level is hatched.
    let gap = shelf.shown_level.filter(|_| shelf.wrong);
    let is_chosen = explained == Some(shelf.beer.id);
    let language = frame.language.tag();
    let address = if is_chosen {
        format!("/stock?lang={language}")
    } else {
        format!("/stock?beer={}&lang={language}", shelf.beer.id)
    };
    BeerTemplate {
        id: shelf.beer.id,
        name: shelf.beer.short_name,
        svg: glass(&format!("s-{}", shelf.beer.id), shelf.beer, shelf.level, gap, Size::Large, None),
        level: shelf.level.map_or_else(|| "…".to_owned(), |level| number(level.0)),
        shown,
        state,
        sign,
        address,
        is_chosen,
    }
}

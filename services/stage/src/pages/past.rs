//! `/past`: the time machine. The state at any moment of the episode; at rest, the current one.

use askama::Template;
use events::{
    beers::Beer,
    ids::{Moment, Service},
    quantities::Bottles,
};
use web::pure::{
    format,
    glass::{Size, glass},
    layout::{Fragment, Frame, Parts, alive},
};

use crate::pages::figures::{Figure, figures};
use crate::{pages::view::PageView, read_model::past::PastView};

/// The width of a bar, in its own units.
const BAR: u64 = 1000;

#[derive(Template)]
#[template(path = "past/page.html")]
struct Page<'a> {
    frame: Frame<'a>,
    parts: Parts,
    beers: Vec<String>,
    travel: Option<Travel>,
}

/// In milliseconds.
struct Travel {
    from: i64,
    to: i64,
    at: i64,
    from_text: String,
}

#[derive(Template)]
#[template(path = "past/moment.html")]
struct MomentTemplate<'a> {
    frame: Frame<'a>,
    at: Option<Moment>,
    clock: String,
    happened: Option<String>,
}

#[derive(Template)]
#[template(path = "past/beer.html")]
struct BeerTemplate {
    id: String,
    name: &'static str,
    svg: String,
    level: String,
}

#[derive(Template)]
#[template(path = "past/shares.html")]
struct Shares {
    bars: Vec<Bar>,
}

/// A whole and its parts.
struct Bar {
    title: &'static str,
    whole: String,
    parts: Vec<Part>,
}

struct Part {
    label: &'static str,
    number: String,
    tone: &'static str,
    /// Its offset in the bar.
    from: u64,
    width: u64,
}

impl PageView for PastView {
    fn render(&self, frame: Frame<'_>) -> askama::Result<String> {
        let beers = self.beers.iter().map(|(beer, _)| fragment_id(beer)).collect();
        Page { frame, parts: Parts(self.fragments(frame)?), beers, travel: travel(self, frame.now) }.render()
    }

    fn fragments(&self, frame: Frame<'_>) -> askama::Result<Vec<Fragment>> {
        let mut fragments = vec![
            alive(&frame, &[Service::InventoryAnalysis])?,
            figures(big_figures(self, &frame))?,
            Fragment::new("moment", &moment(self, frame))?,
            Fragment::new("shares", &Shares { bars: bars(self, &frame) })?,
        ];
        for (beer, level) in &self.beers {
            fragments.push(Fragment::new(fragment_id(beer), &beer_then(beer, *level, &frame))?);
        }
        Ok(fragments)
    }
}

/// `None` before the broker has told when the episode began.
fn travel(view: &PastView, now: Moment) -> Option<Travel> {
    let (from, to) = (view.began_at.millis(), now.millis());
    let at = view.at.map_or(to, Moment::millis).clamp(from, to.max(from));
    (from > 0).then(|| Travel { from, to, at, from_text: format::clock_seconds(view.began_at) })
}

fn fragment_id(beer: &Beer) -> String {
    format!("then-{}", beer.id)
}

fn big_figures(view: &PastView, frame: &Frame<'_>) -> Vec<Figure> {
    let bottles: u64 = view.beers.iter().filter_map(|(_, level)| *level).map(|level| u64::from(level.0)).sum();
    let figure = |text, label| Figure { text, label, tone: "plain" };
    let label = |key| frame.t(key).to_owned();
    let orders = view.orders.placed;
    vec![
        figure(format::money(frame.language, view.revenue), label("analysis.figure_revenue")),
        figure(format::number(frame.language, orders), frame.language.count("map.placed", orders)),
        figure(format::number(frame.language, bottles), label("past.figure_bottles")),
    ]
}

fn moment<'a>(view: &PastView, frame: Frame<'a>) -> MomentTemplate<'a> {
    MomentTemplate {
        frame,
        at: view.at,
        clock: view.at.map(format::clock_seconds).unwrap_or_default(),
        happened: view.events.map(|events| frame.language.count("past.happened", events)),
    }
}

fn beer_then(beer: &'static Beer, level: Option<Bottles>, frame: &Frame<'_>) -> BeerTemplate {
    BeerTemplate {
        id: fragment_id(beer),
        name: beer.short_name,
        svg: glass(&format!("t-{}", beer.id), beer, level, None, Size::Small, None),
        level: level.map_or_else(|| "–".to_owned(), |level| format::number(frame.language, level.0.into())),
    }
}

fn bars(view: &PastView, frame: &Frame<'_>) -> Vec<Bar> {
    let (orders, deliveries) = (&view.orders, &view.deliveries);
    vec![
        bar(
            frame,
            ("ledger.orders", frame.language.count("past.placed", orders.placed)),
            &[
                ("ledger.accepted", orders.accepted, "right"),
                ("ledger.waiting", orders.waiting, "amber"),
                ("ledger.refused", orders.refused, "wrong"),
            ],
        ),
        bar(
            frame,
            ("ledger.deliveries", frame.language.count("past.accepted", deliveries.accepted)),
            &[
                ("ledger.delivered", deliveries.delivered, "right"),
                ("ledger.under_way", deliveries.under_way, "amber"),
                ("ledger.returned", deliveries.returned, "soft"),
                ("ledger.stranded", deliveries.stranded, "wrong"),
            ],
        ),
    ]
}

fn bar(frame: &Frame<'_>, (title, whole): (&'static str, String), parts: &[(&'static str, u64, &'static str)]) -> Bar {
    let total = parts.iter().fold(0_u64, |total, (_, n, _)| total.saturating_add(*n));
    let mut before = 0_u64;
    let parts = parts.iter().map(|&(label, n, tone)| {
        let from = share(before, total);
        before = before.saturating_add(n);
        let number = format::number(frame.language, n);
        Part { label: frame.t(label), number, tone, from, width: share(before, total) - from }
    });
    Bar { title: frame.t(title), whole, parts: parts.collect() }
}

/// A share of a bar; zero of zero.
fn share(n: u64, total: u64) -> u64 {
    n.saturating_mul(BAR).checked_div(total).unwrap_or(0).min(BAR)
}

#[cfg(test)]
mod tests {
    use super::*;
    use web::pure::{language::Language, layout::Theme};

    use crate::samples;

    #[test]
    fn parts_fill_the_bar_without_a_gap() {
        let alive = samples::alive();
        let frame = Frame {
            language: Language::En,
            theme: Theme::Dark,
            alive: &alive,
            now: samples::NOW,
            presenter: false,
            follow: false,
            path: "",
        };
        for bar in bars(&samples::past(), &frame) {
            let ends: Vec<_> = bar.parts.iter().map(|part| part.from + part.width).collect();
            let begins: Vec<_> = bar.parts.iter().map(|part| part.from).collect();
            assert_eq!(begins[0], 0);
            assert_eq!(ends[..ends.len() - 1], begins[1..]);
            assert_eq!(ends.last(), Some(&BAR));
        }
        assert_eq!(share(3, 0), 0, "zero of zero");
    }

    #[test]
    fn the_slider_rests_at_now_and_stays_within_the_episode() {
        let view = |at: Option<i64>| PastView {
            began_at: samples::NOW.plus_millis(-60_000),
            at: at.map(|millis| samples::NOW.plus_millis(millis)),
            ..PastView::default()
        };
        let ahead = |view: &PastView| {
            let travel = travel(view, samples::NOW).unwrap();
            (travel.at - travel.from, travel.to - travel.from)
        };
        assert_eq!(ahead(&view(None)), (60_000, 60_000));
        assert_eq!(ahead(&view(Some(-20_000))), (40_000, 60_000));
        assert_eq!(ahead(&view(Some(-90_000))), (0, 60_000));
        assert!(travel(&PastView::default(), samples::NOW).is_none(), "no episode is known");
    }
}

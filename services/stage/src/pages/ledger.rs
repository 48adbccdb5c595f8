//! `/ledger`: the three sums that must hold.

use askama::Template;
use events::{
    ids::{Moment, Service},
    insights::{Ledger, OnTheWay},
};
use web::pure::{
    format,
    language::Language,
    layout::{Fragment, Frame, Parts, alive},
};

use crate::pages::figures::{Figure, figures};
use crate::{
    pages::{recovery::recovery, view::PageView, wording},
    read_model::insights::LedgerView,
};

/// The most that fits below the sums: the oldest.
const ON_THE_WAY_SHOWN_MAX: usize = 3;

#[derive(Template)]
#[template(path = "ledger/page.html")]
struct Page<'a> {
    frame: Frame<'a>,
    parts: Parts,
}

#[derive(Template)]
#[template(path = "ledger/sums.html")]
struct Sums<'a> {
    frame: Frame<'a>,
    sums: Vec<Sum>,
}

/// `left[0] + left[1] + … = right[0] + right[1] + …`
struct Sum {
    title: &'static str,
    left: Vec<Term>,
    right: Vec<Term>,
    /// The difference of the sides, if there is one.
    off: Option<String>,
}

struct Term {
    number: String,
    label: &'static str,
}

#[derive(Template)]
#[template(path = "ledger/under_way.html")]
struct UnderWay<'a> {
    frame: Frame<'a>,
    listed: bool,
    things: Vec<Thing<'a>>,
    more: Option<String>,
}

struct Thing<'a> {
    id: &'a str,
    what: &'static str,
    since: Moment,
    since_text: String,
}

#[derive(Template)]
#[template(path = "ledger/contradictions.html")]
struct Contradictions<'a> {
    frame: Frame<'a>,
    known: bool,
    found: Vec<Found<'a>>,
    more: Option<String>,
}

struct Found<'a> {
    at: String,
    id: Option<&'a str>,
    what: String,
}

impl PageView for LedgerView {
    fn render(&self, frame: Frame<'_>) -> askama::Result<String> {
        Page { frame, parts: Parts(self.fragments(frame)?) }.render()
    }

    fn fragments(&self, frame: Frame<'_>) -> askama::Result<Vec<Fragment>> {
        let ledger = self.ledger.as_ref();
        let contradictions = Contradictions {
            frame,
            known: ledger.is_some(),
            found: ledger.map(|ledger| found(ledger, frame.language)).unwrap_or_default(),
            more: ledger.and_then(|ledger| frame.more(ledger.contradictions_found, ledger.contradictions.len())),
        };
        Ok(vec![
            alive(&frame, &[Service::InventoryAnalysis])?,
            figures(big_figures(self, &frame))?,
            Fragment::new(
                "sums",
                &Sums { frame, sums: ledger.map(|ledger| sums(ledger, frame.language)).unwrap_or_default() },
            )?,
            Fragment::new("under-way", &on_the_way(ledger, frame))?,
            recovery(&self.outages, frame)?,
            Fragment::new("contradictions", &contradictions)?,
        ])
    }
}

fn on_the_way<'a>(ledger: Option<&'a Ledger>, frame: Frame<'a>) -> UnderWay<'a> {
    let Some(ledger) = ledger else { return UnderWay { frame, listed: false, things: vec![], more: None } };
    let things: Vec<Thing<'a>> =
        ledger.on_the_way.iter().take(ON_THE_WAY_SHOWN_MAX).map(|thing| under_way(thing, &frame)).collect();
    // At most twenty are listed, but all are counted. What waits for its cause is only listed.
    let listed = u64::try_from(ledger.on_the_way.len()).unwrap_or(u64::MAX);
    let total = (ledger.orders.waiting + ledger.deliveries.under_way).max(listed);
    let more = frame.more(total, things.len());
    UnderWay { frame, listed: true, things, more }
}

fn big_figures(view: &LedgerView, frame: &Frame<'_>) -> Vec<Figure> {
    let Some(ledger) = &view.ledger else { return vec![] };
    let since = view.since.map(|since| frame.with("ledger.since", "time", &format::clock_seconds(since)));
    let (text, tone) = verdict(ledger, frame.language);
    vec![
        Figure { text: frame.t(text).to_owned(), label: since.unwrap_or_default(), tone },
        Figure {
            text: format::number(frame.language, ledger.orders.placed),
            label: frame.language.count("map.placed", ledger.orders.placed),
            tone: "plain",
        },
    ]
}

/// The verdict in a word; the sums, the contradictions and overdue orders stand below.
fn verdict(ledger: &Ledger, language: Language) -> (&'static str, &'static str) {
    if ledger.balanced {
        ("ledger.balanced", "right")
    } else if sums(ledger, language).iter().any(|sum| sum.off.is_some()) {
        ("ledger.unbalanced", "wrong")
    } else if ledger.contradictions_found > 0 {
        ("ledger.contradicted", "wrong")
    } else {
        ("ledger.overdue", "wrong")
    }
}

fn sums(ledger: &Ledger, language: Language) -> Vec<Sum> {
    let (bottles, orders, deliveries) = (&ledger.bottles, &ledger.orders, &ledger.deliveries);
    let sum = |title, left: &[(&'static str, u64)], right: &[(&'static str, u64)]| {
        let total = |side: &[(&str, u64)]| side.iter().fold(0_u64, |sum, (_, n)| sum.saturating_add(*n));
        let terms = |side: &[(&'static str, u64)]| {
            let term = |(label, n): &(&'static str, u64)| Term {
                number: format::number(language, *n),
                label: language.t(label),
            };
            side.iter().map(term).collect()
        };
        let off = total(left).abs_diff(total(right));
        Sum {
            title: language.t(title),
            left: terms(left),
            right: terms(right),
            off: (off > 0).then(|| format::number(language, off)),
        }
    };
    vec![
        sum(
            "ledger.bottles",
            &[
                ("ledger.counted", bottles.counted),
                ("ledger.received", bottles.received),
                ("ledger.released", bottles.released),
            ],
            &[("ledger.reserved", bottles.reserved), ("ledger.on_shelf", bottles.on_shelf)],
        ),
        sum(
            "ledger.orders",
            &[("ledger.placed", orders.placed)],
            &[
                ("ledger.accepted", orders.accepted),
                ("ledger.refused", orders.refused),
                ("ledger.waiting", orders.waiting),
            ],
        ),
        sum(
            "ledger.deliveries",
            &[("ledger.accepted", deliveries.accepted)],
            &[
                ("ledger.delivered", deliveries.delivered),
                ("ledger.under_way", deliveries.under_way),
                ("ledger.stranded", deliveries.stranded),
                ("ledger.returned", deliveries.returned),
            ],
        ),
    ]
}

fn under_way<'a>(thing: &'a OnTheWay, frame: &Frame<'_>) -> Thing<'a> {
    Thing {
        id: thing.order_id.as_str(),
        what: wording::waits_for(frame.language, thing.what),
        since: thing.since,
        since_text: frame.with("ledger.since", "time", &format::clock_seconds(thing.since)),
    }
}

fn found(ledger: &Ledger, language: Language) -> Vec<Found<'_>> {
    let found = ledger.contradictions.iter().map(|contradiction| Found {
        at: format::clock_seconds(contradiction.at),
        id: contradiction.order_id.as_ref().map(|id| id.as_str()),
        what: wording::contradiction(language, &contradiction.what),
    });
    found.collect()
}

//! `/rebuild`: everything is folded again from the first message, beside the live view, and compared with it.

use askama::Template;
use events::{
    ids::Service,
    insights::{GivenUp, OrderSums, Rebuild},
};
use web::pure::{
    format,
    layout::{Fragment, Frame, Parts, alive},
};

use crate::pages::figures::{Figure, figures};
use crate::{
    pages::{view::PageView, wording},
    read_model::past::RebuildView,
};

/// The length of the tape, in its own units.
const TAPE: u64 = 1000;
/// The most differences on the page.
const DIFFERENCES_SHOWN_MAX: usize = 5;

#[derive(Template)]
#[template(path = "past/rebuild_page.html")]
struct Page<'a> {
    frame: Frame<'a>,
    parts: Parts,
}

#[derive(Template)]
#[template(path = "past/rebuild.html")]
struct RebuildTemplate<'a> {
    frame: Frame<'a>,
    state: State,
    /// When it ended.
    over_at: Option<String>,
    read: u64,
    read_text: String,
    differences: Vec<String>,
    more: Option<String>,
    given_up: Option<&'static str>,
    error: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "past/meanwhile.html")]
struct Meanwhile {
    terms: Vec<(String, &'static str)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Never,
    Running,
    Identical,
    Different,
    GivenUp,
}

impl State {
    fn of(rebuild: Option<&Rebuild>) -> State {
        match rebuild {
            None => State::Never,
            Some(rebuild) if rebuild.running => State::Running,
            Some(rebuild) => match rebuild.identical {
                Some(true) => State::Identical,
                Some(false) => State::Different,
                None if rebuild.given_up.is_some() => State::GivenUp,
                None => State::Never,
            },
        }
    }

    const fn class(self) -> &'static str {
        match self {
            State::Never => "never",
            State::Running => "running",
            State::Identical => "right",
            State::Different | State::GivenUp => "wrong",
        }
    }

    fn words(self, frame: &Frame<'_>) -> &'static str {
        frame.t(match self {
            State::Never => "rebuild.never",
            State::Running => "rebuild.running",
            State::Identical => "rebuild.identical",
            State::Different => "rebuild.different",
            State::GivenUp => "rebuild.given_up",
        })
    }
}

impl PageView for RebuildView {
    fn render(&self, frame: Frame<'_>) -> askama::Result<String> {
        Page { frame, parts: Parts(self.fragments(frame)?) }.render()
    }

    fn fragments(&self, frame: Frame<'_>) -> askama::Result<Vec<Fragment>> {
        let rebuild = self.rebuild.as_ref();
        let state = State::of(rebuild);
        let rebuild = rebuild.filter(|_| state != State::Never);
        let given_up = rebuild.and_then(|rebuild| rebuild.given_up.as_ref());
        let differences = rebuild.map(|rebuild| rebuild.differences.as_slice()).unwrap_or_default();
        let differences = differences.iter().take(DIFFERENCES_SHOWN_MAX);
        let differing = rebuild.map_or(0, |rebuild| rebuild.differing);
        let tape = RebuildTemplate {
            frame,
            state,
            over_at: rebuild.filter(|rebuild| !rebuild.running).map(|rebuild| format::clock_seconds(rebuild.at)),
            read: rebuild.map_or(0, read),
            read_text: rebuild.map(|rebuild| read_text(rebuild, &frame)).unwrap_or_default(),
            more: frame.more(differing, differences.len()),
            differences: differences.map(|difference| wording::difference(frame.language, difference)).collect(),
            given_up: given_up.map(|why| why_given_up(why, &frame)),
            error: given_up.and_then(error),
        };
        Ok(vec![
            alive(&frame, &[Service::InventoryAnalysis])?,
            figures(rebuild.map(|rebuild| big_figures(rebuild, &frame)).unwrap_or_default())?,
            Fragment::new("rebuild", &tape)?,
            Fragment::new("meanwhile", &meanwhile(&self.live, &frame))?,
        ])
    }
}

fn big_figures(rebuild: &Rebuild, frame: &Frame<'_>) -> Vec<Figure> {
    let figure =
        |n, label, tone| Figure { text: format::number(frame.language, n), label: frame.t(label).to_owned(), tone };
    vec![
        figure(rebuild.events_per_second, "rebuild.figure_rate", "amber"),
        figure(rebuild.events, "rebuild.figure_read", "plain"),
    ]
}

fn why_given_up(why: &GivenUp, frame: &Frame<'_>) -> &'static str {
    frame.t(match why {
        GivenUp::ProcessEnded => "rebuild.process_ended",
        GivenUp::Failed { .. } => "rebuild.failed",
    })
}

fn error(why: &GivenUp) -> Option<&str> {
    match why {
        GivenUp::ProcessEnded => None,
        GivenUp::Failed { error } => Some(error),
    }
}

/// How much of the tape is read, in its units.
fn read(rebuild: &Rebuild) -> u64 {
    rebuild.events.saturating_mul(TAPE).checked_div(rebuild.total).unwrap_or(0).min(TAPE)
}

fn read_text(rebuild: &Rebuild, frame: &Frame<'_>) -> String {
    let [events, total] = [rebuild.events, rebuild.total].map(|n| format::number(frame.language, n));
    frame.language.fill("rebuild.read", &[("n", &events), ("total", &total)])
}

fn meanwhile(live: &OrderSums, frame: &Frame<'_>) -> Meanwhile {
    let term = |n, label| (format::number(frame.language, n), frame.t(label));
    Meanwhile {
        terms: vec![
            term(live.placed, "ledger.placed"),
            term(live.accepted, "ledger.accepted"),
            term(live.refused, "ledger.refused"),
            term(live.waiting, "ledger.waiting"),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_became_of_it() {
        let state = |running, identical, given_up| {
            State::of(Some(&Rebuild { running, identical, given_up, ..Rebuild::default() }))
        };
        assert_eq!(State::of(None), State::Never);
        assert_eq!(state(false, None, None), State::Never, "before the first one there is nothing to show");
        assert_eq!(state(true, None, None), State::Running);
        assert_eq!(state(false, Some(true), None), State::Identical);
        assert_eq!(state(false, Some(false), None), State::Different);
        assert_eq!(state(false, None, Some(GivenUp::ProcessEnded)), State::GivenUp);
    }

    #[test]
    fn the_tape_is_never_read_beyond_its_end() {
        let of = |events, total| read(&Rebuild { events, total, ..Rebuild::default() });
        assert_eq!([of(0, 0), of(1, 4), of(4, 4), of(9, 4)], [0, 250, TAPE, TAPE]);
    }
}

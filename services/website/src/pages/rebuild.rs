//! `/stage/rebuild`: everything folded again from the first message, beside the live view, and compared with it.

use askama::Template;
use events::{
    ids::Service,
    insights::{OrderSums, Rebuild},
};

use super::{Figure, Fragment, Frame, Parts, alive, figures};
use crate::{format, views::RebuildView};

/// Length of the tape in its own units.
const TAPE: u64 = 1000;
/// Differences that have room on the page.
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
    read: u64,
    read_text: String,
    differences: &'a [String],
}

#[derive(Template)]
#[template(path = "past/meanwhile.html")]
struct Meanwhile {
    terms: Vec<(String, &'static str)>,
}

/// How far it is.
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
                None if rebuild.differences.is_empty() => State::Never,
                None => State::GivenUp,
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

/// The whole page.
///
/// # Errors
/// If a template cannot be rendered.
pub fn render(view: &RebuildView, frame: Frame<'_>) -> askama::Result<String> {
    Page { frame, parts: Parts(fragments(view, frame)?) }.render()
}

/// Everything on the page that can change.
///
/// # Errors
/// If a template cannot be rendered.
pub fn fragments(view: &RebuildView, frame: Frame<'_>) -> askama::Result<Vec<Fragment>> {
    let rebuild = view.rebuild.as_ref();
    let state = State::of(rebuild);
    let rebuild = rebuild.filter(|_| state != State::Never);
    let differences = rebuild.map(|rebuild| rebuild.differences.as_slice()).unwrap_or_default();
    let tape = RebuildTemplate {
        frame,
        state,
        read: rebuild.map_or(0, read),
        read_text: rebuild.map(|rebuild| read_text(rebuild, &frame)).unwrap_or_default(),
        differences: differences.get(..DIFFERENCES_SHOWN_MAX).unwrap_or(differences),
    };
    Ok(vec![
        alive(&frame, &[Service::InventoryAnalysis])?,
        figures(rebuild.map(|rebuild| big_figures(rebuild, &frame)).unwrap_or_default())?,
        Fragment::new("rebuild", &tape)?,
        Fragment::new("meanwhile", &meanwhile(&view.live, &frame))?,
    ])
}

fn big_figures(rebuild: &Rebuild, frame: &Frame<'_>) -> Vec<Figure> {
    let figure =
        |n, label, tone| Figure { text: format::number(frame.language, n), label: frame.t(label).to_owned(), tone };
    vec![
        figure(rebuild.events_per_second, "rebuild.figure_rate", "amber"),
        figure(rebuild.events, "rebuild.figure_read", "plain"),
    ]
}

/// How far the tape is read, in its units.
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
        let state = |running, identical, differences: &[&str]| {
            let differences = differences.iter().map(|text| (*text).to_owned()).collect();
            State::of(Some(&Rebuild { running, identical, differences, ..Rebuild::default() }))
        };
        assert_eq!(State::of(None), State::Never);
        assert_eq!(state(false, None, &[]), State::Never, "what is known before the first one says nothing");
        assert_eq!(state(true, None, &[]), State::Running);
        assert_eq!(state(false, Some(true), &[]), State::Identical);
        assert_eq!(state(false, Some(false), &["an order"]), State::Different);
        assert_eq!(state(false, None, &["the process ended"]), State::GivenUp);
    }

    #[test]
    fn the_tape_is_never_read_beyond_its_end() {
        let of = |events, total| read(&Rebuild { events, total, ..Rebuild::default() });
        assert_eq!([of(0, 0), of(1, 4), of(4, 4), of(9, 4)], [0, 250, TAPE, TAPE]);
    }
}

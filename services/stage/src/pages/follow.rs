//! `/orders/{id}`: one order hop by hop, each a bar from its cause to itself.

use askama::Template;
use events::ids::Moment;
use web::{
    order::{
        journey,
        view::{OrderView, Status, Step, What},
        way, wording,
    },
    pure::{
        format,
        language::Language,
        layout::{Fragment, Frame, Parts, alive},
    },
};

use crate::pages::axis::{Axis, Mark};
use crate::pages::figures::{Figure, figures};

/// Shown for less than a millisecond.
const INSTANT: &str = "<\u{a0}1\u{a0}ms";

#[derive(Template)]
#[template(path = "follow/page.html")]
struct Page<'a> {
    frame: Frame<'a>,
    parts: Parts,
    id: &'a str,
    /// Where this browser finds the shop.
    shop: &'a str,
    finished: bool,
}

#[derive(Template)]
#[template(path = "follow/head.html")]
struct Head<'a> {
    frame: Frame<'a>,
    id: &'a str,
    status: &'static str,
    tone: &'static str,
    trace: Option<String>,
}

#[derive(Template)]
#[template(path = "follow/waterfall.html")]
struct Waterfall<'a> {
    frame: Frame<'a>,
    marks: Vec<Mark>,
    rows: Vec<Row<'a>>,
}

struct Row<'a> {
    title: String,
    detail: String,
    service: &'static str,
    topic: &'static str,
    event_id: &'a str,
    /// Where its bar begins, and its width.
    bar: (String, String),
    /// `aside` for hops that the customer never sees, `wrong`, `right` or `amber`.
    tone: &'static str,
    /// How long it took; empty for the first one.
    took: String,
    /// The time since the first one; for that one, the time of day.
    later: String,
}

/// The whole page, for a browser that finds the shop at this address.
///
/// # Errors
/// If a template cannot be rendered.
pub fn render(view: &OrderView, shop: &str, frame: Frame<'_>) -> askama::Result<String> {
    let parts = Parts(fragments(view, frame)?);
    Page { frame, parts, id: view.order_id.as_str(), shop, finished: view.status.is_finished() }.render()
}

/// All fragments that can change.
///
/// # Errors
/// If a template cannot be rendered.
pub fn fragments(view: &OrderView, frame: Frame<'_>) -> askama::Result<Vec<Fragment>> {
    let head = Head {
        frame,
        id: view.order_id.as_str(),
        status: wording::status(frame.language, view.status),
        tone: wording::tone(view.status),
        trace: view.trace.map(|trace| trace.to_string()),
    };
    Ok(vec![
        alive(&frame, &[])?,
        figures(big_figures(view, &frame))?,
        Fragment::new("followed", &head)?,
        Fragment::new("waterfall", &waterfall(view, frame))?,
    ])
}

fn big_figures(view: &OrderView, frame: &Frame<'_>) -> Vec<Figure> {
    let hops = u64::try_from(view.journey.len()).unwrap_or(u64::MAX);
    let mut figures = Vec::with_capacity(2);
    if let Some(micros) = total(view) {
        let label = if view.status.is_finished() { "follow.total" } else { "follow.total_so_far" };
        figures.push(Figure {
            text: took(micros, frame.language),
            label: frame.t(label).to_owned(),
            tone: wording::tone(view.status),
        });
    }
    figures.push(Figure {
        text: format::number(frame.language, hops),
        label: frame.language.count("follow.hops", hops),
        tone: "plain",
    });
    figures
}

/// From the order to the hop the customer waits for: delivered, or else the last one.
fn total(view: &OrderView) -> Option<i64> {
    let delivered = view.journey.iter().find(|step| matches!(step.what, What::Delivered { .. }));
    let last = delivered.filter(|_| view.status == Status::Delivered).or(view.journey.last())?;
    Some(last.at.micros_since(view.journey.first()?.at))
}

fn waterfall<'a>(view: &'a OrderView, frame: Frame<'a>) -> Waterfall<'a> {
    let steps = &view.journey;
    let origin = steps.first().map_or(Moment::default(), |step| step.at);
    let axis = Axis::until(steps.last().map_or(0, |step| step.at.micros_since(origin)));
    let causes = journey::causes(steps);
    let hops = steps.iter().zip(causes).enumerate();
    let rows =
        hops.map(|(place, (step, cause))| row(steps, place, step, cause, axis, origin, frame.language)).collect();
    Waterfall { frame, marks: axis.marks(), rows }
}

fn row<'a>(
    steps: &[Step],
    place: usize,
    step: &'a Step,
    cause: Option<usize>,
    axis: Axis,
    origin: Moment,
    language: Language,
) -> Row<'a> {
    let began = journey::began(steps, place, cause);
    let (title, mut detail) = way::in_words(step, language);
    if let Some(before) = journey::taken_over_from(steps, place, cause) {
        detail = format!("{detail} · {}", language.fill("follow.taken_over", &[("courier", before)]));
    }
    let is_first = step.at == origin && cause.is_none();
    Row {
        title,
        detail,
        service: step.service.name(),
        topic: step.topic,
        event_id: step.event_id.as_str(),
        bar: axis.bar(began.micros_since(origin), step.at.micros_since(origin)),
        tone: tone(&step.what),
        took: if is_first { String::new() } else { took(step.at.micros_since(began), language) },
        later: if is_first { format::clock(step.at) } else { format::later(language, step.at.micros_since(origin)) },
    }
}

fn took(micros: i64, language: Language) -> String {
    match u64::try_from(micros).unwrap_or(0) {
        0..1000 => INSTANT.to_owned(),
        micros => format::duration(language, micros),
    }
}

const fn tone(what: &What) -> &'static str {
    match what {
        What::Refused { .. } | What::AttemptFailed { .. } | What::Stranded { .. } | What::Returned => "wrong",
        What::Delivered { .. } => "right",
        What::Reserved { .. } | What::Released { .. } | What::Shown { .. } | What::Counted => "aside",
        What::Placed | What::Accepted { .. } | What::PickedUp { .. } | What::Redriven { .. } => "amber",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn rows(order: &OrderView) -> Vec<(String, &'static str, String)> {
        let mut steps = order.journey.clone();
        journey::sort(&mut steps);
        let causes = journey::causes(&steps);
        let origin = steps[0].at;
        let axis = Axis::until(steps.last().unwrap().at.micros_since(origin));
        let row = |(place, (step, cause))| row(&steps, place, step, cause, axis, origin, Language::En);
        let rows = steps.iter().zip(causes).enumerate().map(row);
        rows.map(|row| (row.title, row.tone, row.took)).collect()
    }

    #[test]
    fn a_hop_takes_as_long_as_from_its_cause_to_itself() {
        let order = samples::order(Status::Delivered);
        let rows = rows(&order);
        assert_eq!(rows[0], ("Placed".into(), "amber", String::new()));
        let accepted = rows.iter().find(|(title, ..)| title == "Accepted").unwrap();
        assert_eq!(accepted.2, "9\u{a0}ms");
        assert_eq!(rows.last(), Some(&("Delivered".into(), "right", "3.1\u{a0}s".into())));
        assert_eq!(total(&order), Some(3_210_000));
    }
}

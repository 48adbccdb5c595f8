//! `/fraud`: a second subscription of the orders, attached and detached while everything runs.

use askama::Template;
use events::{
    ids::{OrderId, Service},
    insights::{Finding, Fraud, FraudRule},
    topics::{FRAUD_WATCH, ORDERS},
};
use web::pure::{
    format,
    language::Language,
    layout::{Fragment, Frame, Parts, alive},
};

use crate::pages::figures::{Figure, figures};
use crate::{pages::view::PageView, read_model::past::FraudView};

/// The most findings on the page.
const FINDINGS_SHOWN_MAX: usize = 7;
/// The most orders named in a finding.
const ORDERS_NAMED_MAX: usize = 2;

#[derive(Template)]
#[template(path = "fraud/page.html")]
struct Page<'a> {
    frame: Frame<'a>,
    parts: Parts,
}

#[derive(Template)]
#[template(path = "fraud/watch.html")]
struct Watch<'a> {
    frame: Frame<'a>,
    state: State,
    /// The other subscriptions of the topic.
    others: Vec<&'static str>,
    own: &'static str,
    words: String,
}

#[derive(Template)]
#[template(path = "fraud/findings.html")]
struct Findings<'a> {
    frame: Frame<'a>,
    none: &'static str,
    findings: Vec<Row<'a>>,
    more: Option<String>,
}

struct Row<'a> {
    rule: &'static str,
    customer: &'a str,
    why: String,
    orders: &'a [OrderId],
    more: Option<String>,
    at: String,
}

/// Whether it is attached, and whether it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Detached,
    Attaching,
    Attached,
    Detaching,
}

impl State {
    fn of(view: &FraudView) -> State {
        let attached = view.fraud.as_ref().is_some_and(|fraud| fraud.attached);
        match (view.wanted, attached) {
            (false, false) => State::Detached,
            (true, false) => State::Attaching,
            (true, true) => State::Attached,
            (false, true) => State::Detaching,
        }
    }

    const fn class(self) -> &'static str {
        match self {
            State::Attached => "attached",
            State::Attaching | State::Detaching => "changing",
            State::Detached => "detached",
        }
    }

    /// Whether it is attached or about to be, so that it can be detached.
    const fn is_wanted(self) -> bool {
        matches!(self, State::Attached | State::Attaching)
    }
}

impl PageView for FraudView {
    fn render(&self, frame: Frame<'_>) -> askama::Result<String> {
        Page { frame, parts: Parts(self.fragments(frame)?) }.render()
    }

    fn fragments(&self, frame: Frame<'_>) -> askama::Result<Vec<Fragment>> {
        let state = State::of(self);
        let fraud = self.fraud.as_ref().filter(|fraud| fraud.attached);
        let subscriptions = ORDERS.spec.subscriptions.iter().filter(|subscription| subscription.is_permanent());
        let watch = Watch {
            frame,
            state,
            others: subscriptions.map(|subscription| subscription.name).collect(),
            own: FRAUD_WATCH.name,
            words: state_words(state, self, &frame),
        };
        Ok(vec![
            alive(&frame, &[Service::InventoryAnalysis])?,
            figures(fraud.map(|fraud| big_figures(fraud, &frame)).unwrap_or_default())?,
            Fragment::new("watch", &watch)?,
            Fragment::new("findings", &findings(fraud, frame))?,
        ])
    }
}

fn big_figures(fraud: &Fraud, frame: &Frame<'_>) -> Vec<Figure> {
    let language = frame.language;
    let figure = |n, label, tone| Figure { text: format::number(language, n), label: language.count(label, n), tone };
    let tone = if fraud.findings_total == 0 { "right" } else { "wrong" };
    vec![
        figure(fraud.orders_seen, "fraud.figure_seen", "plain"),
        figure(fraud.findings_total, "fraud.figure_found", tone),
    ]
}

fn state_words(state: State, view: &FraudView, frame: &Frame<'_>) -> String {
    match (state, view.since) {
        (State::Attached, Some(since)) => frame.with("fraud.attached", "time", &format::clock_seconds(since)),
        (State::Attaching | State::Attached, _) => frame.t("fraud.attaching").to_owned(),
        (State::Detaching, _) => frame.t("fraud.detaching").to_owned(),
        (State::Detached, _) => frame.t("fraud.detached").to_owned(),
    }
}

fn findings<'a>(fraud: Option<&'a Fraud>, frame: Frame<'a>) -> Findings<'a> {
    let listed = fraud.map(|fraud| fraud.findings.as_slice()).unwrap_or_default();
    let shown = listed.get(..FINDINGS_SHOWN_MAX).unwrap_or(listed);
    let total = fraud.map_or(0, |fraud| fraud.findings_total);
    Findings {
        frame,
        none: frame.t(if fraud.is_some() { "fraud.none" } else { "fraud.nobody_looks" }),
        findings: shown.iter().map(|finding| row(finding, frame.language)).collect(),
        more: frame.more(total, shown.len()),
    }
}

fn row(finding: &Finding, language: Language) -> Row<'_> {
    let orders = finding.orders.as_slice();
    let named = orders.get(..ORDERS_NAMED_MAX).unwrap_or(orders);
    let rest = u64::try_from(orders.len() - named.len()).unwrap_or(u64::MAX);
    Row {
        rule: rule(finding.rule, language),
        customer: &finding.customer,
        why: why(finding, language),
        orders: named,
        more: (rest > 0).then(|| language.fill("fraud.more_orders", &[("n", &format::number(language, rest))])),
        at: format::clock_seconds(finding.at),
    }
}

fn rule(rule: FraudRule, language: Language) -> &'static str {
    language.t(match rule {
        FraudRule::Burst => "fraud.burst",
        FraudRule::Absurd => "fraud.absurd",
    })
}

/// A finding's words in another language: the rule's text with the numbers from the finding, in order. Words with
/// unexpected numbers stay as they are.
fn why(finding: &Finding, language: Language) -> String {
    let numbers = finding.why.split_whitespace().filter(|word| word.bytes().all(|b| b.is_ascii_digit() || b == b'.'));
    let numbers: Vec<&str> = numbers.collect();
    match (finding.rule, numbers.as_slice()) {
        (FraudRule::Burst, &[orders, seconds]) => {
            let tenths = seconds.replace('.', "").parse().map(|tenths| format::tenths(language, tenths));
            let seconds = tenths.unwrap_or_else(|_| seconds.to_owned());
            language.fill("fraud.burst_why", &[("n", orders), ("seconds", &seconds)])
        }
        (FraudRule::Absurd, &[bottles]) => language.fill("fraud.absurd_why", &[("n", bottles)]),
        _ => finding.why.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::ids::Moment;

    fn finding(rule: FraudRule, why: &str) -> Finding {
        let orders = ["a1", "a2", "a3"].map(|id| id.parse().unwrap()).to_vec();
        Finding { rule, customer: "Mallory".into(), orders, at: Moment::default(), why: why.into() }
    }

    #[test]
    fn the_reason_keeps_its_numbers_in_both_languages() {
        let burst = finding(FraudRule::Burst, "12 orders in 3.4 s");
        assert_eq!(why(&burst, Language::En), "12 orders in 3.4\u{a0}s");
        assert!(why(&burst, Language::Fr).starts_with("12 commandes en 3,4"));
        let absurd = finding(FraudRule::Absurd, "96 bottles in one order");
        assert_eq!(why(&absurd, Language::En), "96 bottles in one order");
        assert!(why(&absurd, Language::Fr).starts_with("96 bouteilles"));
        let odd = finding(FraudRule::Burst, "too many orders");
        assert_eq!(why(&odd, Language::Fr), "too many orders");
    }

    #[test]
    fn what_is_wanted_and_what_is_so_are_told_apart() {
        let state = |wanted, attached| {
            let fraud = Some(Fraud { attached, ..Fraud::default() });
            State::of(&FraudView { fraud, since: None, wanted })
        };
        assert_eq!(State::of(&FraudView::default()), State::Detached);
        assert_eq!([state(true, false), state(true, true)], [State::Attaching, State::Attached]);
        assert_eq!(state(false, true), State::Detaching);
    }

    #[test]
    fn orders_beyond_the_first_are_counted() {
        let finding = finding(FraudRule::Burst, "3 orders in 1.0 s");
        let row = row(&finding, Language::En);
        assert_eq!((row.orders.len(), row.more.as_deref()), (2, Some("+ 1")));
    }
}

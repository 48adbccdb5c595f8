//! The mode of stock-level as switches: everybody sees them, the presenter can flip them.

use askama::Template;
use events::{
    settings::{Fold, Folding},
    topics::SubscriptionType,
};
use serde_json::{Value, json};
use web::pure::{
    format,
    layout::{Fragment, Frame},
};

#[derive(Template)]
#[template(path = "stock/switches.html")]
struct Switches<'a> {
    frame: Frame<'a>,
    switches: [Switch; 2],
}

struct Switch {
    id: &'static str,
    name: &'static str,
    /// The path in the settings.
    path: &'static str,
    positions: Vec<Position>,
}

struct Position {
    words: &'static str,
    value: String,
    is_so: bool,
}

pub(super) fn fragment(folding: &Folding, frame: &Frame<'_>) -> askama::Result<Fragment> {
    let position = |words, value: Value, is: Value| Position { words, is_so: value == is, value: value.to_string() };
    let types = [SubscriptionType::Failover, SubscriptionType::Shared, SubscriptionType::KeyShared];
    let folds = [(Fold::Naive, "console.naive"), (Fold::Versioned, "console.versioned")];
    let subscription = Switch {
        id: "switch-subscription",
        name: frame.t("console.subscription"),
        path: "stock_level.subscription",
        positions: types.map(|kind| position(kind.name(), json!(kind), json!(folding.subscription))).into(),
    };
    let fold = Switch {
        id: "switch-fold",
        name: frame.t("console.fold"),
        path: "stock_level.fold",
        positions: folds.map(|(fold, words)| position(frame.t(words), json!(fold), json!(folding.fold))).into(),
    };
    let switches = Switches { frame: *frame, switches: [subscription, fold] };
    Fragment::new("switches", &switches)
}

/// The number of workers, and how long an event takes.
pub(super) fn crew(folding: &Folding, frame: &Frame<'_>) -> String {
    let workers = frame.language.count("stock.workers", folding.workers.into());
    let [from, to] = folding.work_ms.map(|ms| format::number(frame.language, ms.into()));
    if folding.work_ms == [0, 0] {
        return workers;
    }
    let work = frame.language.fill("console.work_from_to", &[("from", &from), ("to", &to)]);
    format!("{workers} · {}", frame.with("stock.an_event", "work", &work))
}

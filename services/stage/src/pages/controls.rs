//! The controls of the console: dials along a ladder of values, and choices of one among a few.
//!
//! They show the current value, and what a press would set; the script sends it. Each is a fragment whose children have
//! their own ids, so that a new value does not replace a button that is being pressed.

use askama::Template;
use events::{
    settings::{COURIERS_MAX, Choices, Fold, Share, WORKERS_MAX},
    topics::SubscriptionType::{Failover, KeyShared, Shared},
};
use serde_json::{Value, json};
use web::pure::{
    format,
    language::Language,
    layout::{Fragment, Frame},
};

const PACES_MS: [u32; 9] = [100, 200, 300, 500, 1_000, 2_000, 3_000, 5_000, 10_000];
const CROWDS: [u32; 11] = [0, 1, 2, 3, 5, 10, 20, 50, 100, 200, 500];
const SHARES_PERCENT: [u32; 8] = [0, 2, 5, 10, 20, 30, 50, 100];
const WORKS_MS: [[u32; 2]; 3] = [[0, 0], [5, 60], [50, 300]];

#[derive(Template)]
#[template(path = "console/dial.html")]
struct Dial {
    id: &'static str,
    name: &'static str,
    /// The path in the settings.
    path: &'static str,
    shown: String,
    /// Its values, as JSON.
    ladder: String,
    /// It is at its lowest value.
    at_least: bool,
    /// It is at its highest value.
    at_most: bool,
    less: String,
    more: String,
}

#[derive(Template)]
#[template(path = "console/choice.html")]
struct Choice {
    id: &'static str,
    name: &'static str,
    path: &'static str,
    options: Vec<Chosen>,
}

struct Chosen {
    words: String,
    value: String,
    is_so: bool,
}

pub(super) fn fragments(choices: &Choices, frame: &Frame<'_>) -> askama::Result<Vec<Fragment>> {
    let mut fragments = dials(choices, frame)?;
    fragments.extend(stock_level(choices, frame)?);
    for (id, name, path, is_on) in [
        ("set-restock", "console.restock", "restock", choices.restock),
        ("set-hide-names", "console.hide_names", "hide_names", choices.hide_names),
        ("set-fraud-watch", "console.fraud_watch", "fraud_watch", choices.fraud_watch),
    ] {
        let options = [(true, "console.on"), (false, "console.off")];
        let options = options.map(|(value, words)| (json!(value), frame.t(words).to_owned()));
        fragments.push(choice(id, name, path, json!(is_on), options.to_vec(), frame)?);
    }
    Ok(fragments)
}

/// A dial before it is rendered.
struct Reading {
    id: &'static str,
    name: &'static str,
    path: &'static str,
    shown: String,
    now: f64,
    ladder: Vec<f64>,
}

fn dials(choices: &Choices, frame: &Frame<'_>) -> askama::Result<Vec<Fragment>> {
    let number = |n: u32| format::number(frame.language, n.into());
    let crowd = &choices.crowd;
    let reading = |id, name, path, shown, now: u32, ladder: &[u32]| Reading {
        id,
        name,
        path,
        shown,
        now: now.into(),
        ladder: ladder.iter().copied().map(f64::from).collect(),
    };
    let share = |id, name, path, share: Share| Reading {
        id,
        name,
        path,
        shown: frame.with("console.percent", "n", &percent(frame.language, share)),
        now: share.into(),
        ladder: SHARES_PERCENT.map(|percent| f64::from(percent) / 100.0).to_vec(),
    };
    let (couriers, pace, workers) = (choices.couriers, choices.courier_pace_ms, choices.stock_level.workers);
    let pace_shown = format::duration(frame.language, u64::from(pace) * 1000);
    let orders = crowd.orders_per_second;
    let orders_shown = frame.with("console.per_second", "n", &number(orders));
    let (all_couriers, all_workers) = (Vec::from_iter(0..=COURIERS_MAX), Vec::from_iter(1..=WORKERS_MAX));
    let readings = [
        reading("set-couriers", "console.couriers", "couriers", number(couriers), couriers, &all_couriers),
        reading("set-pace", "console.pace", "courier_pace_ms", pace_shown, pace, &PACES_MS),
        reading("set-crowd", "console.orders", "crowd.orders_per_second", orders_shown, orders, &CROWDS),
        share("set-suspicious", "console.suspicious", "crowd.suspicious", crowd.suspicious),
        share("set-undeliverable", "console.undeliverable", "crowd.undeliverable", crowd.undeliverable),
        reading("set-workers", "console.workers", "stock_level.workers", number(workers), workers, &all_workers),
    ];
    readings.into_iter().map(|reading| dial(reading, frame)).collect()
}

/// `5`, or `2.5` for a fraction of a percent.
fn percent(language: Language, share: Share) -> String {
    match share.tenths_of_percent() {
        whole if whole.is_multiple_of(10) => format::number(language, whole / 10),
        tenths => format::tenths(language, tenths),
    }
}

fn dial(reading: Reading, frame: &Frame<'_>) -> askama::Result<Fragment> {
    let Reading { id, name, path, shown, now, ladder } = reading;
    let name = frame.t(name);
    let template = Dial {
        id,
        name,
        path,
        shown,
        ladder: json!(ladder).to_string(),
        at_least: !ladder.iter().any(|step| *step < now),
        at_most: !ladder.iter().any(|step| *step > now),
        less: frame.with("console.less", "name", name),
        more: frame.with("console.more", "name", name),
    };
    Fragment::new(id, &template)
}

fn stock_level(choices: &Choices, frame: &Frame<'_>) -> askama::Result<Vec<Fragment>> {
    let folding = choices.stock_level;
    let types = [(Failover, "Failover"), (Shared, "Shared"), (KeyShared, "Key_Shared")];
    let types = types.map(|(value, name)| (json!(value), name.to_owned())).to_vec();
    let folds = [(Fold::Naive, "console.naive"), (Fold::Versioned, "console.versioned")];
    let folds = folds.map(|(value, words)| (json!(value), frame.t(words).to_owned())).to_vec();
    let work = |[from, to]: [u32; 2]| {
        let words = [("from", from.to_string()), ("to", to.to_string())];
        let words = words.each_ref().map(|(name, value)| (*name, value.as_str()));
        if to == 0 {
            frame.t("console.no_work").to_owned()
        } else {
            frame.language.fill("console.work_from_to", &words)
        }
    };
    let mut works: Vec<(Value, String)> = WORKS_MS.map(|range| (json!(range), work(range))).to_vec();
    if !WORKS_MS.contains(&folding.work_ms) {
        // A program set another value: it is shown as well.
        works.push((json!(folding.work_ms), work(folding.work_ms)));
    }
    let path = "stock_level.subscription";
    Ok(vec![
        choice("set-subscription", "console.subscription", path, json!(folding.subscription), types, frame)?,
        choice("set-fold", "console.fold", "stock_level.fold", json!(folding.fold), folds, frame)?,
        choice("set-work", "console.work", "stock_level.work_ms", json!(folding.work_ms), works, frame)?,
    ])
}

/// A choice among these `options`, each with its value in the settings; `now` is the current one.
fn choice(
    id: &'static str,
    name: &'static str,
    path: &'static str,
    now: Value,
    options: Vec<(Value, String)>,
    frame: &Frame<'_>,
) -> askama::Result<Fragment> {
    let option = |(value, words): (Value, String)| Chosen { words, is_so: value == now, value: value.to_string() };
    let options = options.into_iter().map(option).collect();
    Fragment::new(id, &Choice { id, name: frame.t(name), path, options })
}

//! The readers of the log, each with its own place on it, and the other readers of the orders.

use askama::Template;
use events::{ids::Service, insights::Rebuild, settings::Fold, topics::SubscriptionType};
use web::pure::{
    format,
    layout::{Fragment, Frame},
};

use crate::{
    pages::map::{
        tape::{self, Drawn, Pin},
        words::standing,
    },
    read_model::map::MapView,
};

/// A reader this close to the end is at the end: the rest is being handled.
const AT_THE_END: u64 = 5;
/// The middles of the three cards below the tape, in thousandths.
const CARDS: [f64; 3] = [158.0, 500.0, 842.0];

#[derive(Template)]
#[template(path = "map/reader.html")]
struct Reader {
    id: &'static str,
    service: &'static str,
    class: String,
    name: &'static str,
    place: String,
    words: String,
    address: String,
}

#[derive(Template)]
#[template(path = "map/tape.html")]
struct Tape<'a> {
    frame: Frame<'a>,
    drawn: Drawn,
    pins: Vec<Pin>,
    label: String,
    earlier: String,
}

#[derive(Template)]
#[template(path = "map/threads.html")]
struct Threads {
    pins: Vec<Pin>,
}

/// The tape, its pins with their threads, and the cards of the readers.
pub(super) fn fragments(view: &MapView, frame: &Frame<'_>) -> askama::Result<Vec<Fragment>> {
    let drawn = tape::draw(view.events, &view.tail);
    let pins = pins(view);
    let label = frame.language.count("map.events", view.events);
    let earlier = frame.language.count("map.earlier", drawn.earlier);
    Ok(vec![
        Fragment::new("tape", &Tape { frame: *frame, drawn, pins: pins.clone(), label, earlier })?,
        Fragment::new("threads", &Threads { pins })?,
        Fragment::new("map-fraud", &fraud(view, frame))?,
        Fragment::new("map-replay", &replay(view.rebuild.as_ref(), frame))?,
        Fragment::new("map-analysis", &analysis(view, frame))?,
        Fragment::new("map-stock-level", &stock_level(view, frame))?,
    ])
}

fn pins(view: &MapView) -> Vec<Pin> {
    let behind = |behind: u64| view.events.saturating_sub(if behind > AT_THE_END { behind } else { 0 });
    let mut readers = vec![("stock-level", behind(view.stock_level_behind), CARDS[2])];
    readers.extend(view.analysis_behind.map(|counted| ("analysis", behind(counted), CARDS[1])));
    readers.extend(view.rebuild.as_ref().map(|rebuild| ("replay", replayed(rebuild, view.events), CARDS[0])));
    tape::pins(view.events, view.tail.len(), &readers)
}

/// The progress of a rebuild in the log: it reads other topics too, so its overall share is used.
fn replayed(rebuild: &Rebuild, events: u64) -> u64 {
    let share = u128::from(rebuild.events) * u128::from(events) / u128::from(rebuild.total.max(1));
    u64::try_from(share).unwrap_or(events).min(events)
}

fn place(behind: Option<u64>, frame: &Frame<'_>) -> String {
    match behind {
        None => String::new(),
        Some(behind) if behind <= AT_THE_END => frame.t("map.at_the_end").to_owned(),
        Some(behind) => frame.language.count("map.behind", behind),
    }
}

fn fraud(view: &MapView, frame: &Frame<'_>) -> Reader {
    let found = view.fraud.as_ref().map(|fraud| frame.language.count("map.found", fraud.findings_total));
    let class = match &view.fraud {
        Some(fraud) if fraud.findings_total > 0 => "attached found",
        Some(_) => "attached",
        None => "absent",
    };
    let words = if found.is_some() { "map.second_subscription" } else { "map.nobody_else" };
    Reader {
        id: "map-fraud",
        service: "",
        class: class.to_owned(),
        name: frame.t("map.fraud"),
        place: found.unwrap_or_default(),
        words: frame.t(words).to_owned(),
        address: format!("/fraud?lang={}", frame.language.tag()),
    }
}

fn replay(rebuild: Option<&Rebuild>, frame: &Frame<'_>) -> Reader {
    let language = frame.language;
    let place = rebuild.map(|rebuild| {
        let percent = format::number(language, rebuild.events.min(rebuild.total) * 100 / rebuild.total.max(1));
        let rate = format::number(language, rebuild.events_per_second);
        language.fill("map.replayed", &[("percent", &percent), ("n", &rate)])
    });
    let words = if rebuild.is_some() { "map.replaying" } else { "map.no_replay" };
    Reader {
        id: "map-replay",
        service: "",
        class: if rebuild.is_some() { "attached" } else { "absent" }.to_owned(),
        name: frame.t("map.replay"),
        place: place.unwrap_or_default(),
        words: frame.t(words).to_owned(),
        address: format!("/rebuild?lang={}", language.tag()),
    }
}

fn analysis(view: &MapView, frame: &Frame<'_>) -> Reader {
    let (class, words) = standing(view.standing(Service::InventoryAnalysis), frame);
    let how = format!("{} · {}", SubscriptionType::Failover.name(), frame.t("map.writes_insights"));
    Reader {
        id: "map-analysis",
        service: Service::InventoryAnalysis.name(),
        class: class.to_owned(),
        name: frame.t("map.analysis"),
        place: words.map_or_else(|| place(view.analysis_behind, frame), str::to_owned),
        words: how,
        address: format!("/analysis?lang={}", frame.language.tag()),
    }
}

fn stock_level(view: &MapView, frame: &Frame<'_>) -> Reader {
    let language = frame.language;
    let (class, words) = standing(view.standing(Service::StockLevel), frame);
    let wrong = u64::try_from(view.wrong).unwrap_or(u64::MAX);
    let workers = language.count("stock.workers", view.folding.workers.into());
    let fold = frame.t(match view.folding.fold {
        Fold::Naive => "console.naive",
        Fold::Versioned => "console.versioned",
    });
    let (class, place) = match words {
        Some(words) => (class.to_owned(), words.to_owned()),
        None if wrong > 0 => ("wrong".to_owned(), language.count("map.wrong", wrong)),
        None => (class.to_owned(), place(Some(view.stock_level_behind), frame)),
    };
    Reader {
        id: "map-stock-level",
        service: Service::StockLevel.name(),
        class,
        name: frame.t("map.stock_level"),
        place,
        words: format!("{} · {workers} · {fold}", view.folding.subscription.name()),
        address: format!("/stock?lang={}", language.tag()),
    }
}

//! `/`: the map. Five services and the topics between them, as they are now.

use std::collections::BTreeMap;

use askama::Template;
use events::ids::{Moment, Service};
use serde_json::json;
use web::{
    order::{view::Status, wording},
    pure::{
        format,
        glass::{Size, glass},
        layout::{Fragment, Frame, Parts, alive},
    },
};

use crate::pages::figures::{Figure, figures};
use crate::{
    pages::{deliveries, view::PageView},
    read_model::{
        deliveries::{DeliveriesView, Lane},
        map::{MapView, Standing},
        stock::BeerOnShelf,
    },
};

mod readers;
mod tape;
mod words;

use words::standing;

/// The places drawn on the shelf of parcels.
const SHELF: usize = 18;
/// The waiting orders drawn at a pipe's end; more fill the pipe.
const IN_THE_PIPE: u64 = 30;
/// Up to this many orders between the website and the warehouse are just passing.
const PASSING: u64 = 5;

#[derive(Template)]
#[template(path = "map/page.html")]
struct Page<'a> {
    frame: Frame<'a>,
    parts: Parts,
    beers: Vec<String>,
    /// The names of the statuses, for the followed order.
    statuses: String,
}

/// The running totals from which scripts draw dots.
#[derive(Template)]
#[template(path = "map/flow.html")]
struct Flow<'a> {
    view: &'a MapView,
    newest: &'a str,
}

#[derive(Template)]
#[template(path = "map/node.html")]
struct Node {
    id: &'static str,
    service: &'static str,
    name: &'static str,
    count: String,
    words: String,
    class: &'static str,
    standing: Option<&'static str>,
}

/// The label above a pipe.
#[derive(Template)]
#[template(path = "map/pipe.html")]
struct Pipe<'a> {
    frame: Frame<'a>,
    id: &'static str,
    topic: &'static str,
    words: String,
    is_backlog: bool,
}

/// The backlog at the end of a pipe.
#[derive(Template)]
#[template(path = "map/backlog.html")]
struct Backlog {
    id: &'static str,
    x: u64,
}

#[derive(Template)]
#[template(path = "map/shelf.html")]
struct Shelf<'a> {
    frame: Frame<'a>,
    parcels: Vec<Option<&'a str>>,
    words: String,
    is_busy: bool,
}

#[derive(Template)]
#[template(path = "map/lanes.html")]
struct Lanes<'a> {
    frame: Frame<'a>,
    class: &'static str,
    lanes: Vec<LaneRow<'a>>,
    live: bool,
}

struct LaneRow<'a> {
    courier: &'a str,
    carrying: Option<Carried<'a>>,
    delivered: String,
}

struct Carried<'a> {
    id: &'a str,
    short_id: String,
    town: &'a str,
    since: Moment,
    until: Moment,
}

#[derive(Template)]
#[template(path = "map/line.html")]
struct Line {
    id: &'static str,
    class: &'static str,
    words: String,
}

#[derive(Template)]
#[template(path = "map/glass.html")]
struct GlassOnShelf {
    id: String,
    address: String,
    svg: String,
    level: String,
    name: &'static str,
    class: &'static str,
    truth: Option<String>,
}

impl PageView for MapView {
    fn render(&self, frame: Frame<'_>) -> askama::Result<String> {
        let beers = self.beers.iter().map(fragment_id).collect();
        let named = |status: Status| (status.name(), wording::status(frame.language, status));
        let statuses: BTreeMap<_, _> = Status::ALL.map(named).into();
        let statuses = json!(statuses).to_string();
        Page { frame, parts: Parts(self.fragments(frame)?), beers, statuses }.render()
    }

    fn fragments(&self, frame: Frame<'_>) -> askama::Result<Vec<Fragment>> {
        let newest = self.newest.as_ref().map(|id| id.as_str()).unwrap_or_default();
        let mut fragments = vec![
            alive(&frame, &[])?,
            figures(big_figures(self, &frame))?,
            Fragment::new("flow", &Flow { view: self, newest })?,
            Fragment::new("map-website", &website(self, &frame))?,
            Fragment::new("map-warehouse", &warehouse(self, &frame))?,
            Fragment::new("map-orders", &orders(self, &frame))?,
            Fragment::new("orders-backlog", &backlog(self))?,
            Fragment::new("map-shelf", &shelf(&self.deliveries, &frame))?,
            Fragment::new("map-lanes", &lanes(&self.deliveries, &frame))?,
            Fragment::new("map-delivery", &delivery(self, &frame))?,
        ];
        fragments.extend(readers::fragments(self, &frame)?);
        for beer in &self.beers {
            fragments.push(Fragment::new(fragment_id(beer), &on_shelf(beer, &frame))?);
        }
        Ok(fragments)
    }
}

fn big_figures(view: &MapView, frame: &Frame<'_>) -> Vec<Figure> {
    let language = frame.language;
    let placed = Figure {
        text: format::number(language, view.placed),
        label: match view.balanced {
            Some(true) => frame.t("map.nothing_lost"),
            Some(false) => frame.t("map.unbalanced"),
            None => frame.t("map.not_counted"),
        }
        .to_owned(),
        tone: match view.balanced {
            Some(true) => "right",
            Some(false) => "wrong",
            None => "plain",
        },
    };
    vec![
        Figure {
            text: frame.with("map.per_second", "n", &rate(view, frame)),
            label: frame.t("map.figure_orders").to_owned(),
            tone: "amber",
        },
        Figure {
            text: view.latency.map_or_else(|| "–".to_owned(), |micros| format::duration(language, micros)),
            label: frame.t("map.figure_latency").to_owned(),
            tone: "plain",
        },
        placed,
    ]
}

/// Tenths only for a slow trickle.
fn rate(view: &MapView, frame: &Frame<'_>) -> String {
    match view.orders_in_10_s {
        0 => format::number(frame.language, 0),
        slow @ 1..100 => format::tenths(frame.language, slow),
        fast => format::number(frame.language, (fast + 5) / 10),
    }
}

fn website(view: &MapView, frame: &Frame<'_>) -> Node {
    let (class, words) = standing(view.standing(Service::Website), frame);
    Node {
        id: "map-website",
        service: Service::Website.name(),
        name: frame.t("map.website"),
        count: format::number(frame.language, view.placed),
        words: frame.language.count("map.placed", view.placed),
        class,
        standing: words,
    }
}

fn warehouse(view: &MapView, frame: &Frame<'_>) -> Node {
    let (class, words) = standing(view.standing(Service::Warehouse), frame);
    Node {
        id: "map-warehouse",
        service: Service::Warehouse.name(),
        name: frame.t("map.warehouse"),
        count: format::number(frame.language, view.accepted + view.refused),
        words: frame.language.count("map.decided", view.refused),
        class,
        standing: words,
    }
}

fn waits(view: &MapView) -> bool {
    let works = view.standing(Service::Warehouse) == Standing::Running;
    view.undecided() >= if works { PASSING } else { 1 }
}

fn orders<'a>(view: &MapView, frame: &Frame<'a>) -> Pipe<'a> {
    let is_backlog = waits(view);
    let words = if is_backlog {
        frame.language.count("map.waiting", view.undecided())
    } else {
        frame.with("map.per_second", "n", &rate(view, frame))
    };
    Pipe { frame: *frame, id: "map-orders", topic: "orders", words, is_backlog }
}

fn backlog(view: &MapView) -> Backlog {
    let waiting = if waits(view) { view.undecided().min(IN_THE_PIPE) } else { 0 };
    Backlog { id: "orders-backlog", x: 100 - waiting * 100 / IN_THE_PIPE }
}

fn shelf<'a>(view: &'a DeliveriesView, frame: &Frame<'a>) -> Shelf<'a> {
    let parcels = deliveries::on_the_shelf(view, SHELF);
    let is_busy = parcels.iter().all(Option::is_some);
    let words = frame.language.count("map.in_queue", view.queue);
    Shelf { frame: *frame, parcels, words, is_busy }
}

/// The more couriers, the narrower their lanes.
const fn lanes_class(couriers: usize) -> &'static str {
    match couriers {
        0..=3 => "few",
        4..=6 => "some",
        7..=10 => "many",
        _ => "crowd",
    }
}

fn lanes<'a>(view: &'a DeliveriesView, frame: &Frame<'a>) -> Lanes<'a> {
    let language = frame.language;
    let row = |lane: &'a Lane| LaneRow {
        courier: &lane.courier,
        carrying: lane.carrying.as_ref().map(|parcel| Carried {
            id: parcel.order_id.as_str(),
            short_id: deliveries::short(parcel.order_id.as_str()),
            town: parcel.address.rsplit(',').next().unwrap_or_default().trim(),
            since: parcel.since,
            until: parcel.until,
        }),
        delivered: format::number(language, lane.delivered),
    };
    Lanes {
        frame: *frame,
        class: lanes_class(view.couriers.len()),
        lanes: view.couriers.iter().map(row).collect(),
        live: view.live,
    }
}

/// The words about delivery, beside its lanes.
fn delivery(view: &MapView, frame: &Frame<'_>) -> Line {
    let language = frame.language;
    let (class, words) = standing(view.standing(Service::Delivery), frame);
    let mut said = Vec::new();
    // If delivery is silent, its couriers are unknown.
    if view.deliveries.live {
        said.push(language.count("map.couriers", u64::try_from(view.deliveries.couriers.len()).unwrap_or(u64::MAX)));
    }
    said.extend(words.map(str::to_owned));
    if view.deliveries.retries_total > 0 {
        said.push(language.count("map.retries", view.deliveries.retries_total));
    }
    if view.deliveries.dead_letters_total > 0 {
        said.push(language.count("map.dead_letters", view.deliveries.dead_letters_total));
    }
    Line { id: "map-delivery", class, words: said.join(" · ") }
}

fn fragment_id(beer: &BeerOnShelf) -> String {
    format!("shelf-{}", beer.beer.id)
}

fn on_shelf(beer: &BeerOnShelf, frame: &Frame<'_>) -> GlassOnShelf {
    let number = |n: u32| format::number(frame.language, n.into());
    let gap = beer.shown_level.filter(|_| beer.wrong);
    let level = if beer.wrong { beer.level } else { beer.shown_level.or(beer.level) };
    let is_low = |level: u32| level * 10 <= beer.beer.first_stock.0;
    let class = match beer.shown_level {
        _ if beer.wrong => "wrong",
        Some(shown) if is_low(shown.0) => "low",
        Some(_) => "",
        None => "unknown",
    };
    GlassOnShelf {
        id: fragment_id(beer),
        address: format!("/stock?beer={}&lang={}", beer.beer.id, frame.language.tag()),
        svg: glass(&format!("m-{}", beer.beer.id), beer.beer, level, gap, Size::Large, None),
        level: beer.shown_level.map_or_else(|| "…".to_owned(), |level| number(level.0)),
        name: beer.beer.short_name,
        class,
        truth: beer.level.filter(|_| beer.wrong).map(|level| frame.with("map.truth", "n", &number(level.0))),
    }
}

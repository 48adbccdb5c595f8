//! `/deliveries`: the queue, the couriers, and what nobody could deliver.

use askama::Template;
use events::{
    ids::{Moment, Service},
    orders::ADDRESS_MAX,
    unreadable::ReasonCode,
};
use web::{
    order::{way, wording},
    pure::{
        format,
        language::Language,
        layout::{Fragment, Frame, Parts, alive},
    },
};

use crate::pages::figures::{Figure, figures};
use crate::{
    pages::{view::PageView, wording::reason_code},
    read_model::deliveries::{DeadLetterView, DeliveriesView, Lane, Parcel, Retry, Tried, Untrue},
};

/// More lanes than this take narrow columns.
const LANES_IN_ONE_COLUMN: usize = 5;
/// The soonest retries; nobody scrolls a page on a wall.
const RETRIES_ON_PAGE: usize = 10;
/// The newest dead letters; the API has more.
const LETTERS_ON_PAGE: usize = 6;
/// The places drawn on the shelf.
const SHELF: usize = 30;

#[derive(Template)]
#[template(path = "deliveries/page.html")]
struct Page<'a> {
    frame: Frame<'a>,
    parts: Parts,
}

#[derive(Template)]
#[template(path = "deliveries/queue.html")]
struct Queue<'a> {
    frame: Frame<'a>,
    waiting: String,
    parcels: Vec<Option<&'a str>>,
}

#[derive(Template)]
#[template(path = "deliveries/lanes.html")]
struct Lanes<'a> {
    frame: Frame<'a>,
    lanes: Vec<LaneRow<'a>>,
    many: bool,
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
    address: &'a str,
    attempt: Option<String>,
    taken_over: Option<String>,
    since: Moment,
    until: Moment,
    there_at: String,
}

#[derive(Template)]
#[template(path = "deliveries/retries.html")]
struct Retries<'a> {
    frame: Frame<'a>,
    retries: Vec<RetryRow<'a>>,
    more: Option<String>,
}

struct RetryRow<'a> {
    id: &'a str,
    short_id: String,
    address: &'a str,
    attempt: String,
    reason: &'static str,
    until: Moment,
    again_at: String,
}

#[derive(Template)]
#[template(path = "deliveries/dead_letters.html")]
struct DeadLetters<'a> {
    frame: Frame<'a>,
    letters: Vec<Letter<'a>>,
    more: Option<String>,
    names_hidden: bool,
    address_max: usize,
}

#[derive(Template)]
#[template(path = "deliveries/untrue.html")]
struct UntrueMessages<'a> {
    frame: Frame<'a>,
    rows: Vec<UntrueRow>,
    total: String,
}

struct UntrueRow {
    service: &'static str,
    topic: &'static str,
    why: &'static str,
    count: String,
}

/// A line of a dead letter's history.
struct Attempt {
    at: String,
    what: String,
}

enum Letter<'a> {
    Stranded {
        id: &'a str,
        short_id: String,
        customer: &'a str,
        address: &'a str,
        why: &'static str,
        attempts: String,
        at: String,
        history: Vec<Attempt>,
    },
    Unreadable {
        anchor: String,
        topic: &'a str,
        message_id: &'a str,
        reason: &'a str,
        first_bytes: &'a str,
        met: String,
    },
}

impl PageView for DeliveriesView {
    fn render(&self, frame: Frame<'_>) -> askama::Result<String> {
        Page { frame, parts: Parts(self.fragments(frame)?) }.render()
    }

    fn fragments(&self, frame: Frame<'_>) -> askama::Result<Vec<Fragment>> {
        let lanes = Lanes {
            frame,
            lanes: self.couriers.iter().map(|lane| lane_row(lane, &frame)).collect(),
            many: self.couriers.len() > LANES_IN_ONE_COLUMN,
            live: self.live,
        };
        let retries = Retries {
            frame,
            retries: self.retries.iter().take(RETRIES_ON_PAGE).map(|retry| retry_row(retry, &frame)).collect(),
            more: frame.more(self.retries_total, self.retries.len().min(RETRIES_ON_PAGE)),
        };
        let letters = DeadLetters {
            frame,
            letters: self.dead_letters.iter().take(LETTERS_ON_PAGE).map(|letter| letter_row(letter, &frame)).collect(),
            more: frame.more(self.dead_letters_total, self.dead_letters.len().min(LETTERS_ON_PAGE)),
            names_hidden: self.names_hidden,
            address_max: ADDRESS_MAX,
        };
        Ok(vec![
            alive(&frame, &[Service::Delivery])?,
            figures(big_figures(self, &frame))?,
            Fragment::new("queue", &queue(self, &frame))?,
            Fragment::new("lanes", &lanes)?,
            Fragment::new("retries", &retries)?,
            Fragment::new("dead-letters", &letters)?,
            Fragment::new("untrue", &untrue(self, &frame))?,
        ])
    }
}

fn untrue<'a>(view: &DeliveriesView, frame: &Frame<'a>) -> UntrueMessages<'a> {
    let row = |untrue: &Untrue| UntrueRow {
        service: untrue.service,
        topic: untrue.topic,
        why: reason_code(frame.language, untrue.code),
        count: format::number(frame.language, untrue.count),
    };
    let total = view.untrue.iter().map(|untrue| untrue.count).fold(0, u64::saturating_add);
    UntrueMessages {
        frame: *frame,
        rows: view.untrue.iter().map(row).collect(),
        total: frame.language.count("delivery.untrue", total),
    }
}

fn big_figures(view: &DeliveriesView, frame: &Frame<'_>) -> Vec<Figure> {
    let number = |n| format::number(frame.language, n);
    let rate = format::tenths(frame.language, view.delivered_in_10_s);
    let dead = view.dead_letters_total;
    vec![
        Figure { text: number(view.queue), label: frame.t("delivery.figure_waiting").to_owned(), tone: "amber" },
        Figure {
            text: frame.with("delivery.per_second", "n", &rate),
            label: frame.language.count("delivery.figure_delivered", view.delivered),
            tone: "plain",
        },
        Figure {
            text: number(dead),
            label: frame.language.count("delivery.figure_dead", dead),
            tone: if dead == 0 { "right" } else { "wrong" },
        },
    ]
}

fn queue<'a>(view: &'a DeliveriesView, frame: &Frame<'a>) -> Queue<'a> {
    let waiting = frame.language.count("delivery.waiting", view.queue);
    Queue { frame: *frame, waiting, parcels: on_the_shelf(view, SHELF) }
}

/// What the shelf shows: the waiting orders, nameless if they are not listed, then empty places.
pub(super) fn on_the_shelf(view: &DeliveriesView, places: usize) -> Vec<Option<&str>> {
    let mut parcels: Vec<_> = view.queued.iter().take(places).map(|id| Some(id.as_str())).collect();
    // More wait than are listed: the shelf is full all the same.
    let waiting = usize::try_from(view.queue).unwrap_or(usize::MAX).min(places);
    parcels.resize(waiting.max(parcels.len()), Some(""));
    parcels.resize(places, None);
    parcels
}

/// An id from outside can be long; its end is the most distinct.
pub(super) fn short(id: &str) -> String {
    let skipped = id.chars().count().saturating_sub(12);
    if skipped == 0 { id.to_owned() } else { format!("…{}", id.chars().skip(skipped).collect::<String>()) }
}

fn lane_row<'a>(lane: &'a Lane, frame: &Frame<'_>) -> LaneRow<'a> {
    let carried = |parcel: &'a Parcel| Carried {
        id: parcel.order_id.as_str(),
        short_id: short(parcel.order_id.as_str()),
        address: &parcel.address,
        attempt: (parcel.attempt > 1).then(|| frame.with("delivery.attempt", "n", &parcel.attempt.to_string())),
        taken_over: parcel.taken_over_from.as_ref().map(|from| frame.with("delivery.taken_over", "courier", from)),
        since: parcel.since,
        until: parcel.until,
        there_at: format::clock_seconds(parcel.until),
    };
    LaneRow {
        courier: &lane.courier,
        carrying: lane.carrying.as_ref().map(carried),
        delivered: format::number(frame.language, lane.delivered),
    }
}

fn retry_row<'a>(retry: &'a Retry, frame: &Frame<'_>) -> RetryRow<'a> {
    RetryRow {
        id: retry.order_id.as_str(),
        short_id: short(retry.order_id.as_str()),
        address: &retry.address,
        attempt: frame.with("delivery.attempt", "n", &retry.attempt.to_string()),
        reason: wording::failure(frame.language, retry.reason),
        until: retry.retry_at,
        again_at: frame.with("delivery.again_at", "time", &format::clock_seconds(retry.retry_at)),
    }
}

fn attempt(tried: &Tried, language: Language) -> Attempt {
    Attempt { at: format::clock_seconds(tried.at), what: way::tried_in_words(&tried.what, language) }
}

fn letter_row<'a>(letter: &'a DeadLetterView, frame: &Frame<'_>) -> Letter<'a> {
    match letter {
        DeadLetterView::Stranded { order_id, customer, address, reason, attempts, at, history } => Letter::Stranded {
            id: order_id.as_str(),
            short_id: short(order_id.as_str()),
            customer,
            address,
            why: wording::failure(frame.language, *reason),
            attempts: frame.language.count("order.attempts", (*attempts).into()),
            at: format::clock_seconds(*at),
            history: history.iter().map(|tried| attempt(tried, frame.language)).collect(),
        },
        DeadLetterView::Unreadable { topic, message_id, reader, code, reason, first_bytes, at } => Letter::Unreadable {
            anchor: format!("{topic}-{message_id}-{reader}")
                .replace(|c: char| !c.is_ascii_alphanumeric() && c != '-', "-"),
            topic,
            message_id,
            reason: match code {
                ReasonCode::Undecodable => reason,
                code => reason_code(frame.language, *code),
            },
            first_bytes,
            met: frame
                .language
                .fill("delivery.met_by", &[("service", reader.name()), ("time", &format::clock_seconds(*at))]),
        },
    }
}

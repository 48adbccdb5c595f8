//! Why a beer is shown as it is: the end of its log beside its writes, in the order of writing.

use askama::Template;
use events::beers::Beer;
use web::pure::{
    format,
    layout::{Fragment, Frame},
};

use crate::{
    pages::lanes::{Fate, fates, why_wrong},
    read_model::{
        bursts::DESK,
        stock::{BeerOnShelf, Happened, StockView, Write},
    },
};

/// The newest events and writes that are shown: those of a burst.
const SHOWN_MAX: usize = 5;

#[derive(Template)]
#[template(path = "stock/explained.html")]
struct Explanation<'a> {
    frame: Frame<'a>,
    name: &'static str,
    words: String,
    is_wrong: bool,
    log: Vec<Event>,
    written: Vec<Written>,
}

struct Event {
    sequence: u64,
    level: String,
    at: String,
}

struct Written {
    sequence: u64,
    level: String,
    fate: Fate,
    worker: String,
    took: String,
    at: String,
}

pub(super) fn fragment(beer: &'static Beer, view: &StockView, frame: &Frame<'_>) -> askama::Result<Fragment> {
    let explained = view.explained.as_ref().map(|(_, explained)| explained);
    let (log, written) = explained.map_or((&[][..], &[][..]), |explained| (&explained.log, &explained.written));
    let shelf = view.beers.iter().find(|shelf| shelf.beer.id == beer.id);
    let is_wrong = shelf.is_some_and(|shelf| shelf.wrong);
    let writes: Vec<&Write> = written.iter().collect();
    let fates = fates(&writes);
    let rows: Vec<_> = writes.into_iter().zip(fates).map(|(write, fate)| row(write, fate, frame)).collect();
    let explanation = Explanation {
        frame: *frame,
        name: beer.name,
        words: shelf.map(|shelf| in_words(shelf, view, frame)).unwrap_or_default(),
        is_wrong,
        log: newest(log.iter().map(|happened| event(happened, frame)).collect()),
        written: newest(rows),
    };
    Fragment::new("explained", &explanation)
}

fn in_words(shelf: &BeerOnShelf, view: &StockView, frame: &Frame<'_>) -> String {
    let number = |level: u32| format::number(frame.language, level.into());
    if let Some(why) = why_wrong(shelf, &view.writes, frame.language) {
        return why;
    }
    match shelf.level.zip(shelf.shown_level) {
        Some((level, shown)) if shelf.wrong => {
            let (level, shown) = (number(level.0), number(shown.0));
            frame.language.fill("stock.explained_wrong", &[("level", &level), ("shown", &shown)])
        }
        Some((level, _)) if shelf.behind == 0 => frame.with("stock.explained_right", "level", &number(level.0)),
        _ => frame.language.count("stock.behind", shelf.behind),
    }
}

fn newest<T>(mut rows: Vec<T>) -> Vec<T> {
    rows.split_off(rows.len().saturating_sub(SHOWN_MAX))
}

fn event(happened: &Happened, frame: &Frame<'_>) -> Event {
    Event {
        sequence: happened.event.sequence.0,
        level: format::number(frame.language, happened.event.level.0.into()),
        at: format::clock(happened.at),
    }
}

fn row(write: &Write, fate: Fate, frame: &Frame<'_>) -> Written {
    let is_desk = write.worker == DESK;
    Written {
        sequence: write.event.0,
        level: format::number(frame.language, write.level.0.into()),
        fate,
        worker: if is_desk { frame.t("stock.afresh").to_owned() } else { write.worker.clone() },
        took: if is_desk {
            String::new()
        } else {
            format::duration(frame.language, write.at.micros_since(write.taken_at).unsigned_abs())
        },
        at: format::clock(write.at),
    }
}

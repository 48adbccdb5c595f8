//! Who wrote what, when: a lane per worker with a tile per write, as wide as its work took.
//!
//! All lanes share one time axis: a tile further right was written later, also in another lane. Idle time is cut short.

use std::collections::{BTreeSet, HashMap};

use events::{beers::Beer, settings::Folding, topics::SubscriptionType};
use web::pure::{format, language::Language};

use crate::read_model::stock::{BeerOnShelf, StockView, Write};

/// The length of the axis: this many events of usual work, one after the other.
const EVENTS_LONG: i64 = 28;
/// Without work, this many writes fit, all equally wide.
const SLOTS: i64 = 14;
/// What is left of an idle time, in microseconds.
const IDLE_MICROS: i64 = 10_000;
/// The most lanes with two lines of words.
const TALL_LANES: usize = 4;

pub(super) struct Lanes {
    pub lanes: Vec<Lane>,
    /// There are so many that each must be low.
    pub are_low: bool,
}

/// A worker with its writes.
pub(super) struct Lane {
    pub name: String,
    /// Its current activity, in a word or two.
    pub note: String,
    pub tiles: Vec<Tile>,
}

pub(super) struct Tile {
    /// Where it begins and its width, in percent of the lane.
    pub x: String,
    pub width: String,
    pub beer: &'static Beer,
    pub sequence: u64,
    pub fate: Fate,
    /// The beer's colour needs light words.
    pub is_dark: bool,
    /// Another beer is being explained.
    pub is_dim: bool,
    pub name_fits: Fits,
    pub number_fits: Fits,
    /// All of it in words, for the tooltip.
    pub words: String,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Written,
    /// It was written after a newer event of its beer, and nothing was written since: its level stands.
    Late,
    /// The same, but another write followed.
    Mended,
    /// It also came too late, but was ignored.
    Aside,
}

impl Fate {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Fate::Written => "written",
            Fate::Late => "late",
            Fate::Mended => "mended",
            Fate::Aside => "aside",
        }
    }

    /// Empty for a regular write.
    pub(super) fn in_words(self, language: Language) -> &'static str {
        match self {
            Fate::Written => "",
            Fate::Late => language.t("stock.too_late"),
            Fate::Mended => language.t("stock.mended"),
            Fate::Aside => language.t("stock.left_aside"),
        }
    }

    /// The sign before its number.
    pub(super) const fn sign(self) -> &'static str {
        match self {
            Fate::Written | Fate::Mended => "#",
            Fate::Late => "✗#",
            Fate::Aside => "–#",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fits {
    Always,
    /// Only on a wide one.
    Wide,
    Never,
}

impl Fits {
    /// For this many letters, in a tile of this share of its lane.
    fn of(letters: usize, share: f64) -> Fits {
        // Letters that fit into a lane, at 1280 and at 1920 pixels.
        const NARROW: f64 = 104.0;
        const WIDE: f64 = 142.0;
        let letters = f64::from(u32::try_from(letters).unwrap_or(u32::MAX)) + 1.2;
        match share {
            share if share * NARROW >= letters => Fits::Always,
            share if share * WIDE >= letters => Fits::Wide,
            _ => Fits::Never,
        }
    }

    pub(super) const fn class(self) -> &'static str {
        match self {
            Fits::Always => "",
            Fits::Wide => " on-wide",
            Fits::Never => " nowhere",
        }
    }
}

/// The lanes of all employed workers, and of others with writes.
pub(super) fn lanes(view: &StockView, language: Language) -> Lanes {
    let oldest_first: Vec<&Write> = view.writes.iter().rev().collect();
    let fates = fates(&oldest_first);
    let places = places(&oldest_first, view.folding);
    let names = view.workers.iter().map(String::as_str);
    let names: BTreeSet<(usize, &str)> =
        names.chain(oldest_first.iter().map(|write| &*write.worker)).map(|name| (name.len(), name)).collect();
    let explained = view.explained.as_ref().map(|(beer, _)| beer.id);
    let tile = |((write, fate), place): ((&&Write, &Fate), &Option<Place>)| {
        let place = place.as_ref()?;
        let (sequence, share) = (write.event.0, place.width);
        Some(Tile {
            x: percent(place.x),
            width: percent(share),
            beer: write.beer,
            sequence,
            fate: *fate,
            is_dark: is_dark(write.beer.colour),
            is_dim: explained.is_some_and(|id| id != write.beer.id),
            name_fits: Fits::of(write.beer.short_name.chars().count(), share),
            number_fits: Fits::of(format!("{}{sequence}", fate.sign()).chars().count(), share),
            words: in_words(write, *fate, language),
        })
    };
    let lane = |(_, name): (usize, &str)| Lane {
        name: name.to_owned(),
        note: note(name, view, language),
        tiles: oldest_first
            .iter()
            .zip(&fates)
            .zip(&places)
            .filter(|((write, _), _)| write.worker == name)
            .filter_map(tile)
            .collect(),
    };
    let are_low = names.len() > TALL_LANES;
    Lanes { lanes: names.into_iter().map(lane).collect(), are_low }
}

/// The current activity of a worker.
fn note(name: &str, view: &StockView, language: Language) -> String {
    let number = |n: usize| format::number(language, u64::try_from(n).unwrap_or(u64::MAX));
    let written = view.writes.iter().filter(|write| write.worker == name).count();
    let wrote = || language.fill("stock.lane_wrote", &[("n", &number(written)), ("all", &number(view.writes.len()))]);
    let active = view.writes.first().map(|write| &*write.worker);
    if !view.workers.iter().any(|employed| employed == name) {
        return language.t("stock.lane_away").to_owned();
    }
    match (view.folding.subscription, active) {
        // Writes from before this process are unknown.
        (_, None) => String::new(),
        (SubscriptionType::Failover, Some(active)) if active != name => language.t("stock.lane_waits").to_owned(),
        _ => wrote(),
    }
}

fn in_words(write: &Write, fate: Fate, language: Language) -> String {
    let fate = fate.in_words(language);
    let took = format::duration(language, write.at.micros_since(write.taken_at).unsigned_abs());
    let words = [write.beer.name, &format!("#{}", write.event.0), &write.worker, &took, &format::clock(write.at), fate];
    words.into_iter().filter(|words| !words.is_empty()).collect::<Vec<_>>().join(" · ")
}

/// In the order of writing.
pub(super) fn fates(oldest_first: &[&Write]) -> Vec<Fate> {
    let mut highest: HashMap<&str, u64> = HashMap::new();
    let last: HashMap<&str, usize> = oldest_first.iter().zip(0..).map(|(write, n)| (write.beer.id, n)).collect();
    let fate = |(write, n): (&&Write, usize)| {
        let newest = highest.entry(write.beer.id).or_default();
        let is_late = write.event.0 < *newest;
        *newest = (*newest).max(write.event.0);
        match (write.ignored, is_late) {
            (true, _) => Fate::Aside,
            (false, true) if last.get(write.beer.id) == Some(&n) => Fate::Late,
            (false, true) => Fate::Mended,
            (false, false) => Fate::Written,
        }
    };
    oldest_first.iter().zip(0..).map(fate).collect()
}

/// The place of a tile in its lane, as shares of it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Place {
    x: f64,
    width: f64,
}

/// The place of each write; `None` if it is too old.
fn places(oldest_first: &[&Write], folding: Folding) -> Vec<Option<Place>> {
    let [from, to] = folding.work_ms.map(i64::from);
    let (spans, length) = if (from, to) == (0, 0) {
        ((0..).take(oldest_first.len()).map(|slot| (slot, slot + 1)).collect(), SLOTS)
    } else {
        let spans = on_busy_time(oldest_first);
        let all = spans.iter().map(|(_, end)| *end).max().unwrap_or(0);
        let usual = EVENTS_LONG * (from + to) * 1000 / 2;
        let is_one_lane = oldest_first.iter().all(|write| write.worker == oldest_first[0].worker);
        // Simultaneous work is shown as a whole, if possible.
        (spans, if is_one_lane { usual } else { all.clamp(usual * 2 / 3, usual * 3 / 2) })
    };
    let all = spans.iter().map(|(_, end)| *end).max().unwrap_or(0);
    let begins = (all - length).max(0);
    let share = |micros: i64| {
        #[expect(clippy::cast_precision_loss, reason = "microseconds of a few seconds")]
        let share = micros as f64 / length as f64;
        share
    };
    let place =
        |(from, to): (i64, i64)| (to > begins).then(|| Place { x: share(from - begins), width: share(to - from) });
    spans.into_iter().map(place).collect()
}

/// From when to when each write was worked on, on an axis without the idle time.
fn on_busy_time(writes: &[&Write]) -> Vec<(i64, i64)> {
    let mut times: Vec<(i64, i64)> =
        writes.iter().map(|write| (write.taken_at.micros(), write.at.micros().max(write.taken_at.micros()))).collect();
    let spans = times.clone();
    times.sort_unstable();
    // How much to cut from the axis, from each moment on.
    let mut cuts: Vec<(i64, i64)> = Vec::new();
    let (mut busy_until, mut taken_out) = (None, 0);
    for (from, to) in times {
        let idle = busy_until.map_or(0, |until: i64| (from - until - IDLE_MICROS).max(0));
        if idle > 0 || busy_until.is_none() {
            taken_out += if busy_until.is_none() { from } else { idle };
            cuts.push((from, taken_out));
        }
        busy_until = Some(busy_until.map_or(to, |until| until.max(to)));
    }
    let on_axis = |(from, to): (i64, i64)| {
        let cut = cuts.iter().rev().find(|(begins, _)| *begins <= from).map_or(0, |(_, out)| *out);
        (from - cut, to - cut)
    };
    spans.into_iter().map(on_axis).collect()
}

fn percent(share: f64) -> String {
    format!("{:.2}%", share * 100.0)
}

/// Why beers are wrong, in at most two sentences.
pub(super) fn late_in_words(view: &StockView, language: Language) -> Vec<String> {
    view.beers.iter().filter_map(|shelf| why_wrong(shelf, &view.writes, language)).take(2).collect()
}

/// Why a beer is wrong, if an older event of it was written after a newer one.
pub(super) fn why_wrong(shelf: &BeerOnShelf, newest_first: &[Write], language: Language) -> Option<String> {
    let mut of_beer = newest_first.iter().filter(|write| shelf.wrong && write.beer.id == shelf.beer.id);
    let last = of_beer.next()?;
    let newer = of_beer.map(|write| write.event).filter(|event| *event > last.event).max()?;
    let number = |n: u64| format::number(language, n);
    let values = [
        ("beer", shelf.beer.short_name),
        ("late", &*number(last.event.0)),
        ("newer", &*number(newer.0)),
        ("level", &*number(shelf.level?.0.into())),
        ("shown", &*number(shelf.shown_level?.0.into())),
    ];
    Some(language.fill("stock.late_and_wrong", &values))
}

/// The number of late events that were ignored, in words.
pub(super) fn aside_in_words(view: &StockView, language: Language) -> Option<String> {
    let aside = view.writes.iter().filter(|write| write.ignored).count();
    (aside > 0).then(|| language.count("stock.aside", u64::try_from(aside).unwrap_or(u64::MAX)))
}

/// By brightness as seen by the eye: green counts most.
fn is_dark(colour: &str) -> bool {
    let part = |from: usize| colour.get(from..from + 2).and_then(|hex| u32::from_str_radix(hex, 16).ok()).unwrap_or(0);
    (part(1) * 299 + part(3) * 587 + part(5) * 114) / 1000 < 110
}

#[cfg(test)]
mod tests {
    use events::{ids::BeerId, quantities::Sequence};

    use super::*;
    use crate::samples;

    fn write(worker: u32, from: i64, to: i64) -> Write {
        Write {
            beer: events::beers::find(&BeerId::new("orval")).unwrap(),
            event: Sequence(1),
            level: events::quantities::Bottles(1),
            ignored: false,
            worker: format!("worker-{worker}"),
            taken_at: samples::NOW.plus_millis(from),
            at: samples::NOW.plus_millis(to),
        }
    }

    #[test]
    fn a_write_that_was_overtaken_is_late_and_one_left_aside_is_not() {
        let view = samples::stock();
        let Lanes { lanes, are_low } = lanes(&view, Language::En);
        let names: Vec<&str> = lanes.iter().map(|lane| &*lane.name).collect();
        assert_eq!((names, are_low), (vec!["worker-1", "worker-2", "worker-3"], false));
        let tiles = || lanes.iter().flat_map(|lane| &lane.tiles);
        let of = |fate| tiles().filter(|tile| tile.fate == fate).map(|tile| tile.sequence).collect::<Vec<_>>();
        assert_eq!((of(Fate::Late), of(Fate::Mended), of(Fate::Aside)), (vec![40], vec![42], vec![29]));
        let words = late_in_words(&view, Language::En);
        assert_eq!(words, ["Moinette #40 was written after #43: shown 61, not 49."]);
        assert_eq!(aside_in_words(&view, Language::En).unwrap(), "1 of these events came too late and was left aside.");
    }

    #[test]
    fn tiles_are_as_wide_as_the_work_and_idle_time_is_cut_short() {
        let writes = [write(1, 0, 40), write(2, 10, 30), write(1, 5_040, 5_060)];
        let spans = on_busy_time(&writes.iter().collect::<Vec<_>>());
        assert_eq!(spans, [(0, 40_000), (10_000, 30_000), (50_000, 70_000)]);
    }

    #[test]
    fn the_newest_is_always_in_sight_and_what_is_long_ago_is_not() {
        for work_ms in [[5, 60], [0, 0]] {
            let writes: Vec<Write> = (0..60).map(|n| write(1, n * 30, n * 30 + 30)).collect();
            let folding = Folding { work_ms, ..Folding::default() };
            let places = places(&writes.iter().collect::<Vec<_>>(), folding);
            let last = places.last().unwrap().unwrap();
            assert!((last.x + last.width - 1.0).abs() < 0.001, "{last:?}");
            assert!(places[0].is_none(), "{work_ms:?}");
        }
    }

    #[test]
    fn on_failover_one_writes_and_the_others_wait() {
        let mut view = samples::stock();
        view.folding.subscription = SubscriptionType::Failover;
        view.workers = ["worker-1", "worker-2", "worker-10"].map(str::to_owned).to_vec();
        let lanes = lanes(&view, Language::En).lanes;
        let notes: Vec<(&str, &str)> = lanes.iter().map(|lane| (&*lane.name, &*lane.note)).collect();
        let expected = [("worker-1", "waits"), ("worker-2", "3 of 12"), ("worker-3", "away"), ("worker-10", "waits")];
        assert_eq!(notes, expected);
    }

    #[test]
    fn words_on_a_dark_beer_are_light() {
        assert!(is_dark("#5a2a18"));
        assert!(!is_dark("#f0c45c"));
    }
}

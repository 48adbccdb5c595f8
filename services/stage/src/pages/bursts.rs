//! The results of bursts in one table, with a row for each mode. It is the lesson of the page.

use askama::Template;
use events::{
    settings::{Fold, Folding},
    topics::SubscriptionType::{self, Failover, KeyShared, Shared},
};
use web::pure::{
    format,
    layout::{Fragment, Frame},
};

use crate::{
    pages::switches::crew,
    read_model::{bursts::Burst, stock::StockView},
};

/// The four modes of the fifth act.
const WAYS: [(SubscriptionType, Fold); 4] =
    [(Failover, Fold::Naive), (Shared, Fold::Naive), (KeyShared, Fold::Naive), (Shared, Fold::Versioned)];

#[derive(Template)]
#[template(path = "stock/bursts.html")]
struct Table<'a> {
    frame: Frame<'a>,
    /// Workers and work, which all these bursts share.
    crew: String,
    rows: Vec<Row>,
}

struct Row {
    way: String,
    is_now: bool,
    went_wrong: bool,
    bursts: String,
    /// `None` before the first burst.
    counted: Option<Counted>,
}

struct Counted {
    wrong_bursts: String,
    wrong_beers: String,
    seconds: String,
}

/// The fragment `bursts`. Only bursts with the current number of workers and amount of work count: others do not
/// compare the modes.
pub(super) fn fragment(view: &StockView, frame: &Frame<'_>) -> askama::Result<Fragment> {
    let rows = WAYS.map(|(subscription, fold)| row(Folding { subscription, fold, ..view.folding }, view, frame));
    Fragment::new("bursts", &Table { frame: *frame, crew: crew(&view.folding, frame), rows: rows.into() })
}

fn row(way: Folding, view: &StockView, frame: &Frame<'_>) -> Row {
    let bursts: Vec<&Burst> = view.bursts.iter().filter(|burst| burst.folding == way).collect();
    let count = u64::try_from(bursts.len()).unwrap_or(u64::MAX);
    let number = |n| format::number(frame.language, n);
    let wrong = bursts.iter().filter(|burst| burst.wrong > 0).count();
    let counted = || Counted {
        wrong_bursts: number(u64::try_from(wrong).unwrap_or(u64::MAX)),
        wrong_beers: format::tenths(
            frame.language,
            mean(bursts.iter().map(|burst| u64::from(burst.wrong) * 10), count),
        ),
        seconds: format::hundredths(frame.language, mean(bursts.iter().map(|burst| burst.micros / 10_000), count)),
    };
    let fold = match way.fold {
        Fold::Naive => "console.naive",
        Fold::Versioned => "console.versioned",
    };
    Row {
        way: format!("{}, {}", way.subscription.name(), frame.t(fold)),
        is_now: way == view.folding,
        went_wrong: wrong > 0,
        bursts: number(count),
        counted: (count > 0).then(counted),
    }
}

fn mean(values: impl Iterator<Item = u64>, count: u64) -> u64 {
    (values.sum::<u64>() + count / 2) / count.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use web::pure::{language::Language, layout::Theme};

    use crate::samples;

    #[test]
    fn only_bursts_that_can_be_compared_are_counted() {
        let alive = samples::alive();
        let frame = Frame {
            language: Language::En,
            theme: Theme::Dark,
            alive: &alive,
            now: samples::NOW,
            presenter: false,
            follow: false,
            path: "/stock",
        };
        let view = samples::stock();
        let rows = WAYS.map(|(subscription, fold)| row(Folding { subscription, fold, ..view.folding }, &view, &frame));
        let shared = rows[1].counted.as_ref().unwrap();
        assert!(rows[1].is_now && rows[1].went_wrong && !rows[0].is_now);
        assert_eq!((&*rows[1].bursts, &*shared.wrong_bursts), ("3", "2"));
        assert_eq!((&*shared.wrong_beers, &*shared.seconds), ("2.3", "0.77"), "7 of 3 bursts, 2.30 s in all");
        assert!(rows[2].counted.is_none(), "no burst of its own, and one of two workers does not count");
        assert_eq!(rows[0].counted.as_ref().unwrap().seconds, "2.01");
        let table = fragment(&view, &frame).unwrap().html;
        assert_eq!(table.matches("aria-current").count(), 1);
    }
}

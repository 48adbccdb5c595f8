//! Counts per minute, for up to an hour: data for a script that draws them, and plain SVG without it.

use std::fmt::Write as _;

use events::{ids::Moment, insights::Sales};
use web::pure::{format, language::Language};

const MINUTES_MAX: usize = 60;
/// The shortest axis, so that the first minute is no wall.
const MINUTES_MIN: usize = 10;

const WIDTH: f64 = 840.0;
const HEIGHT: f64 = 300.0;
/// The plot area: room for numbers on the left, times below, a label above the highest bar.
const LEFT: f64 = 72.0;
const TOP: f64 = 42.0;
const BOTTOM: f64 = 252.0;
/// In microseconds.
const MINUTE: i64 = 60_000_000;

/// The counts from the first minute with an order to the current one, which is not over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Minutes {
    /// The first minute, since 1970.
    pub first: i64,
    /// One per minute; the last one is the current minute's.
    pub counts: Vec<u64>,
}

impl Minutes {
    /// The last hour of these sales. A missing minute between two others had no sales; before the first one nothing is
    /// known. `until` is the last moment covered.
    pub(super) fn of(sales: &Sales, until: Moment, of: impl Fn(&events::insights::MinuteOfSales) -> u64) -> Minutes {
        let running = until.minute();
        let within = |minute: i64| usize::try_from(running - minute).is_ok_and(|ago| ago < MINUTES_MAX);
        let known = sales.minutes.iter().filter(|sold| within(sold.minute.minute()));
        let first = known.clone().map(|sold| sold.minute.minute()).min().unwrap_or(running);
        let mut counts = vec![0; usize::try_from(running - first).unwrap_or(0) + 1];
        for sold in known {
            let place = usize::try_from(sold.minute.minute() - first).ok();
            if let Some(count) = place.and_then(|place| counts.get_mut(place)) {
                *count = of(sold);
            }
        }
        Minutes { first, counts }
    }

    /// The counts for a script: `3,0,12`.
    pub(super) fn written(&self) -> String {
        self.counts.iter().map(u64::to_string).collect::<Vec<_>>().join(",")
    }

    /// The number of minutes on the axis.
    pub(super) fn shown(&self) -> usize {
        self.counts.len().clamp(MINUTES_MIN, MINUTES_MAX)
    }

    /// The wall clock along the axis, for a script: see [`format::offsets`].
    pub(super) fn offsets(&self) -> String {
        let end = self.running().saturating_add(1);
        format::offsets(end.saturating_sub(i64::try_from(self.shown()).unwrap_or(0)), end)
    }

    /// The end of the axis of counts, which begins at zero.
    pub(super) fn top(&self) -> u64 {
        round_above(self.counts.iter().copied().max().unwrap_or(0))
    }

    /// The last complete minute, if there is one.
    pub(super) fn last_whole(&self) -> Option<u64> {
        self.counts.len().checked_sub(2).and_then(|place| self.counts.get(place)).copied()
    }

    /// The count of the current minute.
    pub(super) fn so_far(&self) -> u64 {
        self.counts.last().copied().unwrap_or(0)
    }

    /// The highest count of a minute.
    pub(super) fn most(&self) -> u64 {
        self.counts.iter().copied().max().unwrap_or(0)
    }

    /// The current minute, since 1970.
    fn running(&self) -> i64 {
        self.first.saturating_add(i64::try_from(self.counts.len()).unwrap_or(i64::MAX)).saturating_sub(1)
    }
}

/// Bars from oldest to newest; the current minute's is an outline.
pub(super) fn bars(language: Language, minutes: &Minutes, label: &str) -> String {
    let (shown, top) = (minutes.shown(), minutes.top());
    let step = (WIDTH - LEFT) / shown as f64;
    let height = |count: u64| (BOTTOM - TOP) * count as f64 / top as f64;
    let left_of = |place: usize| LEFT + step * (shown - minutes.counts.len() + place) as f64;
    let mut svg = format!(
        r#"<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{}">"#,
        label.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
    );
    for (share, count) in [(0.0, 0), (0.5, top / 2), (1.0, top)] {
        let y = BOTTOM - share * (BOTTOM - TOP);
        let _ = write!(
            svg,
            r#"<path class="chart-line" d="M{LEFT} {y}H{WIDTH}"/><text x="{}" y="{}" text-anchor="end">{}</text>"#,
            LEFT - 12.0,
            y + 9.0,
            format::number(language, count)
        );
    }
    for (place, &count) in minutes.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let tall = height(count);
        let running = if place + 1 == minutes.counts.len() { " running" } else { "" };
        let _ = write!(
            svg,
            r#"<rect class="chart-bar{running}" x="{:.1}" y="{:.1}" width="{:.1}" height="{tall:.1}" rx="2"/>"#,
            left_of(place) + 1.5,
            BOTTOM - tall,
            step - 3.0
        );
    }
    let highest = minutes.counts.iter().enumerate().filter(|(_, count)| **count > 0).max_by_key(|(_, n)| **n);
    if let Some((place, &count)) = highest {
        // Kept within the picture, also above the first and the last bar.
        let x = (left_of(place) + 0.5 * step).clamp(LEFT + 40.0, WIDTH - 40.0);
        let y = BOTTOM - height(count) - 10.0;
        let text = format::number(language, count);
        let _ = write!(svg, r#"<text class="chart-peak" x="{x:.1}" y="{y:.1}" text-anchor="middle">{text}</text>"#);
    }
    for (back, anchor) in [(shown - 1, "start"), (shown * 2 / 3, "middle"), (shown / 3, "middle"), (0, "end")] {
        let x = match anchor {
            "start" => LEFT,
            "end" => WIDTH,
            _ => LEFT + step * ((shown - 1 - back) as f64 + 0.5),
        };
        let minute = minutes.running().saturating_sub(i64::try_from(back).unwrap_or(0));
        let text = format::clock_minutes(Moment::from_micros(minute.saturating_mul(MINUTE)));
        let _ = write!(svg, r#"<text x="{x:.1}" y="{}" text-anchor="{anchor}">{text}</text>"#, BOTTOM + 36.0);
    }
    svg.push_str("</svg>");
    svg
}

/// A round even number of at least `highest`, for an axis: 2, 4, 8, 12, 20, 60, 120, …
fn round_above(highest: u64) -> u64 {
    let mut scale = 1_u64;
    loop {
        for first in [2, 4, 6, 8, 10, 12, 16] {
            let candidate = scale.saturating_mul(first);
            if candidate >= highest {
                return candidate;
            }
        }
        scale = scale.saturating_mul(10);
    }
}

#[cfg(test)]
mod tests {
    use events::insights::MinuteOfSales;

    use super::*;

    fn minutes(sold: &[(i64, u64)], now: i64) -> Minutes {
        let minute = |&(minute, orders): &(i64, u64)| MinuteOfSales {
            minute: Moment::from_micros(minute * MINUTE),
            orders,
            ..MinuteOfSales::default()
        };
        let sales = Sales { minutes: sold.iter().map(minute).collect(), ..Sales::default() };
        Minutes::of(&sales, Moment::from_micros(now * MINUTE + 30), |minute| minute.orders)
    }

    #[test]
    fn the_axis_ends_at_a_round_even_number() {
        for (highest, top) in [(0, 2), (1, 2), (3, 4), (5, 6), (7, 8), (11, 12), (48, 60), (101, 120), (161, 200)] {
            assert_eq!(round_above(highest), top);
        }
        assert_eq!(round_above(u64::MAX), u64::MAX);
    }

    #[test]
    fn minutes_left_out_are_nought_but_not_before_the_first() {
        let known = minutes(&[(996, 5), (998, 7), (1000, 2)], 1000);
        assert_eq!((known.first, known.written()), (996, "5,0,7,0,2".to_owned()));
        assert_eq!((known.last_whole(), known.so_far(), known.most()), (Some(0), 2, 7));
        assert_eq!((known.shown(), known.top()), (10, 8));
    }

    #[test]
    fn what_is_older_than_an_hour_or_yet_to_come_is_not_shown() {
        let known = minutes(&[(940, 9), (941, 1), (1000, 7), (1001, 8)], 1000);
        assert_eq!((known.first, known.counts.len(), known.shown()), (941, 60, 60));
        assert_eq!(known.counts.iter().sum::<u64>(), 8);
        assert_eq!(minutes(&[(940, 9)], 1000), Minutes { first: 1000, counts: vec![0] });
    }

    #[test]
    fn a_minute_without_orders_has_no_bar_and_the_running_one_an_outline() {
        let known = minutes(&[(996, 3), (1000, 12)], 1000);
        let svg = bars(Language::En, &known, "orders \"a minute\"");
        assert_eq!((svg.matches("\"chart-bar\"").count(), svg.matches("\"chart-bar running\"").count()), (1, 1));
        assert!(svg.contains(">12</text>"));
        assert!(svg.contains("&quot;a minute&quot;"));
    }
}

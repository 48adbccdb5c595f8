//! A bar chart of the last hour, minute by minute, as plain SVG.

use std::fmt::Write as _;

use crate::{format, texts::Language};
use events::ids::Moment;

/// Minutes shown.
pub(super) const MINUTES: usize = 60;

const WIDTH: f64 = 840.0;
const HEIGHT: f64 = 300.0;
/// The plot within: room for numbers at the left, times below, a label above the highest bar.
const LEFT: f64 = 72.0;
const TOP: f64 = 42.0;
const BOTTOM: f64 = 252.0;
/// A minute in microseconds.
const MINUTE: i64 = 60_000_000;

/// Bars from oldest to newest; `until` is the last of these minutes. The axis begins at nought.
pub(super) fn bars(language: Language, counts: &[u64; MINUTES], until: Moment, label: &str) -> String {
    let highest = counts.iter().copied().max().unwrap_or(0);
    let top = round_above(highest);
    let step = (WIDTH - LEFT) / MINUTES as f64;
    let height = |count: u64| (BOTTOM - TOP) * count as f64 / top as f64;
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
    for (place, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let tall = height(count);
        let _ = write!(
            svg,
            r#"<rect class="chart-bar" x="{:.1}" y="{:.1}" width="{:.1}" height="{tall:.1}" rx="2"/>"#,
            LEFT + step * place as f64 + 1.5,
            BOTTOM - tall,
            step - 3.0
        );
    }
    if let Some((place, &count)) = counts.iter().enumerate().filter(|(_, count)| **count > 0).max_by_key(|(_, n)| **n) {
        // Kept within the field, also above the first and the last bar.
        let x = (LEFT + step * (place as f64 + 0.5)).clamp(LEFT + 40.0, WIDTH - 40.0);
        let y = BOTTOM - height(count) - 10.0;
        let text = format::number(language, count);
        let _ = write!(svg, r#"<text class="chart-peak" x="{x:.1}" y="{y:.1}" text-anchor="middle">{text}</text>"#);
    }
    for (back, anchor) in [(59, "start"), (40, "middle"), (20, "middle"), (0, "end")] {
        let x = match anchor {
            "start" => LEFT,
            "end" => WIDTH,
            _ => LEFT + step * (59.5 - f64::from(back)),
        };
        let at = Moment::from_micros(until.micros() - i64::from(back) * MINUTE);
        let text = format::clock_minutes(at);
        let _ = write!(svg, r#"<text x="{x:.1}" y="{}" text-anchor="{anchor}">{text}</text>"#, BOTTOM + 36.0);
    }
    svg.push_str("</svg>");
    svg
}

/// An even number not below `highest` that reads well on an axis: 2, 4, 8, 12, 20, 60, 120, …
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
    use super::*;

    #[test]
    fn the_axis_ends_at_a_round_even_number() {
        for (highest, top) in [(0, 2), (1, 2), (3, 4), (5, 6), (7, 8), (11, 12), (48, 60), (101, 120), (161, 200)] {
            assert_eq!(round_above(highest), top);
        }
        assert_eq!(round_above(u64::MAX), u64::MAX);
    }

    #[test]
    fn a_minute_without_orders_has_no_bar() {
        let mut counts = [0; MINUTES];
        counts[0] = 3;
        counts[59] = 12;
        let svg = bars(Language::En, &counts, Moment::default(), "orders \"a minute\"");
        assert_eq!(svg.matches("chart-bar").count(), 2);
        assert!(svg.contains(">12</text>"));
        assert!(svg.contains("&quot;a minute&quot;"));
    }
}

//! The axis of a waterfall. An order is decided in milliseconds and delivered in seconds or minutes. Each mark is ten
//! times the one before, so that both are visible.

const MS: f64 = 1000.0;

/// The possible marks, in milliseconds. Browsers handle the thin space; the words are the same in all languages.
const MARKS: [(u32, &str); 9] = [
    (1, "1\u{a0}ms"),
    (10, "10\u{a0}ms"),
    (100, "100\u{a0}ms"),
    (1_000, "1\u{a0}s"),
    (10_000, "10\u{a0}s"),
    (60_000, "1\u{a0}min"),
    (600_000, "10\u{a0}min"),
    (3_600_000, "1\u{a0}h"),
    (36_000_000, "10\u{a0}h"),
];
/// The shortest axis, in microseconds.
const SHORTEST: i64 = 20_000;
/// The narrowest bar, in percent of the axis.
const NARROWEST: f64 = 0.5;

/// From zero to the last moment shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    end: f64,
}

/// A mark, in percent of the axis, as SVG takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    pub at: String,
    pub label: &'static str,
}

impl Axis {
    /// The axis that ends this long after its beginning, in microseconds.
    pub(super) fn until(micros: i64) -> Self {
        Axis { end: scale(micros.max(SHORTEST)) }
    }

    /// The marks, except those so near the end that their words would leave the picture.
    pub(super) fn marks(self) -> Vec<Mark> {
        let place = |(millis, label): &(u32, &'static str)| (self.place(i64::from(*millis) * 1000), *label);
        let within = MARKS.iter().map(place).filter(|(place, _)| *place <= 96.0);
        within.map(|(place, label)| Mark { at: percent(place), label }).collect()
    }

    /// Where a bar begins, and its width. A bar without duration stays visible.
    pub(super) fn bar(self, from: i64, to: i64) -> (String, String) {
        let width = (self.place(to) - self.place(from)).max(NARROWEST);
        let begins = self.place(from).min(100.0 - width);
        (percent(begins), percent(width))
    }

    fn place(self, micros: i64) -> f64 {
        (100.0 * scale(micros) / self.end).clamp(0.0, 100.0)
    }
}

fn scale(micros: i64) -> f64 {
    // Exact up to 285 years, which no order takes.
    #[expect(clippy::cast_precision_loss, reason = "a place in a picture")]
    let millis = micros.max(0) as f64 / MS;
    (1.0 + millis).log10()
}

fn percent(place: f64) -> String {
    format!("{place:.2}%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_and_seconds_are_both_seen() {
        let axis = Axis::until(2_014_000);
        assert_eq!(axis.bar(0, 9_000), ("0.00%".to_owned(), "30.26%".to_owned()));
        assert_eq!(axis.bar(14_000, 2_014_000), ("35.59%".to_owned(), "64.41%".to_owned()));
        let labels: Vec<_> = axis.marks().iter().map(|mark| mark.label.to_owned()).collect();
        assert_eq!(labels, ["1\u{a0}ms", "10\u{a0}ms", "100\u{a0}ms", "1\u{a0}s"]);
    }

    #[test]
    fn no_bar_leaves_the_picture_or_cannot_be_seen() {
        let axis = Axis::until(0);
        assert_eq!(axis.bar(20_000, 20_000), ("99.50%".to_owned(), "0.50%".to_owned()));
        assert_eq!(axis.bar(-5, 900_000_000).1, "100.00%");
    }
}

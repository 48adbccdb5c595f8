//! The line that is printed for a check or an act.

use std::{fmt, time::Duration};

use anyhow::Result;

/// The longest reason of a failure, in characters: a line, not a page.
const REASON_MAX: usize = 600;

/// One line of the rehearsal.
#[derive(Debug)]
pub struct Line {
    label: String,
    title: String,
    took: Duration,
    outcome: Result<String, String>,
}

impl Line {
    /// The line of a check or act with this outcome; a success may add a remark.
    pub fn of(label: &str, title: &str, took: Duration, outcome: Result<String>) -> Self {
        let outcome = outcome.map_err(|error| format!("{error:#}").chars().take(REASON_MAX).collect());
        Line { label: label.to_owned(), title: title.to_owned(), took, outcome }
    }

    pub fn is_fine(&self) -> bool {
        self.outcome.is_ok()
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Line { label, title, took, outcome } = self;
        let (mark, words) = match outcome {
            Ok(words) => ("ok    ", words),
            Err(reason) => ("FAILED", reason),
        };
        let rest = [title.as_str(), words.as_str()].map(str::trim);
        let rest: Vec<&str> = rest.into_iter().filter(|part| !part.is_empty()).collect();
        write!(f, "{mark} {label:<10} {:>6.1} s  {}", took.as_secs_f64(), rest.join(": "))
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn a_line_says_whether_what_how_long_and_why() {
        let second = Duration::from_millis(1240);
        let fine = Line::of("act 1", "A first order", second, Ok(String::new()));
        assert_eq!(fine.to_string(), "ok     act 1         1.2 s  A first order");
        let failed = Line::of("disk", "", second, Err(anyhow!("it is full").context("no room")));
        assert_eq!(failed.to_string(), "FAILED disk          1.2 s  no room: it is full");
        assert!(fine.is_fine() && !failed.is_fine());
        let long = Line::of("disk", "", second, Err(anyhow!("é".repeat(5_000))));
        assert!(long.to_string().chars().count() < 2 * REASON_MAX);
    }
}

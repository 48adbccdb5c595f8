//! `/qr`: the QR code for phones; the presenter chooses its address.

use std::fmt::Write as _;

use askama::Template;
use qrcodegen::{QrCode, QrCodeEcc};
use serde_json::json;
use web::pure::layout::{Fragment, Frame, Parts, alive};

use crate::pages::figures::{Figure, figures};
use crate::{
    pages::view::PageView,
    pure::entrance::{ADDRESSES_MAX, EntranceView, QrView, Reach},
};

/// The quiet zone that readers need around a code, in modules.
const QUIET: i32 = 4;
/// The keys of the addresses, in their order.
const KEYS: [&str; ADDRESSES_MAX] = ["a", "b", "c", "d", "e", "f"];

#[derive(Template)]
#[template(path = "qr/page.html")]
struct Page<'a> {
    frame: Frame<'a>,
    parts: Parts,
}

#[derive(Template)]
#[template(path = "qr/code.html")]
struct CodeTemplate<'a> {
    frame: Frame<'a>,
    code: Option<Code>,
    address: &'a str,
    /// Shown if there is no code.
    instead: &'static str,
}

/// A code as squares in a field of `size` by `size`.
struct Code {
    size: i32,
    path: String,
}

#[derive(Template)]
#[template(path = "qr/entrances.html")]
struct Entrances<'a> {
    frame: Frame<'a>,
    is_fixed: bool,
    entrances: Vec<Row<'a>>,
    /// Sent to try all again: the current choice.
    again: String,
}

struct Row<'a> {
    key: &'static str,
    name: &'a str,
    is_shown: bool,
    body: String,
    sign: &'static str,
    tone: &'static str,
    words: &'static str,
}

impl PageView for QrView {
    fn render(&self, frame: Frame<'_>) -> askama::Result<String> {
        Page { frame, parts: Parts(self.fragments(frame)?) }.render()
    }

    fn fragments(&self, frame: Frame<'_>) -> askama::Result<Vec<Fragment>> {
        let no_figures: Vec<Figure> = vec![];
        let mut fragments = vec![alive(&frame, &[])?, figures(no_figures)?, code_fragment(self, frame)?];
        if frame.presenter {
            fragments.push(Fragment::new("entrances", &entrances(self, frame))?);
        }
        Ok(fragments)
    }
}

/// The fragment `qr`: the code with its address, or why there is none.
pub(super) fn code_fragment(view: &QrView, frame: Frame<'_>) -> askama::Result<Fragment> {
    let template = CodeTemplate {
        frame,
        code: view.address.as_ref().and_then(|address| code(address.url())),
        address: view.address.as_ref().map(|address| address.name()).unwrap_or_default(),
        instead: frame.t(if view.entrances.is_empty() { "qr.no_address" } else { "qr.not_chosen" }),
    };
    Fragment::new("qr", &template)
}

fn entrances<'a>(view: &'a QrView, frame: Frame<'a>) -> Entrances<'a> {
    let chosen = view.address.as_ref().map(|address| address.name());
    let rows = KEYS.into_iter().zip(&view.entrances).map(|(key, entrance)| row(key, entrance, &frame));
    Entrances {
        frame,
        is_fixed: view.is_fixed,
        entrances: rows.collect(),
        again: json!({"address": chosen}).to_string(),
    }
}

fn row<'a>(key: &'static str, entrance: &'a EntranceView, frame: &Frame<'_>) -> Row<'a> {
    let (sign, tone, words) = match entrance.reach {
        Reach::NotTried => ("…", "soft", "qr.not_tried"),
        Reach::Answers => ("✓", "right-words", "qr.answers"),
        Reach::Silent => ("✗", "wrong-words", "qr.silent"),
    };
    Row {
        key,
        name: &entrance.name,
        is_shown: entrance.is_shown,
        body: json!({"address": entrance.name}).to_string(),
        sign,
        tone,
        words: frame.t(words),
    }
}

/// The code of a text as a path, the dark modules of a row in a few strokes; `None` if the text is too long.
fn code(text: &str) -> Option<Code> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let mut path = String::new();
    for y in 0..code.size() {
        let mut x = 0;
        while x < code.size() {
            let from = x;
            while x < code.size() && code.get_module(x, y) {
                x += 1;
            }
            if x > from {
                let (left, top, wide) = (from + QUIET, y + QUIET, x - from);
                // Writing to a string cannot fail.
                let _written = write!(path, "M{left} {top}h{wide}v1h-{wide}z");
            }
            x += 1;
        }
    }
    Some(Code { size: code.size() + 2 * QUIET, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The dark modules of a path.
    fn drawn(path: &str) -> Vec<(i32, i32)> {
        let strokes = path.split('M').skip(1);
        let numbers = |stroke: &str| -> Vec<i32> {
            stroke.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect()
        };
        let modules = |stroke: Vec<i32>| (stroke[0]..stroke[0] + stroke[2]).map(move |x| (x, stroke[1]));
        strokes.map(numbers).flat_map(modules).collect()
    }

    #[test]
    fn the_path_draws_the_code_with_its_quiet_zone() {
        let text = "http://192.168.178.123:8000";
        let (ours, theirs) = (code(text).unwrap(), QrCode::encode_text(text, QrCodeEcc::Medium).unwrap());
        assert_eq!(ours.size, theirs.size() + 8);
        let dark = drawn(&ours.path);
        for y in 0..ours.size {
            for x in 0..ours.size {
                assert_eq!(dark.contains(&(x, y)), theirs.get_module(x - QUIET, y - QUIET), "{x} {y}");
            }
        }
    }

    #[test]
    fn the_longest_address_is_still_a_coarse_code() {
        assert!(code(&format!("https://{}", "a".repeat(112))).unwrap().size <= 57);
    }
}

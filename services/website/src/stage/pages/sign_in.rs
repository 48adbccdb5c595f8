//! `/sign-in`: the presenter's token.

use askama::Template;

use crate::web::pure::layout::Frame;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct Page<'a> {
    frame: Frame<'a>,
    fault: Option<String>,
    next: &'a str,
}

/// Why the token that was typed is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// It is another one.
    Wrong,
    /// Too many were wrong before.
    Wait {
        /// In how many seconds the next one is looked at.
        seconds: u64,
    },
}

/// The whole page, after a token that was refused or before any; `next` is the path to go on to.
///
/// # Errors
/// If the template cannot be rendered.
pub fn render(refused: Option<Refused>, next: &str, frame: Frame<'_>) -> askama::Result<String> {
    let fault = refused.map(|refused| match refused {
        Refused::Wrong => frame.t("sign.wrong_token").to_owned(),
        Refused::Wait { seconds } => frame.with("sign.wait", "n", &seconds.to_string()),
    });
    Page { frame, fault, next }.render()
}

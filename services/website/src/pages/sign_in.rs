//! `/sign-in`: the presenter's token.

use askama::Template;

use super::Frame;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct Page<'a> {
    frame: Frame<'a>,
    refused: bool,
    next: &'a str,
}

/// The whole page; `refused` after a wrong token, `next` is the path to go on to.
///
/// # Errors
/// If the template cannot be rendered.
pub fn render(refused: bool, next: &str, frame: Frame<'_>) -> askama::Result<String> {
    Page { frame, refused, next }.render()
}

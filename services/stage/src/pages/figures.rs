//! The big figures at the top of a page.

use askama::Template;
use web::pure::layout::Fragment;

/// The big figures at the top of a page, at most three.
#[derive(Template)]
#[template(path = "figures.html")]
struct Figures {
    figures: Vec<Figure>,
}

pub struct Figure {
    /// The number, in the reader's language.
    pub text: String,
    pub label: String,
    /// `amber`, `right`, `wrong` or `plain`; the label says the same in words.
    pub tone: &'static str,
}

/// The fragment `figures`.
///
/// # Errors
/// If the template cannot be rendered.
pub fn figures(figures: Vec<Figure>) -> askama::Result<Fragment> {
    Fragment::new("figures", &Figures { figures })
}

//! The page that is shown in place of one that cannot be shown.

use askama::Template;
use axum::http::StatusCode;

use crate::pure::layout::Frame;

/// Why a page cannot be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// 404: there is no page at this address.
    NotFound,
    /// 403: a page of another website made the browser send the request.
    Foreign,
    /// 413 or 422: the body cannot be an order.
    Unusable,
    /// 503: not available now.
    Unavailable,
}

impl Problem {
    /// All problems, for tests that render each.
    pub const ALL: [Problem; 4] = [Problem::NotFound, Problem::Foreign, Problem::Unusable, Problem::Unavailable];
}

impl Problem {
    pub const fn status(self) -> StatusCode {
        match self {
            Problem::NotFound => StatusCode::NOT_FOUND,
            Problem::Foreign => StatusCode::FORBIDDEN,
            Problem::Unusable => StatusCode::UNPROCESSABLE_ENTITY,
            Problem::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

#[derive(Template)]
#[template(path = "problem.html")]
struct Page<'a> {
    frame: Frame<'a>,
    title: &'static str,
    advice: &'static str,
    soon: bool,
}

pub fn render(problem: Problem, frame: Frame<'_>) -> askama::Result<String> {
    let (title, advice) = match problem {
        Problem::NotFound => ("problem.not_found", "problem.not_found_advice"),
        Problem::Foreign => ("problem.foreign", "problem.foreign_advice"),
        Problem::Unusable => ("problem.unusable", "problem.unusable_advice"),
        Problem::Unavailable => ("problem.unavailable", "problem.unavailable_advice"),
    };
    Page { frame, title: frame.t(title), advice: frame.t(advice), soon: problem == Problem::Unavailable }.render()
}

//! Signs the presenter in, redirects to the page they wanted, and signs them out.

use std::{collections::HashMap, sync::Arc};

use askama::Template;
use axum::{
    Form,
    extract::{Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Redirect, Response},
};
use serde::Deserialize;
use web::{
    http::{cookies::with_cookie, visitor::Visitor},
    pure::{
        arrival::{Arrival, Guesser},
        layout::Frame,
    },
};

use crate::control::{presenter::NotTaken, stage::Stage};

#[derive(Template)]
#[template(path = "sign_in.html")]
struct Page<'a> {
    frame: Frame<'a>,
    fault: Option<String>,
    next: &'a str,
}

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    Wrong,
    /// There were too many wrong ones.
    Wait {
        /// In how many seconds the next one is checked.
        seconds: u64,
    },
}

/// The whole page, at first or after a refused token; `next` is the path to go on to.
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

#[derive(Deserialize)]
pub(super) struct SignIn {
    #[serde(default)]
    token: String,
    #[serde(default)]
    next: String,
}

/// Where to go after signing in: only to our own pages.
fn next_page(next: &str) -> &str {
    let ours =
        next.starts_with('/') && !next.starts_with("//") && next.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    if ours { next } else { "/deliveries" }
}

pub(super) async fn page(
    State(stage): State<Arc<Stage>>,
    Query(asked): Query<HashMap<String, String>>,
    visitor: Visitor,
) -> Response {
    let next = next_page(asked.get("next").map(String::as_str).unwrap_or_default());
    visitor.show(&stage.alive(), StatusCode::OK, |frame| render(None, next, frame))
}

pub(super) async fn sign_in(
    State(stage): State<Arc<Stage>>,
    visitor: Visitor,
    guesser: Guesser,
    arrival: Arrival,
    Form(SignIn { token, next }): Form<SignIn>,
) -> Response {
    let presenter = &stage.backstage.presenter;
    let next = next_page(&next);
    let (status, refused) = match presenter.check_token(token.trim(), guesser) {
        Ok(()) => return with_cookie(Redirect::to(next), presenter.sign_in(&arrival)),
        Err(NotTaken::Wrong) => (StatusCode::UNAUTHORIZED, Refused::Wrong),
        Err(NotTaken::Wait { seconds }) => (StatusCode::TOO_MANY_REQUESTS, Refused::Wait { seconds }),
    };
    let mut response = visitor.show(&stage.alive(), status, |frame| render(Some(refused), next, frame));
    if let Refused::Wait { seconds } = refused {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

pub(super) async fn sign_out(State(stage): State<Arc<Stage>>, arrival: Arrival, headers: HeaderMap) -> Response {
    with_cookie(Redirect::to("/sign-in"), stage.backstage.presenter.sign_out(&headers, &arrival))
}

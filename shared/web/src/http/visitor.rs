//! The visitor of a page, with language and theme, and the page as a response.

use std::{collections::HashMap, convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::{FromRequestParts, Query},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header, request::Parts},
    response::{Html, IntoResponse as _, Response},
};
use service::now;

use crate::{
    http::{
        cookies::{self, cookie, with_cookie},
        site::Site,
    },
    pure::{
        language::Language,
        layout::{Alive, Fragment, Frame, Theme},
        problem_page::{self, Problem},
    },
};

/// The parameter of a window that follows the speaker.
const FOLLOW: &str = "follow";
/// The parameter of the language, and the cookie that remembers it.
const LANGUAGE: &str = "lang";
const LANGUAGE_KEPT_FOR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The visitor of a page: all of the request that a page depends on. An extractor.
pub struct Visitor {
    pub language: Language,
    theme: Theme,
    /// Whether the presenter's buttons are shown.
    pub presenter: bool,
    /// Whether the window goes where the speaker goes.
    pub follow: bool,
    /// Whether a stream ends after its first events.
    pub once: bool,
    path: String,
    /// The language in the address, which a cookie is to remember.
    chosen: Option<Language>,
}

impl<S: Site> FromRequestParts<Arc<S>> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, site: &Arc<S>) -> Result<Self, Infallible> {
        Ok(Visitor::of(&**site, &parts.uri, &parts.headers))
    }
}

impl Visitor {
    /// The visitor of a site. The language comes from the address, else from the cookie, else from the browser.
    pub fn of(site: &impl Site, uri: &Uri, headers: &HeaderMap) -> Self {
        let query: HashMap<String, String> = Query::try_from_uri(uri).map(|Query(query)| query).unwrap_or_default();
        let chosen = query.get(LANGUAGE).and_then(|tag| Language::of_tag(tag));
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).unwrap_or_default();
        let remembered = cookies::read(headers, LANGUAGE).and_then(|tag| Language::of_tag(&tag));
        let of_browser = || Language::of_accept_language(text(header::ACCEPT_LANGUAGE));
        Visitor {
            language: chosen.or(remembered).or_else(of_browser).unwrap_or(Language::En),
            theme: query.get("theme").and_then(|name| Theme::of_name(name)).unwrap_or_default(),
            presenter: site.is_presenter(headers),
            follow: query.contains_key(FOLLOW),
            once: query.contains_key("once"),
            path: uri.path().to_owned(),
            chosen,
        }
    }

    /// The part of this visitor on which rendering depends.
    pub fn reader(&self) -> Reader {
        Reader { language: self.language, presenter: self.presenter }
    }

    /// Whether the window is told where the speaker is: it follows, or is the speaker's own.
    pub fn is_led(&self) -> bool {
        self.follow || self.presenter
    }

    pub fn show(
        &self,
        alive: &Alive,
        status: StatusCode,
        render: impl FnOnce(Frame<'_>) -> askama::Result<String>,
    ) -> Response {
        let response = match render(self.frame(alive)) {
            Ok(page) => (status, Html(page)).into_response(),
            Err(error) => {
                tracing::error!(%error, path = self.path, "a page cannot be rendered");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        };
        match self.chosen {
            Some(language) => with_cookie(response, cookie(LANGUAGE, language.tag(), LANGUAGE_KEPT_FOR)),
            None => response,
        }
    }

    /// Parts of a page for this visitor.
    pub fn fragments(
        &self,
        alive: &Alive,
        render: impl FnOnce(Frame<'_>) -> askama::Result<Vec<Fragment>>,
    ) -> askama::Result<Vec<Fragment>> {
        render(self.frame(alive))
    }

    fn frame<'a>(&'a self, alive: &'a Alive) -> Frame<'a> {
        let Visitor { language, theme, presenter, follow, ref path, .. } = *self;
        Frame { language, theme, alive, now: now(), presenter, follow, path }
    }

    pub fn problem(&self, alive: &Alive, problem: Problem) -> Response {
        self.show(alive, problem.status(), |frame| problem_page::render(problem, frame))
    }
}

/// The part of a visitor on which rendering depends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Reader {
    pub language: Language,
    /// Whether the presenter's buttons are shown.
    pub presenter: bool,
}

impl Reader {
    /// What a fragment for this reader needs in addition to its view.
    pub fn frame(self, alive: &Alive) -> Frame<'_> {
        let Reader { language, presenter } = self;
        Frame { language, theme: Theme::default(), alive, now: now(), presenter, follow: false, path: "" }
    }
}

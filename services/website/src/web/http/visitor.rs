//! The pages over HTTP: who asks in which language and theme, what is answered, and what every answer carries.

use std::{collections::HashMap, net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{ConnectInfo, DefaultBodyLimit, Path, Query, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header},
    middleware::{self, Next},
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use events::{
    beers::{self, Beer},
    ids::{BeerId, OrderId},
    topics::{self, TopicSpec},
};
use service::now;
use tokio::time::timeout;
use tower_http::compression::{
    CompressionLayer, CompressionLevel, DefaultPredicate, Predicate, predicate::NotForContentType,
};

use crate::{app::api, order::view::{Alive, OrderView}, shop::{control::shop::Site, pages::checkout}, stage::{control::entrance, pages::travel, pure::acts}, web::{http::sse::{self, Page}, pure::{assets, layout::{self, Fragment, Frame, Theme}, problem_page::Problem, texts::Language}}};

mod dead_letters;
mod guard;
mod live;
mod sign_in;

/// Nothing from anywhere but here, no script or style in a page, and no page in another.
const POLICY: &str = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; \
                      form-action 'self'; frame-ancestors 'none'";

/// In the address of a window that follows the speaker.
const FOLLOW: &str = "follow";

/// Everything the website serves.
pub fn routes(site: Arc<Site>) -> Router {
    Router::new()
        .route("/", get(shop))
        .route("/orders", post(checkout::order))
        .route("/orders/{order_id}", get(order))
        .route("/stage", get(beginning))
        .route("/stage/past", get(travel::page))
        .route("/stage/past/fragments", get(travel::fragments))
        .route("/stage/qr", get(qr))
        .route("/stage/{page}", get(stage))
        .route("/stage/orders/newest", get(newest))
        .route("/stage/orders/{order_id}", get(follow))
        .route("/stage/dead-letters/{order_id}/redrive", post(dead_letters::redrive))
        .route("/stage/dead-letters/{order_id}/return", post(dead_letters::give_up))
        .route("/console", get(console))
        .route("/sign-in", get(sign_in::page).post(sign_in::sign_in))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/live/{page}", get(live::page))
        .route("/live/orders/{order_id}", get(live::order))
        .route("/live/followed/{order_id}", get(live::followed))
        .route("/assets/{*name}", get(asset))
        .fallback(nothing_here)
        .layer(middleware::from_fn(read_in_time))
        .merge(api::routes())
        .layer(DefaultBodyLimit::max(api::BODY_MAX))
        .layer(middleware::from_fn_with_state(Arc::clone(&site), guard::let_in))
        .layer(compression())
        .with_state(site)
}

/// Texts go over a crowded network compressed. What comes piece by piece must come at once, and the typeface is
/// compressed already.
fn compression() -> CompressionLayer<impl Predicate> {
    let is_text = DefaultPredicate::new().and(NotForContentType::const_new("font/"));
    CompressionLayer::new().gzip(true).quality(CompressionLevel::Fastest).compress_when(is_text)
}

/// A form that does not arrive in time is not waited for.
async fn read_in_time(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match timeout(api::BODY_WITHIN, to_bytes(body, api::BODY_MAX)).await {
        Ok(Ok(body)) => next.run(Request::from_parts(parts, Body::from(body))).await,
        Ok(Err(_)) => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
        Err(_) => StatusCode::REQUEST_TIMEOUT.into_response(),
    }
}

/// What every answer carries.
pub(crate) async fn add_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut add = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    add(header::CONTENT_SECURITY_POLICY, POLICY);
    add(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    add(header::REFERRER_POLICY, "same-origin");
    // Every number is of now; a page from a cache would look alive and be old.
    add(header::CACHE_CONTROL, "no-store");
    response
}

/// Who asks for a page: everything of the request that a page depends on.
pub struct Visitor {
    language: Language,
    theme: Theme,
    presenter: bool,
    follow: bool,
    /// Only what a stream begins with.
    once: bool,
    path: String,
    /// The beer that is asked for in the address.
    beer: Option<&'static Beer>,
    /// The topic that is asked for in the address.
    topic: Option<&'static TopicSpec>,
    /// The language was asked for in the address, and is to be remembered.
    chosen: Option<Language>,
}

impl Visitor {
    /// The visitor of this request: language from the address, else as chosen before, else the browser's.
    pub fn of(site: &Site, uri: &Uri, headers: &HeaderMap) -> Self {
        let query: HashMap<String, String> = Query::try_from_uri(uri).map(|Query(query)| query).unwrap_or_default();
        let chosen = query.get("lang").and_then(|tag| Language::of_tag(tag));
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).unwrap_or_default();
        let remembered = text(header::COOKIE)
            .split(';')
            .filter_map(|pair| pair.trim().split_once('='))
            .find_map(|(name, tag)| (name == "lang").then(|| Language::of_tag(tag)).flatten());
        let of_browser = || Language::of_accept_language(text(header::ACCEPT_LANGUAGE));
        Visitor {
            language: chosen.or(remembered).or_else(of_browser).unwrap_or(Language::En),
            theme: query.get("theme").and_then(|name| Theme::of_name(name)).unwrap_or_default(),
            presenter: site.house.presenter.has_signed_in(headers),
            follow: query.contains_key(FOLLOW),
            once: query.contains_key("once"),
            path: uri.path().to_owned(),
            beer: query.get("beer").and_then(|id| beers::find(&BeerId::new(id.as_str()))),
            topic: query.get("topic").and_then(|name| topics::find(name)),
            chosen,
        }
    }

    /// The language this visitor reads.
    pub fn language(&self) -> Language {
        self.language
    }

    /// A page for this visitor.
    pub fn show(
        &self,
        site: &Site,
        status: StatusCode,
        render: impl FnOnce(Frame<'_>) -> askama::Result<String>,
    ) -> Response {
        let alive = site.alive();
        let mut response = match render(self.frame(&alive)) {
            Ok(page) => (status, Html(page)).into_response(),
            Err(error) => {
                tracing::error!(%error, path = self.path, "a page cannot be rendered");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        };
        if let Some(language) = self.chosen {
            let cookie = format!("lang={}; Path=/; SameSite=Lax; Max-Age=31536000", language.tag());
            if let Ok(cookie) = HeaderValue::from_str(&cookie) {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
        }
        response
    }

    /// Parts of a page for this visitor.
    ///
    /// # Errors
    /// If a template cannot be rendered.
    pub fn fragments(
        &self,
        site: &Site,
        render: impl FnOnce(Frame<'_>) -> askama::Result<Vec<Fragment>>,
    ) -> askama::Result<Vec<Fragment>> {
        render(self.frame(&site.alive()))
    }

    fn frame<'a>(&'a self, alive: &'a Alive) -> Frame<'a> {
        let Visitor { language, theme, presenter, follow, ref path, .. } = *self;
        Frame { language, theme, alive, now: now(), presenter, follow, path }
    }

    /// A page that says what is wrong.
    pub fn problem(&self, site: &Site, problem: Problem) -> Response {
        self.show(site, problem.status(), |frame| pages::problem::render(problem, frame))
    }
}

impl Problem {
    /// What its page is answered with.
    pub const fn status(self) -> StatusCode {
        match self {
            Problem::NotFound => StatusCode::NOT_FOUND,
            Problem::Foreign => StatusCode::FORBIDDEN,
            Problem::Unusable => StatusCode::UNPROCESSABLE_ENTITY,
            Problem::Broken => StatusCode::INTERNAL_SERVER_ERROR,
            Problem::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

async fn nothing_here(State(site): State<Arc<Site>>, uri: Uri, headers: HeaderMap) -> Response {
    Visitor::of(&site, &uri, &headers).problem(&site, Problem::NotFound)
}

async fn shop(
    State(site): State<Arc<Site>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let visitor = Visitor::of(&site, &uri, &headers);
    let view = checkout::view(&site, None);
    let page = visitor.show(&site, StatusCode::OK, |frame| pages::shop::render(&view, frame));
    site.house.with_browser_cookie(page, &headers, peer)
}

async fn order(State(site): State<Arc<Site>>, Path(order_id): Path<String>, uri: Uri, headers: HeaderMap) -> Response {
    Visitor::of(&site, &uri, &headers)
        .show_order(&site, &order_id, |order_id| site.house.is_own(&headers, order_id), pages::order::render)
        .await
}

async fn follow(State(site): State<Arc<Site>>, Path(order_id): Path<String>, uri: Uri, headers: HeaderMap) -> Response {
    Visitor::of(&site, &uri, &headers).show_order(&site, &order_id, |_| false, pages::follow::render).await
}

/// To another page of the stage, with what was asked for in the address: language, theme, and whether to follow.
fn redirect(page: &str, uri: &Uri) -> Redirect {
    Redirect::to(&uri.query().map_or_else(|| page.to_owned(), |query| format!("{page}?{query}")))
}

/// The stage begins with the map; a window that follows the speaker begins where the speaker is.
async fn beginning(State(site): State<Arc<Site>>, uri: Uri, headers: HeaderMap) -> Response {
    let page = acts::page_now(&site.context.stage.settings());
    let visitor = Visitor::of(&site, &uri, &headers);
    if visitor.follow && page != "/stage" {
        return redirect(page, &uri).into_response();
    }
    let view = site.map();
    visitor.show(&site, StatusCode::OK, |frame| pages::map::render(&view, frame))
}

/// The order that was placed last; the list, as long as none was.
async fn newest(State(site): State<Arc<Site>>, uri: Uri) -> Redirect {
    let newest = site.known(|known| known.newest.first().map(|order_id| format!("/stage/orders/{order_id}")));
    redirect(newest.as_deref().unwrap_or("/stage/orders"), &uri)
}

impl Visitor {
    /// A page about one order; whoever looks at their own sees their name in any case.
    async fn show_order(
        &self,
        site: &Site,
        order_id: &str,
        is_own: impl FnOnce(&OrderId) -> bool,
        render: fn(&OrderView, Frame<'_>) -> askama::Result<String>,
    ) -> Response {
        let Ok(order_id) = order_id.parse::<OrderId>() else { return self.problem(site, Problem::NotFound) };
        match site.order_shown(&order_id, is_own(&order_id)).await {
            Ok(Some(view)) => self.show(site, StatusCode::OK, |frame| render(&view, frame)),
            Ok(None) => self.problem(site, Problem::NotFound),
            Err(error) => {
                tracing::warn!(%error, "an order cannot be read");
                self.problem(site, Problem::Unavailable)
            }
        }
    }
}

async fn stage(State(site): State<Arc<Site>>, Path(page): Path<String>, uri: Uri, headers: HeaderMap) -> Response {
    let visitor = Visitor::of(&site, &uri, &headers);
    let page = match (Page::of_name(&page), visitor.beer) {
        (Some(Page::Stock(None)), beer) => Some(Page::Stock(beer)),
        (Some(Page::Pulsar(None)), _) => Some(Page::Pulsar(visitor.topic)),
        // A stream has a name for each beer, a page has not.
        (Some(Page::Stock(Some(_)) | Page::Pulsar(Some(_)) | Page::Shop | Page::Map), _) => None,
        (page, _) => page,
    };
    visitor.show_stage(&site, page)
}

impl Visitor {
    fn show_stage(&self, site: &Site, page: Option<Page>) -> Response {
        let ok = StatusCode::OK;
        match page {
            Some(Page::Deliveries) => {
                let view = site.deliveries();
                self.show(site, ok, |frame| pages::deliveries::render(&view, frame))
            }
            Some(Page::Orders) => {
                let view = site.newest();
                self.show(site, ok, |frame| pages::newest::render(&view, frame))
            }
            Some(Page::Stock(beer)) => {
                let view = site.stock(beer);
                self.show(site, ok, |frame| pages::stock::render(&view, frame))
            }
            Some(Page::Analysis) => {
                let view = site.analysis();
                self.show(site, ok, |frame| pages::analysis::render(&view, frame))
            }
            Some(Page::Rebuild) => {
                let view = site.known(|known| known.rebuilt());
                self.show(site, ok, |frame| pages::rebuild::render(&view, frame))
            }
            Some(Page::Questions) => {
                let view = site.asked();
                self.show(site, ok, |frame| pages::questions::render(&view, frame))
            }
            Some(Page::Fraud) => {
                let view = site.fraud();
                self.show(site, ok, |frame| pages::fraud::render(&view, frame))
            }
            Some(Page::Ledger) => {
                let view = site.known(|known| known.ledger());
                self.show(site, ok, |frame| pages::ledger::render(&view, frame))
            }
            Some(Page::Pulsar(topic)) => {
                let view = site.pulsar(topic);
                self.show(site, ok, |frame| pages::pulsar::render(&view, frame))
            }
            Some(Page::Shop | Page::Map | Page::Past | Page::Qr | Page::Console) | None => {
                self.problem(site, Problem::NotFound)
            }
        }
    }
}

/// The code for phones. Whether its addresses lead here is tried when the presenter looks.
async fn qr(State(site): State<Arc<Site>>, uri: Uri, headers: HeaderMap) -> Response {
    let visitor = Visitor::of(&site, &uri, &headers);
    if visitor.presenter {
        entrance::try_all(&site);
    }
    let view = site.house.entrance.view();
    visitor.show(&site, StatusCode::OK, |frame| pages::qr::render(&view, frame))
}

async fn console(
    State(site): State<Arc<Site>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let visitor = Visitor::of(&site, &uri, &headers);
    if !visitor.presenter {
        return Redirect::to("/sign-in?next=/console").into_response();
    }
    if site.house.entrance.console_opened(&headers, peer) {
        site.live.changed();
    }
    let view = streams::console(&site);
    visitor.show(&site, StatusCode::OK, |frame| pages::console::render(&view, frame))
}

async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = assets::find(&name) else { return StatusCode::NOT_FOUND.into_response() };
    let etag = asset.etag();
    let caching =
        [(header::ETAG, etag.clone()), (header::CACHE_CONTROL, "public, max-age=31536000, immutable".to_owned())];
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    (caching, [(header::CONTENT_TYPE, asset.content_type)], asset.bytes).into_response()
}

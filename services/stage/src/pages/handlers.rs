//! The handlers of the stage's pages.

use std::{collections::HashMap, sync::Arc};

use axum::{
    extract::{Path, Query, State},
    http::{StatusCode, Uri, header},
    response::{IntoResponse as _, Redirect, Response},
};
use events::{
    beers::{self, Beer},
    ids::BeerId,
    topics::{self, TopicSpec},
};
use web::{
    http::{server, visitor::Visitor},
    pure::{arrival::Arrival, problem_page::Problem},
};

use crate::{
    control::stage::Stage,
    pages::{
        follow,
        view::{self, PageView as _},
    },
    pure::{acts, page::Page},
};

/// Redirects to another page and keeps the parameters: language, theme, and whether to follow.
fn redirect(page: &str, uri: &Uri) -> Redirect {
    Redirect::to(&uri.query().map_or_else(|| page.to_owned(), |query| format!("{page}?{query}")))
}

/// The parameter of this name.
fn asked(uri: &Uri, name: &str) -> Option<String> {
    Query::<HashMap<String, String>>::try_from_uri(uri).ok()?.0.remove(name)
}

fn beer_asked_for(uri: &Uri) -> Option<&'static Beer> {
    beers::find(&BeerId::new(asked(uri, "beer")?))
}

fn topic_asked_for(uri: &Uri) -> Option<&'static TopicSpec> {
    topics::find(&asked(uri, "topic")?)
}

/// The start page is the map; a window that follows the speaker begins where the speaker is.
pub(super) async fn beginning(State(stage): State<Arc<Stage>>, visitor: Visitor, uri: Uri) -> Response {
    let page = acts::page_now(&stage.context.stage.settings());
    if visitor.follow && page != "/" {
        return redirect(page, &uri).into_response();
    }
    show(&stage, &visitor, Page::Map)
}

/// The newest order; the list if there is none.
pub(super) async fn newest(State(stage): State<Arc<Stage>>, uri: Uri) -> Redirect {
    let newest = stage.known(|known| known.newest.first().map(|order_id| format!("/orders/{order_id}")));
    redirect(newest.as_deref().unwrap_or("/orders"), &uri)
}

pub(super) async fn stage(
    State(stage): State<Arc<Stage>>,
    Path(page): Path<String>,
    visitor: Visitor,
    uri: Uri,
) -> Response {
    let page = match (Page::of_name(&page), beer_asked_for(&uri)) {
        (Some(Page::Stock(None)), beer) => Page::Stock(beer),
        (Some(Page::Pulsar(None)), _) => Page::Pulsar(topic_asked_for(&uri)),
        // A stream has a name per beer and topic, a page has not. Some pages have routes of their own.
        (
            None
            | Some(Page::Stock(_) | Page::Pulsar(_) | Page::Map | Page::Welcome | Page::Past | Page::Qr | Page::Console),
            _,
        ) => {
            return visitor.problem(&stage.alive(), Problem::NotFound);
        }
        (Some(page), _) => page,
    };
    show(&stage, &visitor, page)
}

fn show(stage: &Stage, visitor: &Visitor, page: Page) -> Response {
    let view = view::now(stage, page);
    visitor.show(&stage.alive(), StatusCode::OK, |frame| view.render(frame))
}

/// The QR code beside the shop. The only page with another site in a frame.
pub(super) async fn welcome(State(stage): State<Arc<Stage>>, visitor: Visitor, arrival: Arrival) -> Response {
    let view = stage.welcome(stage.backstage.entrance.shop_at(&arrival));
    let policy = server::policy(&[&view.shop], &[]);
    let mut page = visitor.show(&stage.alive(), StatusCode::OK, |frame| view.render(frame));
    page.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    page
}

/// The QR code. Its addresses are tried when the presenter looks.
pub(super) async fn qr(State(stage): State<Arc<Stage>>, visitor: Visitor) -> Response {
    if visitor.presenter {
        stage.backstage.entrance.try_all();
    }
    show(&stage, &visitor, Page::Qr)
}

pub(super) async fn console(State(stage): State<Arc<Stage>>, visitor: Visitor, arrival: Arrival) -> Response {
    if !visitor.presenter {
        return Redirect::to("/sign-in?next=/console").into_response();
    }
    if stage.backstage.entrance.console_opened(&arrival) {
        stage.live.changed();
    }
    show(&stage, &visitor, Page::Console)
}

pub(super) async fn followed(
    State(stage): State<Arc<Stage>>,
    Path(order_id): Path<String>,
    visitor: Visitor,
    arrival: Arrival,
) -> Response {
    let shop = stage.backstage.entrance.shop_at(&arrival);
    match order_id.parse().ok().and_then(|order_id| stage.order(&order_id)) {
        Some(view) => visitor.show(&stage.alive(), StatusCode::OK, |frame| follow::render(&view, &shop, frame)),
        None => visitor.problem(&stage.alive(), Problem::NotFound),
    }
}

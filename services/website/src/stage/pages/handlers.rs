//! The pages of the stage over HTTP.

use std::{collections::HashMap, net::SocketAddr, sync::Arc};

use axum::{
    extract::{ConnectInfo, Path, Query, State},
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse as _, Redirect, Response},
};
use events::{
    beers::{self, Beer},
    ids::BeerId,
    topics::{self, TopicSpec},
};
use web::{http::visitor::Visitor, pure::problem_page::Problem};

use crate::{
    shop::pages::show_order,
    stage::{
        control::{entrance, stage::Stage},
        pages::{
            analysis, console, deliveries, follow, fraud, ledger, map, newest, pulsar, qr, questions, rebuild, stock,
        },
        pure::{acts, page::Page},
    },
};

/// To another page of the stage, with what was asked for in the address: language, theme, and whether to follow.
fn redirect(page: &str, uri: &Uri) -> Redirect {
    Redirect::to(&uri.query().map_or_else(|| page.to_owned(), |query| format!("{page}?{query}")))
}

/// What is asked for in the address by this name.
fn asked(uri: &Uri, name: &str) -> Option<String> {
    Query::<HashMap<String, String>>::try_from_uri(uri).ok()?.0.remove(name)
}

fn beer_asked_for(uri: &Uri) -> Option<&'static Beer> {
    beers::find(&BeerId::new(asked(uri, "beer")?))
}

fn topic_asked_for(uri: &Uri) -> Option<&'static TopicSpec> {
    topics::find(&asked(uri, "topic")?)
}

/// The stage begins with the map; a window that follows the speaker begins where the speaker is.
pub(super) async fn beginning(State(stage): State<Arc<Stage>>, visitor: Visitor, uri: Uri) -> Response {
    let page = acts::page_now(&stage.context.stage.settings());
    if visitor.follow && page != "/stage" {
        return redirect(page, &uri).into_response();
    }
    let view = stage.map();
    visitor.show(&stage.alive(), StatusCode::OK, |frame| map::render(&view, frame))
}

/// The order that was placed last; the list, as long as none was.
pub(super) async fn newest(State(stage): State<Arc<Stage>>, uri: Uri) -> Redirect {
    let newest = stage.known(|known| known.newest.first().map(|order_id| format!("/stage/orders/{order_id}")));
    redirect(newest.as_deref().unwrap_or("/stage/orders"), &uri)
}

pub(super) async fn stage(
    State(stage): State<Arc<Stage>>,
    Path(page): Path<String>,
    visitor: Visitor,
    uri: Uri,
) -> Response {
    let page = match (Page::of_name(&page), beer_asked_for(&uri)) {
        (Some(Page::Stock(None)), beer) => Some(Page::Stock(beer)),
        (Some(Page::Pulsar(None)), _) => Some(Page::Pulsar(topic_asked_for(&uri))),
        // A stream has a name for each beer, a page has not.
        (Some(Page::Stock(Some(_)) | Page::Pulsar(Some(_)) | Page::Map), _) => None,
        (page, _) => page,
    };
    show_page(&stage, &visitor, page)
}

fn show_page(stage: &Stage, visitor: &Visitor, page: Option<Page>) -> Response {
    let ok = StatusCode::OK;
    match page {
        Some(Page::Deliveries) => {
            let view = stage.deliveries();
            visitor.show(&stage.alive(), ok, |frame| deliveries::render(&view, frame))
        }
        Some(Page::Orders) => {
            let view = stage.newest();
            visitor.show(&stage.alive(), ok, |frame| newest::render(&view, frame))
        }
        Some(Page::Stock(beer)) => {
            let view = stage.stock(beer);
            visitor.show(&stage.alive(), ok, |frame| stock::render(&view, frame))
        }
        Some(Page::Analysis) => {
            let view = stage.analysis();
            visitor.show(&stage.alive(), ok, |frame| analysis::render(&view, frame))
        }
        Some(Page::Rebuild) => {
            let view = stage.known(|known| known.rebuilt());
            visitor.show(&stage.alive(), ok, |frame| rebuild::render(&view, frame))
        }
        Some(Page::Questions) => {
            let view = stage.asked();
            visitor.show(&stage.alive(), ok, |frame| questions::render(&view, frame))
        }
        Some(Page::Fraud) => {
            let view = stage.fraud();
            visitor.show(&stage.alive(), ok, |frame| fraud::render(&view, frame))
        }
        Some(Page::Ledger) => {
            let view = stage.known(|known| known.ledger());
            visitor.show(&stage.alive(), ok, |frame| ledger::render(&view, frame))
        }
        Some(Page::Pulsar(topic)) => {
            let view = stage.pulsar(topic);
            visitor.show(&stage.alive(), ok, |frame| pulsar::render(&view, frame))
        }
        Some(Page::Map | Page::Past | Page::Qr | Page::Console) | None => {
            visitor.problem(&stage.alive(), Problem::NotFound)
        }
    }
}

/// The code for phones. Whether its addresses lead here is tried when the presenter looks.
pub(super) async fn qr(State(stage): State<Arc<Stage>>, visitor: Visitor) -> Response {
    if visitor.presenter {
        entrance::try_all(&stage.backstage.entrance, &stage.live);
    }
    let view = stage.backstage.entrance.view();
    visitor.show(&stage.alive(), StatusCode::OK, |frame| qr::render(&view, frame))
}

pub(super) async fn console(
    State(stage): State<Arc<Stage>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    visitor: Visitor,
    headers: HeaderMap,
) -> Response {
    if !visitor.presenter {
        return Redirect::to("/sign-in?next=/console").into_response();
    }
    if stage.backstage.entrance.console_opened(&headers, peer) {
        stage.live.changed();
    }
    let view = stage.console();
    visitor.show(&stage.alive(), StatusCode::OK, |frame| console::render(&view, frame))
}

pub(super) async fn followed(
    State(stage): State<Arc<Stage>>,
    Path(order_id): Path<String>,
    visitor: Visitor,
) -> Response {
    show_order::show(&stage.shop, &visitor, &order_id, |_| false, follow::render).await
}

//! The handlers of the pages' streams.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use events::ids::OrderId;
use web::{
    http::{
        admission::Client,
        sse::{self, too_many},
        visitor::{Reader, Visitor},
    },
    pure::arrival::Arrival,
};

use crate::{control::stage::Stage, pages::streams, pure::page::Page};

pub(super) async fn page(
    State(stage): State<Arc<Stage>>,
    Path(page): Path<String>,
    client: Client,
    visitor: Visitor,
    arrival: Arrival,
) -> Response {
    let Some(page) = Page::of_name(&page) else { return StatusCode::NOT_FOUND.into_response() };
    if page == Page::Console && !visitor.presenter {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    // After a crash of the stage, the console reopens only its stream.
    if page == Page::Console && stage.backstage.entrance.console_opened(&arrival) {
        stage.live.changed();
    }
    let (reader, is_led) = (visitor.reader(), visitor.is_led());
    if visitor.once {
        return streams::once(&stage, page, reader, is_led).await.unwrap_or_else(too_many);
    }
    let begin = || streams::page(Arc::clone(&stage), page, reader, is_led);
    sse::serve(&stage.live.streams, &stage.context.shutdown, &client, begin).unwrap_or_else(too_many)
}

pub(super) async fn followed(
    State(stage): State<Arc<Stage>>,
    Path(order_id): Path<String>,
    client: Client,
    visitor: Visitor,
) -> Response {
    let Ok(order_id) = order_id.parse::<OrderId>() else { return StatusCode::NOT_FOUND.into_response() };
    let (reader, is_led) = (Reader { presenter: false, ..visitor.reader() }, visitor.is_led());
    if visitor.once {
        return streams::order_once(&stage, &order_id, reader, is_led).await.unwrap_or_else(too_many);
    }
    let begin = || streams::order(Arc::clone(&stage), order_id, reader, is_led);
    sse::serve(&stage.live.streams, &stage.context.shutdown, &client, begin).unwrap_or_else(too_many)
}

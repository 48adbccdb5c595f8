//! Refuses requests that another website made a browser send, and tokens after too many wrong ones, before anything
//! else.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    extract::{ConnectInfo, Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use web::{
    http::{
        guard::{foreign, is_foreign},
        presenter::bearer,
        problem::Problem,
    },
    pure::arrival,
};

use crate::control::{presenter::NotTaken, stage::Stage};

pub(super) async fn let_in(
    State(stage): State<Arc<Stage>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let presenter = &stage.backstage.presenter;
    let token =
        bearer(&parts.headers).map(|token| presenter.check_token(token, arrival::guesser(&parts.headers, peer)));
    if let Some(Err(NotTaken::Wait { seconds })) = token {
        return Problem::too_many_tokens(seconds).into_response();
    }
    // Browsers do not send a bearer across sites by themselves.
    if token != Some(Ok(())) && is_foreign(&*stage, &parts, peer) {
        return foreign(&*stage, &parts);
    }
    next.run(Request::from_parts(parts, body)).await
}

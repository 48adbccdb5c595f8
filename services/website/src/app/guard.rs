//! What is refused before anything else looks at it: a request that another website made a browser send, and a wrong
//! token after many.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    extract::{ConnectInfo, Request, State},
    http::Method,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use web::{
    http::{problem::Problem, visitor::Visitor},
    pure::{
        arrival::{self, Arrival},
        problem_page,
    },
};

use crate::stage::control::{
    presenter::{self, NotTaken},
    stage::Stage,
};

/// Lets a request in, if it may come in.
pub(super) async fn let_in(
    State(stage): State<Arc<Stage>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let (headers, presenter) = (request.headers(), &stage.backstage.presenter);
    let is_api = request.uri().path().starts_with("/api/");
    let token = presenter::bearer(headers).map(|token| presenter.check_token(token, arrival::guesser(headers, peer)));
    if let Some(Err(NotTaken::Wait { seconds })) = token {
        return Problem::too_many_tokens(seconds).into_response();
    }
    // A page that is opened changes nothing; and a browser sends a bearer for nobody but the page that has it.
    let changes_nothing = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let arrival = Arrival::of(headers, peer, stage.backstage.entrance.public());
    if changes_nothing || token == Some(Ok(())) || arrival.is_from_own_page(headers) {
        return next.run(request).await;
    }
    if is_api {
        return Problem::forbidden("another website made this browser send this; see PUBLIC_URL").into_response();
    }
    Visitor::of(&*stage, request.uri(), headers).problem(&stage.alive(), problem_page::Problem::Foreign)
}

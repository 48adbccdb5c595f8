//! Acts over HTTP.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use web::http::{body::ApiJson, presenter::Presenter, problem::Problem};

use crate::{
    control::{control_error::ControlError, playing, stage::Stage},
    pure::acts::Act,
};

/// Where the speaker is.
#[derive(Serialize, ToSchema)]
pub(super) struct Played {
    /// Null before the first act.
    act: Option<u8>,
    /// 0 before the first step.
    step: u8,
    /// The page for the room; null if it stays where it is.
    page: Option<&'static str>,
    /// Whether this call did something. If not, the stage was elsewhere than the call said, and this tells where.
    done: bool,
}

impl From<playing::Played> for Played {
    fn from(played: playing::Played) -> Self {
        let playing::Played { position: playing::Position { act, step }, page, done } = played;
        Played { act, step, page, done }
    }
}

/// Where the stage is, as the caller sees it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the body; it is read field by field")]
pub(super) struct Position {
    /// Null before the first act.
    #[schema(required)]
    act: Option<u8>,
    /// 0 before the first step.
    step: u8,
}

/// The position in the body.
fn left(body: Option<ApiJson>) -> Result<playing::Position, Problem> {
    let body = body.map(|ApiJson(body)| body).unwrap_or_default();
    let number = |name: &str| body.get(name)?.as_u64().and_then(|number| u8::try_from(number).ok());
    let wrong = |name| Problem::wrong_field(name, "wrong_type", "must be the act and step to go on from");
    let act = match body.get("act") {
        Some(Value::Null) => None,
        _ => Some(number("act").ok_or_else(|| wrong("act"))?),
    };
    Ok(playing::Position { act, step: number("step").ok_or_else(|| wrong("step"))? })
}

/// Sets the start of an act in one change.
#[utoipa::path(
    post, path = "/stage/acts/{act}", tag = "acts", params(("act" = u8, Path)), security(("presenter" = [])),
    responses(
        (status = 200, body = Played), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 503, body = Problem),
    )
)]
pub(super) async fn begin(
    State(stage): State<Arc<Stage>>,
    _: Presenter,
    Path(act): Path<String>,
) -> Result<Json<Played>, Problem> {
    let act = act.parse().ok().and_then(Act::of_number).ok_or_else(|| Problem::not_found("no such act"))?;
    Ok(Json(playing::begin(&stage, act).await?.into()))
}

/// Plays the next step; after the last one, begins the next act; before any act, the first one. The body names the
/// current position: if the stage is elsewhere by then, nothing happens.
#[utoipa::path(
    post, path = "/stage/next", tag = "acts", request_body = Position, security(("presenter" = [])),
    responses(
        (status = 200, body = Played), (status = 401, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem),
    )
)]
pub(super) async fn next(
    State(stage): State<Arc<Stage>>,
    _: Presenter,
    body: Option<ApiJson>,
) -> Result<Json<Played>, Problem> {
    Ok(Json(playing::next(&stage, left(body)?).await?.into()))
}

/// Goes a step back. Only the position changes; nothing is undone. The body names the current position: if the stage is
/// elsewhere by then, nothing happens.
#[utoipa::path(
    post, path = "/stage/back", tag = "acts", request_body = Position, security(("presenter" = [])),
    responses(
        (status = 200, body = Played), (status = 401, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem),
    )
)]
pub(super) async fn back(
    State(stage): State<Arc<Stage>>,
    _: Presenter,
    body: Option<ApiJson>,
) -> Result<Json<Played>, Problem> {
    Ok(Json(playing::back(&stage, left(body)?).await?.into()))
}

/// Plays the current step again; before the first one, begins the act again. The body names the current position: if
/// the stage is elsewhere by then, nothing happens.
#[utoipa::path(
    post, path = "/stage/again", tag = "acts", request_body = Position, security(("presenter" = [])),
    responses(
        (status = 200, body = Played), (status = 401, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem),
    )
)]
pub(super) async fn again(
    State(stage): State<Arc<Stage>>,
    _: Presenter,
    body: Option<ApiJson>,
) -> Result<Json<Played>, Problem> {
    Ok(Json(playing::again(&stage, left(body)?).await?.into()))
}

/// Plays a step of the current act; a repeat does the same again. The body names the current position: if the stage is
/// elsewhere by then, nothing happens.
#[utoipa::path(
    post, path = "/stage/steps/{step}", tag = "acts", params(("step" = u8, Path)), request_body = Position,
    security(("presenter" = [])),
    responses(
        (status = 200, body = Played), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem),
    )
)]
pub(super) async fn play(
    State(stage): State<Arc<Stage>>,
    _: Presenter,
    Path(step): Path<String>,
    body: Option<ApiJson>,
) -> Result<Json<Played>, Problem> {
    let left = left(body)?;
    let number: u8 = step.parse().map_err(|_| ControlError::NoSuchStep)?;
    Ok(Json(playing::play(&stage, left, number).await?.into()))
}

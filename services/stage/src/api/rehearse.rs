//! Rehearsals from the console.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use serde::Serialize;
use utoipa::ToSchema;
use web::http::{presenter::Presenter, problem::Problem, visitor::Visitor};

use crate::{
    control::{rehearsal, stage::Stage},
    pure::acts::Act,
};

/// The result of a rehearsal.
#[derive(Serialize, ToSchema)]
pub(super) struct Rehearsed {
    ok: bool,
    /// One line per step, and one for the ledger.
    lines: Vec<String>,
}

/// Plays an act step by step without a person, then restores the settings.
#[utoipa::path(
    post, path = "/stage/rehearse/{act}", tag = "rehearse", params(("act" = u8, Path)), security(("presenter" = [])),
    responses(
        (status = 200, body = Rehearsed), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 503, body = Problem),
    )
)]
pub(super) async fn rehearse(
    State(stage): State<Arc<Stage>>,
    _: Presenter,
    visitor: Visitor,
    Path(act): Path<String>,
) -> Result<Json<Rehearsed>, Problem> {
    let act = act.parse().ok().and_then(Act::of_number).ok_or_else(|| Problem::not_found("no such act"))?;
    let rehearsal::Rehearsed { ok, lines } = rehearsal::rehearse(&stage, act, visitor.language).await?;
    Ok(Json(Rehearsed { ok, lines }))
}

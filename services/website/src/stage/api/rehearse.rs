//! Rehearsing an act from the console.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, Uri},
};
use serde::Serialize;
use utoipa::ToSchema;
use web::http::problem::Problem;

use crate::stage::{
    api::authorize::authorize,
    control::{rehearsal, stage::Stage},
    pure::acts::Act,
};

/// How a rehearsal went.
#[derive(Serialize, ToSchema)]
pub(super) struct Rehearsed {
    ok: bool,
    /// One for each step, and one for the ledger.
    lines: Vec<String>,
}

/// Plays an act without a person, step by step, and puts the settings back as they were.
#[utoipa::path(
    post, path = "/api/stage/rehearse/{act}", params(("act" = u8, Path)), security(("presenter" = [])),
    responses(
        (status = 200, body = Rehearsed), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 503, body = Problem),
    )
)]
pub(super) async fn rehearse(
    State(stage): State<Arc<Stage>>,
    Path(act): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<Rehearsed>, Problem> {
    authorize(&stage, &headers)?;
    let act = act.parse().ok().and_then(Act::of_number).ok_or_else(|| Problem::not_found("no such act"))?;
    let language = stage.shop.visitor(&uri, &headers).language;
    let rehearsal::Rehearsed { ok, lines } = rehearsal::rehearse(&stage, act, language).await?;
    Ok(Json(Rehearsed { ok, lines }))
}

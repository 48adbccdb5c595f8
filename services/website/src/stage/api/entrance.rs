//! The address the QR code shows: chosen by the presenter, tried by the website.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
    http::HeaderMap,
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use web::http::{body::read_json, problem::Problem};

use crate::stage::{
    api::authorize::authorize,
    control::{entrance, stage::Stage},
};

/// Which address to show.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the body; it is read field by field")]
pub(super) struct NewEntrance {
    /// One of the addresses the page offers, without its scheme; or another one phones can open. Null leaves the choice to
    /// the website.
    #[schema(example = "192.168.1.20:8000")]
    address: Option<String>,
}

/// The address the QR code shows now.
#[derive(Serialize, ToSchema)]
pub(super) struct EntranceShown {
    /// With its scheme; null if there is none.
    address: Option<String>,
}

/// Chooses the address the QR code shows, and has the website call itself by all it knows.
#[utoipa::path(
    post, path = "/api/stage/address", request_body = NewEntrance, security(("presenter" = [])),
    responses(
        (status = 200, body = EntranceShown), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 413, body = Problem), (status = 415, body = Problem), (status = 422, body = Problem),
    )
)]
pub(super) async fn choose(
    State(stage): State<Arc<Stage>>,
    headers: HeaderMap,
    request: Request,
) -> Result<Json<EntranceShown>, Problem> {
    authorize(&stage, &headers)?;
    let body = read_json(&headers, request.into_body()).await?;
    let shown = &stage.backstage.entrance;
    let chosen = match body.get("address") {
        None | Some(Value::Null) => shown.choose(None),
        Some(address) => shown.choose(Some(address.as_str().unwrap_or_default())),
    };
    chosen.map_err(|why| Problem::wrong_field("address", "unusable", &why.to_string()))?;
    stage.live.changed();
    entrance::try_all(shown, &stage.live);
    let address = shown.view().address.map(|address| address.url().to_owned());
    Ok(Json(EntranceShown { address }))
}

//! The address of the QR code: the presenter chooses it, the stage tries it.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use web::http::{body::ApiJson, presenter::Presenter, problem::Problem};

use crate::control::stage::Stage;

/// Which address to show.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the body; it is read field by field")]
pub(super) struct NewEntrance {
    /// One of the listed addresses, without its scheme, or another one that phones can open. Null leaves the choice to
    /// the stage.
    #[schema(example = "192.168.1.20:8000")]
    address: Option<String>,
}

/// The current address of the QR code.
#[derive(Serialize, ToSchema)]
pub(super) struct EntranceShown {
    /// With its scheme; null if there is none.
    address: Option<String>,
}

/// Chooses the address of the QR code, and makes the stage try all known addresses.
#[utoipa::path(
    post, path = "/stage/address", tag = "entrance", request_body = NewEntrance, security(("presenter" = [])),
    responses(
        (status = 200, body = EntranceShown), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 413, body = Problem), (status = 415, body = Problem), (status = 422, body = Problem),
    )
)]
pub(super) async fn choose(
    State(stage): State<Arc<Stage>>,
    _: Presenter,
    ApiJson(body): ApiJson,
) -> Result<Json<EntranceShown>, Problem> {
    let shown = &stage.backstage.entrance;
    let chosen = match body.get("address") {
        None | Some(Value::Null) => shown.choose(None),
        Some(address) => shown.choose(Some(address.as_str().unwrap_or_default())),
    };
    chosen.map_err(|why| Problem::wrong_field("address", "unusable", &why.to_string()))?;
    stage.live.changed();
    shown.try_all();
    let address = shown.view().address.map(|address| address.url().to_owned());
    Ok(Json(EntranceShown { address }))
}

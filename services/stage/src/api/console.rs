//! The presenter's controls: settings, reset, burst, crash.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use events::{
    ids::Service,
    settings::{Choices, StageSettings},
};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use web::http::{body::ApiJson, presenter::Presenter, problem::Problem};

use crate::{
    control::{
        burst,
        crash::{self, Crash},
        reset::{self, usual_choices},
        stage::Stage,
    },
    pure::settings::{Wrong, patched},
};

/// The settings that the speaker can change.
#[derive(Serialize, ToSchema)]
pub(super) struct SettingsShown {
    /// Only a reset changes it.
    episode: u32,
    #[serde(flatten)]
    #[schema(value_type = Object)]
    choices: Choices,
}

impl From<&StageSettings> for SettingsShown {
    fn from(settings: &StageSettings) -> Self {
        SettingsShown { episode: settings.episode, choices: settings.choices.clone() }
    }
}

/// The current settings.
#[utoipa::path(get, path = "/settings", tag = "console", responses((status = 200, body = Object)))]
pub(super) async fn settings(State(stage): State<Arc<Stage>>) -> Json<SettingsShown> {
    Json(SettingsShown::from(&*stage.backstage.director.settings()))
}

/// Changes some settings with a merge patch, in which `null` means "as at a first start".
#[utoipa::path(
    patch, path = "/settings", tag = "console", request_body = Object, security(("presenter" = [])),
    responses(
        (status = 200, body = Object), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 413, body = Problem), (status = 415, body = Problem), (status = 422, body = Problem),
        (status = 503, body = Problem),
    )
)]
pub(super) async fn change_settings(
    State(stage): State<Arc<Stage>>,
    _: Presenter,
    ApiJson(patch): ApiJson,
) -> Result<Json<SettingsShown>, Problem> {
    let usual = usual_choices()?;
    let changed = stage.backstage.director.change(|choices| patched(choices, &usual, &patch).map_err(wrong_settings));
    Ok(Json(SettingsShown::from(&*changed.await?)))
}

/// The number of orders.
#[derive(Serialize, ToSchema)]
pub(super) struct BurstPlaced {
    orders: usize,
}

/// Five orders of one bottle in a row for each beer but the scarce one, after stock-level has folded its levels afresh.
#[utoipa::path(
    post, path = "/stage/burst", tag = "console", security(("presenter" = [])),
    responses((status = 202, body = BurstPlaced), (status = 401, body = Problem), (status = 503, body = Problem))
)]
pub(super) async fn burst(
    State(stage): State<Arc<Stage>>,
    _: Presenter,
) -> Result<(StatusCode, Json<BurstPlaced>), Problem> {
    Ok((StatusCode::ACCEPTED, Json(BurstPlaced { orders: burst::make(&stage).await? })))
}

#[derive(Serialize, ToSchema)]
pub(super) struct EpisodeBegun {
    episode: u32,
    /// From the call until the shop took orders again.
    took_ms: u64,
    /// Services that have not moved within ten seconds. The earlier episodes are kept until they have.
    not_moved: Vec<&'static str>,
}

/// What a reset keeps.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the body; it is read field by field")]
pub(super) struct Reset {
    /// Whether to keep the settings; else they are as at a first start.
    keep_settings: Option<bool>,
}

/// Begins the next episode, as after a first start; answers once the shop takes orders again.
#[utoipa::path(
    post, path = "/stage/reset", tag = "console", request_body = Option<Reset>, security(("presenter" = [])),
    responses(
        (status = 200, body = EpisodeBegun), (status = 401, body = Problem), (status = 422, body = Problem),
        (status = 503, body = Problem),
    )
)]
pub(super) async fn reset(
    State(stage): State<Arc<Stage>>,
    _: Presenter,
    body: Option<ApiJson>,
) -> Result<Json<EpisodeBegun>, Problem> {
    let body = body.map(|ApiJson(body)| body).unwrap_or_default();
    let keep = match body.get("keep_settings") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(keep)) => *keep,
        Some(_) => return Err(Problem::wrong_field("keep_settings", "wrong_type", "must be true or false")),
    };
    let reset::EpisodeBegun { episode, took, not_moved } = reset::begin_anew(&stage, keep).await?;
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    Ok(Json(EpisodeBegun { episode, took_ms, not_moved: not_moved.into_iter().map(Service::name).collect() }))
}

/// What to crash: exactly one of these.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the body; it is read field by field")]
pub(super) struct CrashOf {
    /// A service by its folder, or `broker`.
    service: Option<String>,
    /// A courier by name.
    courier: Option<String>,
    /// A worker of stock-level by name.
    worker: Option<String>,
}

/// Crashes something, without a farewell; its supervisor starts it again.
#[utoipa::path(
    post, path = "/stage/crash", tag = "console", request_body = CrashOf, security(("presenter" = [])),
    responses(
        (status = 202, body = Object), (status = 401, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem),
    )
)]
pub(super) async fn crash(
    State(stage): State<Arc<Stage>>,
    _: Presenter,
    ApiJson(body): ApiJson,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let (what, answer) = read_crash(&stage, &body)?;
    crash::make(&stage, what).await?;
    Ok((StatusCode::ACCEPTED, Json(answer)))
}

fn read_crash(stage: &Stage, body: &Value) -> Result<(Crash, Value), Problem> {
    let fields: Vec<(&str, &str)> = body
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
        .collect();
    let known = body.as_object().map_or(0, serde_json::Map::len);
    let &[(kind, name)] = fields.as_slice() else {
        return Err(Problem::wrong_field("", "one_of", "must name one service, courier or worker"));
    };
    if known != 1 {
        return Err(Problem::wrong_field("", "one_of", "must name one service, courier or worker"));
    }
    let what = match kind {
        "service" if name == "broker" => Crash::Broker,
        "service" => match Service::DEMO.into_iter().find(|service| service.name() == name) {
            Some(service) => Crash::Service(service),
            None => return Err(Problem::wrong_field("service", "unknown", "is not a service")),
        },
        "courier" if stage.known(|known| known.is_courier(name)) => Crash::Courier(name.to_owned()),
        "courier" => return Err(Problem::wrong_field("courier", "unknown", "is not employed now")),
        "worker" if stage.known(|known| known.is_worker(name)) => Crash::Worker(name.to_owned()),
        "worker" => return Err(Problem::wrong_field("worker", "unknown", "is not employed now")),
        _ => return Err(Problem::wrong_field(kind, "unknown_field", "must be service, courier or worker")),
    };
    Ok((what, json!({kind: name})))
}

/// 422, with the fault of each setting.
fn wrong_settings(wrong: Vec<Wrong>) -> Problem {
    let wrong = wrong.into_iter();
    Problem::wrong_values(wrong.map(|Wrong { field, problem, detail }| (field, problem.to_owned(), detail)))
}

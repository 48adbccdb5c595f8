//! What the presenter may do: change the settings, begin anew, make a burst, let something crash.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
};
use events::{
    ids::Service,
    settings::{Choices, StageSettings},
    stage::{Answer, Command, Question},
};
use serde::Serialize;
use serde_json::{Value, json};
use service::{environment, now};
use tokio::time::Instant;
use utoipa::ToSchema;

use crate::{shop::{api::orders::read_json, control::shop::Site}, stage::{control::{director::Undone, questions::Asker}, pure::{crowd, settings::{Wrong, patched}}}, web::http::problem::Problem};

/// How long stock-level may take to say that it has heard of the settings: it says so twice a second.
const HEARD_WITHIN: Duration = Duration::from_secs(5);
/// How long everybody may take to move to the next episode; then it is said how far they came.
const MOVED_WITHIN: Duration = Duration::from_secs(10);
/// The website answers first, and crashes then.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// What the speaker can change.
#[derive(Serialize, ToSchema)]
pub(super) struct SettingsShown {
    /// Changed by a reset only.
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

/// The settings as they are.
#[utoipa::path(get, path = "/api/settings", responses((status = 200, body = Object)))]
pub(super) async fn settings(State(site): State<Arc<Site>>) -> Json<SettingsShown> {
    Json(SettingsShown::from(&*site.house.director.settings()))
}

/// Changes some of them: a merge patch, in which `null` stands for "as at a first start".
#[utoipa::path(
    patch, path = "/api/settings", request_body = Object, security(("presenter" = [])),
    responses(
        (status = 200, body = Object), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 413, body = Problem), (status = 415, body = Problem), (status = 422, body = Problem),
        (status = 503, body = Problem),
    )
)]
pub(super) async fn change_settings(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
    request: Request,
) -> Result<Json<SettingsShown>, Problem> {
    authorize(&site, &headers)?;
    let patch = read_json(&headers, request.into_body()).await?;
    let usual = usual_choices()?;
    let changed = site
        .house
        .director
        .change(|choices| patched(choices, &usual, &patch).map_err(|wrong| Problem::wrong(wrong.into_iter())));
    Ok(Json(SettingsShown::from(&*changed.await?)))
}

fn usual_choices() -> Result<Choices, Problem> {
    environment::choices().map_err(|error| Problem::unavailable(error.to_string()))
}

/// How many orders there were.
#[derive(Serialize, ToSchema)]
pub(super) struct BurstPlaced {
    orders: usize,
}

/// Five orders of one bottle in a row for each beer but the scarce one, after stock-level has folded its levels afresh.
#[utoipa::path(
    post, path = "/api/stage/burst", security(("presenter" = [])),
    responses((status = 202, body = BurstPlaced), (status = 401, body = Problem), (status = 503, body = Problem))
)]
pub(super) async fn burst(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
) -> Result<(StatusCode, Json<BurstPlaced>), Problem> {
    authorize(&site, &headers)?;
    Ok((StatusCode::ACCEPTED, Json(BurstPlaced { orders: make_burst(&site).await? })))
}

/// Makes a burst; how many orders it has. stock-level must have heard of the last change of settings: that comes by
/// another topic than the question.
pub(crate) async fn make_burst(site: &Site) -> Result<usize, Problem> {
    let heard = site.has_heard(Service::StockLevel);
    tokio::time::timeout(HEARD_WITHIN, heard).await.map_err(|_| Problem::unavailable("stock-level is silent"))?;
    let questions = &site.house.director.questions;
    let Answer::Done = questions.ask(Asker::Presenter, Service::StockLevel, Question::FoldAfresh).await? else {
        return Err(Problem::unavailable("stock-level gave another answer"));
    };
    let folding = site.house.director.settings().choices.stock_level;
    site.learn(|known| known.shelves.begin_burst(folding));
    let orders = crowd::burst();
    let count = orders.len();
    for order in orders {
        site.hand_in(order, now()).await?;
    }
    Ok(count)
}

/// The next episode.
#[derive(Serialize, ToSchema)]
pub(super) struct EpisodeBegun {
    episode: u32,
    /// From the call until the shop took orders again.
    took_ms: u64,
    /// Services that had not moved to it within ten seconds. What belonged to the episodes before is kept until they have.
    not_moved: Vec<&'static str>,
}

/// What a reset keeps.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the body; it is read field by field")]
pub(super) struct Reset {
    /// Whether the settings stay as they are; else they are as at a first start.
    keep_settings: Option<bool>,
}

/// Begins the next episode, everything as after a first start; answers once the shop takes orders again.
#[utoipa::path(
    post, path = "/api/stage/reset", request_body = Option<Reset>, security(("presenter" = [])),
    responses(
        (status = 200, body = EpisodeBegun), (status = 401, body = Problem), (status = 422, body = Problem),
        (status = 503, body = Problem),
    )
)]
pub(super) async fn reset(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
    request: Request,
) -> Result<Json<EpisodeBegun>, Problem> {
    authorize(&site, &headers)?;
    let body = read_optional(&headers, request).await?;
    let keep = match body.get("keep_settings") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(keep)) => *keep,
        Some(_) => return Err(Problem::wrong_field("keep_settings", "wrong_type", "must be true or false")),
    };
    Ok(Json(begin_anew(&site, keep).await?))
}

/// Begins the next episode and waits until everybody has moved over.
pub(super) async fn begin_anew(site: &Site, keep: bool) -> Result<EpisodeBegun, Problem> {
    let (began, house, usual) = (Instant::now(), Arc::clone(&site.house), usual_choices()?);
    let episode = house.director.begin_episode(|choices| if keep { choices.clone() } else { usual }).await?;
    let mut not_moved: Vec<&str> = Vec::new();
    let opened = tokio::time::timeout(MOVED_WITHIN, async { house.site_of(episode).await.everybody_moved().await });
    if opened.await.is_err() {
        let missing = tokio::time::timeout(Duration::ZERO, house.site_of(episode)).await;
        let missing = missing.map_or_else(|_| Service::ALL.to_vec(), |site| site.not_moved());
        not_moved = missing.into_iter().map(Service::name).collect();
        tracing::warn!(episode, ?not_moved, "not everybody has moved to the new episode yet; the old one is kept");
    }
    let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(EpisodeBegun { episode, took_ms, not_moved })
}

/// What shall crash: exactly one of these.
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

/// What crashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Crash {
    /// A service.
    Service(Service),
    /// A courier, by name.
    Courier(String),
    /// A worker of stock-level, by name.
    Worker(String),
    /// The broker, if somebody watches it and starts it again.
    Broker,
}

/// Lets something die without any farewell; whoever watches it brings it back.
#[utoipa::path(
    post, path = "/api/stage/crash", request_body = CrashOf, security(("presenter" = [])),
    responses(
        (status = 202, body = Object), (status = 401, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem),
    )
)]
pub(super) async fn crash(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
    request: Request,
) -> Result<(StatusCode, Json<Value>), Problem> {
    authorize(&site, &headers)?;
    let body = read_json(&headers, request.into_body()).await?;
    let (what, answer) = read_crash(&site, &body)?;
    make_crash(&site, what).await?;
    Ok((StatusCode::ACCEPTED, Json(answer)))
}

fn read_crash(site: &Site, body: &Value) -> Result<(Crash, Value), Problem> {
    let fields: Vec<(&str, &str)> = body
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
        .collect();
    let known = body.as_object().map_or(0, serde_json::Map::len);
    let &[(kind, name)] = fields.as_slice() else {
        return Err(Problem::wrong_field("", "one_of", "names one service, courier or worker"));
    };
    if known != 1 {
        return Err(Problem::wrong_field("", "one_of", "names one service, courier or worker"));
    }
    let what = match kind {
        "service" if name == "broker" => Crash::Broker,
        "service" => match Service::ALL.into_iter().find(|service| service.name() == name) {
            Some(service) => Crash::Service(service),
            None => return Err(Problem::wrong_field("service", "unknown", "is no service of ours")),
        },
        "courier" if site.known(|known| known.is_courier(name)) => Crash::Courier(name.to_owned()),
        "courier" => return Err(Problem::wrong_field("courier", "unknown", "is not employed now")),
        "worker" if site.known(|known| known.is_worker(name)) => Crash::Worker(name.to_owned()),
        "worker" => return Err(Problem::wrong_field("worker", "unknown", "is not employed now")),
        _ => return Err(Problem::wrong_field(kind, "unknown_field", "names a service, courier or worker")),
    };
    Ok((what, json!({kind: name})))
}

/// Lets it crash.
pub(crate) async fn make_crash(site: &Arc<Site>, what: Crash) -> Result<(), Problem> {
    let director = &site.house.director;
    let whole = Command::Crash { who: None };
    match what {
        Crash::Broker if !director.watches_broker => Err(Problem::conflict("nobody would start this broker again")),
        Crash::Broker => Ok(director.stop_broker().await?),
        Crash::Service(Service::Website) => {
            let house = Arc::clone(&site.house);
            tokio::spawn(async move {
                tokio::time::sleep(LAST_WORDS).await;
                drop(house.director.command(Service::Website, whole).await);
            });
            Ok(())
        }
        Crash::Service(service) => Ok(director.command(service, whole).await?),
        Crash::Courier(who) => Ok(director.command(Service::Delivery, Command::Crash { who: Some(who) }).await?),
        Crash::Worker(who) => Ok(director.command(Service::StockLevel, Command::Crash { who: Some(who) }).await?),
    }
}

/// The token as a bearer, or the cookie of a browser that has signed in.
pub(super) fn authorize(site: &Site, headers: &HeaderMap) -> Result<(), Problem> {
    let presenter = &site.house.presenter;
    if presenter.is_bearer(headers) || presenter.has_signed_in(headers) { Ok(()) } else { Err(Problem::unauthorized()) }
}

/// A body as JSON, or nothing where none was sent.
pub(super) async fn read_optional(headers: &HeaderMap, request: Request) -> Result<Value, Problem> {
    if headers.get(header::CONTENT_TYPE).is_none() {
        return Ok(Value::Null);
    }
    read_json(headers, request.into_body()).await
}

impl From<Undone> for Problem {
    fn from(undone: Undone) -> Self {
        match undone {
            Undone::Refused(reason) => Problem::conflict(reason),
            Undone::Away | Undone::Unconfirmed | Undone::NoAnswer { .. } | Undone::TooManyAsk | Undone::Broker(_) => {
                Problem::unavailable(undone.to_string())
            }
        }
    }
}

impl Problem {
    /// 422, with what is wrong with each setting.
    fn wrong(wrong: impl Iterator<Item = Wrong>) -> Self {
        Problem::wrong_values(wrong.map(|Wrong { field, problem, detail }| (field, problem.to_owned(), detail)))
    }
}

//! The past: the state at any moment, new questions, the rebuild, and the findings of fraud watch.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Query, State},
    http::StatusCode,
};
use events::{
    ids::Moment,
    insights::{Difference, Fraud, GivenUp, Rebuild},
    past::{AsOf, PastAnswer, PastQuestion},
};
use serde::{Deserialize, Serialize};
use service::now;
use utoipa::ToSchema;
use web::http::{presenter::Presenter, problem::Problem};

use crate::control::{past, stage::Stage};

#[derive(Deserialize)]
pub(super) struct When {
    at: Option<String>,
}

/// Stock, orders and deliveries as of a moment, by default now.
#[utoipa::path(
    get, path = "/history", tag = "past",
    params(("at" = Option<String>, Query, description = "as in 2026-11-24T20:41:07.112Z")),
    responses((status = 200, body = Object), (status = 422, body = Problem), (status = 503, body = Problem))
)]
pub(super) async fn history(State(stage): State<Arc<Stage>>, Query(when): Query<When>) -> Result<Json<AsOf>, Problem> {
    let at: Moment = match when.at {
        Some(at) => at.parse().map_err(|_| {
            Problem::wrong_field("at", "wrong_value", "must be a time such as 2026-11-24T20:41:07Z, from 1970 to 9999")
        })?,
        None => now(),
    };
    Ok(Json(past::as_of(&stage, at).await?))
}

/// A question to the past.
#[derive(Serialize, ToSchema)]
pub(super) struct Askable {
    #[schema(value_type = String, example = "ordered-together")]
    question: PastQuestion,
    title: &'static str,
}

/// The questions to the past. No aggregate is kept for any of them.
#[utoipa::path(get, path = "/questions", tag = "past", responses((status = 200, body = [Askable])))]
pub(super) async fn questions() -> Json<Vec<Askable>> {
    let title = |question| match question {
        PastQuestion::OrderedTogether => "Which beers are ordered together?",
        PastQuestion::CostOfRefusals => "What did refused demand cost?",
        PastQuestion::SameSecond => "Who ordered at the same second?",
    };
    Json(PastQuestion::ALL.into_iter().map(|question| Askable { question, title: title(question) }).collect())
}

/// Asks a question: the log is read from its first message. While `hide_names` is set, customers are shortened.
#[utoipa::path(
    post, path = "/questions/{question}", tag = "past",
    params(("question" = String, Path)), security(("presenter" = [])),
    responses(
        (status = 200, body = Object), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 503, body = Problem),
    )
)]
pub(super) async fn ask(
    State(stage): State<Arc<Stage>>,
    _: Presenter,
    Path(question): Path<String>,
) -> Result<Json<PastAnswer>, Problem> {
    let question = PastQuestion::of_name(&question).ok_or_else(|| Problem::not_found("no such question"))?;
    Ok(Json(stage.redacted(past::ask(&stage, question).await?)))
}

/// A rebuild, running or done.
#[derive(Serialize, ToSchema)]
pub(super) struct RebuildShown {
    running: bool,
    /// Messages read so far.
    events: u64,
    /// Messages up to the checkpoint.
    total: u64,
    events_per_second: u64,
    /// Null until it is known.
    identical: Option<bool>,
    /// What differs, at most twenty.
    #[schema(value_type = Vec<Object>)]
    differences: Vec<Difference>,
    /// The number of all differences.
    differing: u64,
    /// Why it was given up; null if it was not.
    #[schema(value_type = Option<Object>)]
    given_up: Option<GivenUp>,
}

impl From<Rebuild> for RebuildShown {
    fn from(rebuild: Rebuild) -> Self {
        let Rebuild { running, events, total, events_per_second, identical, differences, differing, given_up, .. } =
            rebuild;
        RebuildShown { running, events, total, events_per_second, identical, differences, differing, given_up }
    }
}

/// The current rebuild, or the last one.
#[utoipa::path(get, path = "/analysis/rebuild", tag = "past", responses((status = 200, body = RebuildShown)))]
pub(super) async fn rebuild(State(stage): State<Arc<Stage>>) -> Json<RebuildShown> {
    Json(RebuildShown::from(stage.known(|known| known.rebuild().cloned().unwrap_or_default())))
}

/// Folds the topics again from their first message to the live checkpoint, and compares; the live view continues.
#[utoipa::path(
    post, path = "/analysis/rebuild", tag = "past", security(("presenter" = [])),
    responses((status = 202, body = RebuildShown), (status = 401, body = Problem), (status = 503, body = Problem))
)]
pub(super) async fn begin_rebuild(
    State(stage): State<Arc<Stage>>,
    _: Presenter,
) -> Result<(StatusCode, Json<RebuildShown>), Problem> {
    Ok((StatusCode::ACCEPTED, Json(RebuildShown::from(past::rebuild(&stage).await?))))
}

/// The findings of fraud watch. While `hide_names` is set, customers are shortened.
#[utoipa::path(get, path = "/fraud", tag = "past", responses((status = 200, body = Object)))]
pub(super) async fn fraud(State(stage): State<Arc<Stage>>) -> Json<Fraud> {
    Json(stage.fraud().fraud.unwrap_or_default())
}

//! The past: how it was at any moment, questions nobody had thought of, the rebuild, and what fraud watch found.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
};
use events::{
    ids::{Moment, Service},
    insights::{Difference, Fraud, GivenUp, Rebuild},
    past::{AsOf, PastAnswer, PastQuestion},
    stage::{Answer, Command, Question},
};
use serde::{Deserialize, Serialize};
use service::now;
use utoipa::ToSchema;

use crate::{shop::control::shop::Site, stage::{api::console::authorize, control::questions::Asker}, web::http::problem::Problem};

/// How long a rebuild may take to begin.
const BEGUN_WITHIN: Duration = Duration::from_secs(3);

/// Which moment.
#[derive(Deserialize)]
pub(super) struct When {
    at: Option<String>,
}

/// Stock, orders and deliveries as of a moment; now, if none is named.
#[utoipa::path(
    get, path = "/api/history", params(("at" = Option<String>, Query, description = "as in 2026-11-24T20:41:07.112Z")),
    responses((status = 200, body = Object), (status = 422, body = Problem), (status = 503, body = Problem))
)]
pub(super) async fn history(State(site): State<Arc<Site>>, Query(when): Query<When>) -> Result<Json<AsOf>, Problem> {
    let at: Moment = match when.at {
        Some(at) => at.parse().map_err(|_| {
            Problem::wrong_field("at", "wrong_value", "is written as in 2026-11-24T20:41:07Z, from 1970 to 9999")
        })?,
        None => now(),
    };
    Ok(Json(as_of(&site, at).await?))
}

/// How it was at this moment.
pub(crate) async fn as_of(site: &Site, at: Moment) -> Result<AsOf, Problem> {
    let (questions, question) = (&site.house.director.questions, Question::AsOf { at });
    match questions.ask(Asker::Anybody, Service::InventoryAnalysis, question).await? {
        Answer::AsOf(as_of) => Ok(as_of),
        _ => Err(Problem::unavailable("inventory-analysis gave another answer")),
    }
}

/// A question that can be asked.
#[derive(Serialize, ToSchema)]
pub(super) struct Askable {
    #[schema(value_type = String, example = "ordered-together")]
    question: PastQuestion,
    /// In words.
    title: &'static str,
}

/// The questions that can be asked of the past; no aggregate is kept for any of them.
#[utoipa::path(get, path = "/api/questions", responses((status = 200, body = [Askable])))]
pub(super) async fn questions() -> Json<Vec<Askable>> {
    let title = |question| match question {
        PastQuestion::OrderedTogether => "Which beers are ordered together?",
        PastQuestion::CostOfRefusals => "What did refused demand cost?",
        PastQuestion::SameSecond => "Who ordered at the same second?",
    };
    Json(PastQuestion::ALL.into_iter().map(|question| Askable { question, title: title(question) }).collect())
}

/// Asks one of them: the log is read from its first message. While `hide_names` is set, customers are shortened.
#[utoipa::path(
    post, path = "/api/questions/{question}", params(("question" = String, Path)), security(("presenter" = [])),
    responses(
        (status = 200, body = Object), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 503, body = Problem),
    )
)]
pub(super) async fn ask(
    State(site): State<Arc<Site>>,
    Path(question): Path<String>,
    headers: HeaderMap,
) -> Result<Json<PastAnswer>, Problem> {
    authorize(&site, &headers)?;
    let question = PastQuestion::of_name(&question).ok_or_else(|| Problem::not_found("no such question"))?;
    Ok(Json(site.for_all_eyes(ask_the_past(&site, question).await?)))
}

/// What the log says to a question.
pub(crate) async fn ask_the_past(site: &Site, question: PastQuestion) -> Result<PastAnswer, Problem> {
    let (questions, question) = (&site.house.director.questions, Question::Past { question });
    match questions.ask(Asker::Presenter, Service::InventoryAnalysis, question).await? {
        Answer::Past(answer) => {
            site.learn(|known| known.answered(answer.clone()));
            site.live.changed();
            Ok(answer)
        }
        _ => Err(Problem::unavailable("inventory-analysis gave another answer")),
    }
}

/// A rebuild, under way or done.
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
    /// How many things differ in all.
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

/// The rebuild under way, or the last one.
#[utoipa::path(get, path = "/api/analysis/rebuild", responses((status = 200, body = RebuildShown)))]
pub(super) async fn rebuild(State(site): State<Arc<Site>>) -> Json<RebuildShown> {
    Json(RebuildShown::from(site.known(|known| known.rebuild().cloned().unwrap_or_default())))
}

/// Folds the topics again from their first message to the live checkpoint, and compares; the live view goes on.
#[utoipa::path(
    post, path = "/api/analysis/rebuild", security(("presenter" = [])),
    responses((status = 202, body = RebuildShown), (status = 401, body = Problem), (status = 503, body = Problem))
)]
pub(super) async fn begin_rebuild(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
) -> Result<(StatusCode, Json<RebuildShown>), Problem> {
    authorize(&site, &headers)?;
    Ok((StatusCode::ACCEPTED, Json(RebuildShown::from(make_rebuild(&site).await?))))
}

/// Begins a rebuild; returns what is known of it once it has begun. One that is under way goes on.
pub(crate) async fn make_rebuild(site: &Site) -> Result<Rebuild, Problem> {
    let mut version = site.live.version();
    let before = site.known(|known| known.rebuild().cloned());
    site.house.director.command(Service::InventoryAnalysis, Command::Rebuild).await?;
    let begun = async {
        loop {
            let known = site.known(|known| known.rebuild().cloned());
            if let Some(rebuild) = known.filter(|rebuild| rebuild.running || Some(rebuild) != before.as_ref()) {
                return rebuild;
            }
            if version.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::time::timeout(BEGUN_WITHIN, begun)
        .await
        .map_err(|_| Problem::unavailable("inventory-analysis does not begin the rebuild"))
}

/// What fraud watch found. While `hide_names` is set, customers are shortened.
#[utoipa::path(get, path = "/api/fraud", responses((status = 200, body = Object)))]
pub(super) async fn fraud(State(site): State<Arc<Site>>) -> Json<Fraud> {
    Json(site.fraud().fraud.unwrap_or_default())
}

//! The handlers of the time machine: its page at any moment, and the fragments for another one.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use events::ids::Moment;
use serde::Deserialize;
use web::{http::visitor::Visitor, pure::problem_page::Problem};

use crate::{
    control::{self, stage::Stage},
    pages::view::PageView,
    read_model::past::PastView,
};

/// Which moment; now if empty.
#[derive(Deserialize)]
pub(crate) struct When {
    at: Option<String>,
}

/// A moment like `2026-11-24T20:41:07Z`, or in milliseconds since 1970, as the slider writes it.
fn read_moment(text: &str) -> Option<Moment> {
    match text.parse::<i64>() {
        Ok(millis) => Moment::of_millis(millis),
        Err(_) => text.parse().ok(),
    }
}

/// The state at this moment.
async fn look(stage: &Stage, when: &When) -> Result<PastView, Problem> {
    let Some(at) = &when.at else { return Ok(stage.past_now()) };
    let at = read_moment(at).ok_or(Problem::Unusable)?;
    let as_of = control::past::as_of(stage, at).await.map_err(|_| Problem::Unavailable)?;
    Ok(PastView::of(&as_of, stage.context.stage.settings().began_at))
}

pub(crate) async fn page(State(stage): State<Arc<Stage>>, Query(when): Query<When>, visitor: Visitor) -> Response {
    match look(&stage, &when).await {
        Ok(view) => visitor.show(&stage.alive(), StatusCode::OK, |frame| view.render(frame)),
        Err(problem) => visitor.problem(&stage.alive(), problem),
    }
}

/// The fragments at a moment, by id.
pub(crate) async fn fragments(State(stage): State<Arc<Stage>>, Query(when): Query<When>, visitor: Visitor) -> Response {
    let view = match look(&stage, &when).await {
        Ok(view) => view,
        Err(problem) => return problem.status().into_response(),
    };
    match visitor.fragments(&stage.alive(), |frame| view.fragments(frame)) {
        Ok(fragments) => {
            let by_id: BTreeMap<_, _> = fragments.into_iter().map(|fragment| (fragment.id, fragment.html)).collect();
            Json(by_id).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "a moment cannot be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_in_either_way() {
        let moment = read_moment("2026-11-24T19:41:07.112Z").unwrap();
        assert_eq!(read_moment("1795549267112"), Some(moment));
        assert_eq!(read_moment("9223372036854775807"), None);
        assert_eq!(read_moment("-1"), None);
        assert_eq!(read_moment("0999-01-01T00:00:00Z"), None);
        assert_eq!(read_moment("9999-12-31T23:59:59-23:59"), None);
        assert_eq!(read_moment("yesterday"), None);
    }
}

//! Rehearsing one act from the console: each step is done without a person, with time to see it. `scripts/rehearse` looks
//! for what the room must see as well; this says whether every step could be done, and whether the sums hold afterwards.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, Uri},
};
use serde::Serialize;
use tokio::time::{Instant, sleep, timeout};
use utoipa::ToSchema;

use crate::{shop::control::shop::Site, stage::{api::{acts::play_step, console::authorize}, pure::acts::Act}, web::http::{problem::Problem, visitor::Visitor}};

/// So long each step can be seen before the next one.
const SEEN_FOR: Duration = Duration::from_millis(1500);
/// How long a step may take until it can be done: something must be stranded before it can be redriven.
const POSSIBLE_WITHIN: Duration = Duration::from_secs(40);
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(500);
/// How long the sums may take to hold again.
const BALANCED_WITHIN: Duration = Duration::from_secs(40);

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
    State(site): State<Arc<Site>>,
    Path(act): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<Rehearsed>, Problem> {
    authorize(&site, &headers)?;
    let act = act.parse().ok().and_then(Act::of_number).ok_or_else(|| Problem::not_found("no such act"))?;
    let language = Visitor::of(&site, &uri, &headers).language();
    let director = &site.house.director;
    let kept = director.settings().choices.clone();
    director.change(|choices| Ok::<_, Problem>(act.start(choices))).await?;
    let mut rehearsed = Rehearsed { ok: true, lines: Vec::new() };
    for (number, step) in (1..).zip(act.steps) {
        let done = once_possible(&site, act, number).await;
        rehearsed.say(&format!("{number}. {}", language.t(step.title)), done);
        sleep(SEEN_FOR).await;
    }
    rehearsed.say(language.t("frame.ledger"), until_balanced(&site).await);
    director.change(|_| Ok::<_, Problem>(kept)).await?;
    Ok(Json(rehearsed))
}

impl Rehearsed {
    fn say(&mut self, what: &str, done: Result<(), String>) {
        self.ok &= done.is_ok();
        self.lines.push(match done {
            Ok(()) => format!("✓ {what}"),
            Err(why) => format!("✗ {what}: {why}"),
        });
    }
}

/// Does a step, again and again until it can be done; why not, if it cannot in time.
async fn once_possible(site: &Arc<Site>, act: &Act, number: u8) -> Result<(), String> {
    let deadline = Instant::now() + POSSIBLE_WITHIN;
    loop {
        match play_step(site, act, number).await {
            Ok(_) => return Ok(()),
            Err(problem) if Instant::now() > deadline => return Err(problem.detail().to_owned()),
            Err(_) => sleep(TRY_AGAIN_AFTER).await,
        }
    }
}

async fn until_balanced(site: &Site) -> Result<(), String> {
    let mut version = site.live.version();
    let balanced = async {
        while !site.known(|known| known.ledger().ledger.is_some_and(|ledger| ledger.balanced)) {
            if version.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    timeout(BALANCED_WITHIN, balanced).await.map_err(|_| format!("not balanced after {} s", BALANCED_WITHIN.as_secs()))
}

//! Rehearsing one act from the console: each step is done without a person, with time to see it. `scripts/rehearse` looks
//! for what the room must see as well; this says whether every step could be done, and whether the sums hold afterwards.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use web::pure::language::Language;

use crate::{
    control::{
        control_error::ControlError,
        playing::{self, play_step},
        stage::Stage,
    },
    pure::acts::Act,
};

/// So long each step can be seen before the next one.
const SEEN_FOR: Duration = Duration::from_millis(1500);
/// How long a step may take until it can be done: something must be stranded before it can be redriven.
const POSSIBLE_WITHIN: Duration = Duration::from_secs(40);
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(500);
/// How long the sums may take to hold again.
const BALANCED_WITHIN: Duration = Duration::from_secs(40);

/// How a rehearsal went.
pub struct Rehearsed {
    pub ok: bool,
    /// One for each step, and one for the ledger.
    pub lines: Vec<String>,
}

/// Plays an act without a person, step by step, and puts the settings back as they were.
///
/// # Errors
/// If the settings cannot be changed.
pub async fn rehearse(stage: &Stage, act: &Act, language: Language) -> Result<Rehearsed, ControlError> {
    let director = &stage.backstage.director;
    let kept = director.settings().choices.clone();
    playing::begin(stage, act).await?;
    let mut rehearsed = Rehearsed { ok: true, lines: Vec::new() };
    for (number, step) in (1..).zip(act.steps) {
        let done = once_possible(stage, act, number).await;
        rehearsed.say(&format!("{number}. {}", language.t(step.title)), done);
        sleep(SEEN_FOR).await;
    }
    rehearsed.say(language.t("frame.ledger"), until_balanced(stage).await);
    director.change(|_| Ok::<_, ControlError>(kept)).await?;
    Ok(rehearsed)
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
async fn once_possible(stage: &Stage, act: &Act, number: u8) -> Result<(), String> {
    let deadline = Instant::now() + POSSIBLE_WITHIN;
    loop {
        match play_step(stage, act, number).await {
            Ok(_) => return Ok(()),
            Err(error) if Instant::now() > deadline => return Err(error.to_string()),
            Err(_) => sleep(TRY_AGAIN_AFTER).await,
        }
    }
}

async fn until_balanced(stage: &Stage) -> Result<(), String> {
    let mut version = stage.live.version();
    let balanced = async {
        while !stage.known(|known| known.ledger().ledger.is_some_and(|ledger| ledger.balanced)) {
            if version.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    timeout(BALANCED_WITHIN, balanced).await.map_err(|_| format!("not balanced after {} s", BALANCED_WITHIN.as_secs()))
}

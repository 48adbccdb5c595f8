//! Rehearses one act from the console: plays each step without a person, slowly enough to see it. This checks that each
//! step can be played and that the sums hold afterwards; `scripts/rehearse` also checks what the room must see.

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

/// How long each step stays visible.
const SEEN_FOR: Duration = Duration::from_millis(1500);
/// How long a step may take to become possible: a redrive needs a stranded order first.
const POSSIBLE_WITHIN: Duration = Duration::from_secs(40);
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(500);
/// How long the ledger may take to balance again.
const BALANCED_WITHIN: Duration = Duration::from_secs(40);

/// The result of a rehearsal.
pub struct Rehearsed {
    pub ok: bool,
    /// One line per step, and one for the ledger.
    pub lines: Vec<String>,
}

/// Plays an act step by step without a person, then restores the settings.
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

/// Retries a step until it succeeds, or returns why it did not in time.
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

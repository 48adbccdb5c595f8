//! The past: the state at any moment, new questions to the log, the rebuild.

use std::time::Duration;

use events::{
    ids::{Moment, Service},
    insights::Rebuild,
    past::{AsOf, PastAnswer, PastQuestion},
    stage::{Answer, Command, Question},
};
use tokio::time::timeout;

use crate::control::{control_error::ControlError, questions::Asker, stage::Stage};

/// How long a rebuild may take to begin.
const BEGUN_WITHIN: Duration = Duration::from_secs(3);

/// The state at this moment.
///
/// # Errors
/// If inventory-analysis does not answer.
pub async fn as_of(stage: &Stage, at: Moment) -> Result<AsOf, ControlError> {
    let (questions, question) = (&stage.backstage.director.questions, Question::AsOf { at });
    match questions.ask(Asker::Anybody, Service::InventoryAnalysis, question).await? {
        Answer::AsOf(as_of) => Ok(as_of),
        _ => Err(ControlError::OtherAnswer(Service::InventoryAnalysis)),
    }
}

/// Asks the log.
///
/// # Errors
/// If inventory-analysis does not answer.
pub async fn ask(stage: &Stage, question: PastQuestion) -> Result<PastAnswer, ControlError> {
    let (questions, question) = (&stage.backstage.director.questions, Question::Past { question });
    match questions.ask(Asker::Presenter, Service::InventoryAnalysis, question).await? {
        Answer::Past(answer) => {
            stage.learn(|known| known.answered(answer.clone()));
            stage.live.changed();
            Ok(answer)
        }
        _ => Err(ControlError::OtherAnswer(Service::InventoryAnalysis)),
    }
}

/// Begins a rebuild and returns its first state. One that already runs goes on.
///
/// # Errors
/// If it does not begin in time.
pub async fn rebuild(stage: &Stage) -> Result<Rebuild, ControlError> {
    let mut version = stage.live.version();
    let before = stage.known(|known| known.rebuild().cloned());
    stage.backstage.director.command(Service::InventoryAnalysis, Command::Rebuild).await?;
    let begun = async {
        loop {
            let known = stage.known(|known| known.rebuild().cloned());
            if let Some(rebuild) = known.filter(|rebuild| rebuild.running || Some(rebuild) != before.as_ref()) {
                return rebuild;
            }
            if version.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    timeout(BEGUN_WITHIN, begun).await.map_err(|_| ControlError::NotBegun)
}

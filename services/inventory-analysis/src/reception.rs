//! Cues in: what the speaker asks of the analysis, answered at once or handed to whoever takes longer.
//!
//! How it was at a moment is answered by the desk itself, between two batches: it has the past in memory, and needs some
//! microseconds. A question to the past and a rebuild read whole topics, and have tasks of their own; so do the answers'
//! ways to the broker, which may be away.

use events::stage::{Answer, Question};
use service::{Context, Tasks, now, stage::Cue};
use store::Store;
use tokio::sync::{
    broadcast::{self, error::RecvError},
    mpsc,
};
use tracing::debug;

use crate::{
    questions::{Asked, answer_all},
    rebuild_live::rebuild_when_asked,
    timeline::{Timeline, within},
};

/// Most answers on their way; whoever gets none asks again.
const ANSWERS_MAX: usize = 16;
/// Most questions to the past that wait for the one under way.
const QUESTIONS_MAX: usize = 4;

/// An answer, and what ties it to its question.
pub(crate) type Reply = (String, Answer);

pub(crate) struct Reception {
    context: Context,
    cues: broadcast::Receiver<Cue>,
    answers: mpsc::Sender<Reply>,
    questions: mpsc::Sender<Asked>,
    rebuilds: mpsc::Sender<()>,
}

impl Reception {
    /// Opens it, with those behind it at work among `tasks`.
    pub(crate) fn open(context: &Context, store: &Store, tasks: &mut Tasks) -> Self {
        let (answers, to_send) = mpsc::channel(ANSWERS_MAX);
        let (questions, asked) = mpsc::channel(QUESTIONS_MAX);
        let (rebuilds, wanted) = mpsc::channel(1);
        tasks.start(send_all(context.clone(), to_send));
        tasks.start(answer_all(context.clone(), asked, answers.clone()));
        tasks.start(rebuild_when_asked(context.clone(), store.clone(), wanted));
        Reception { context: context.clone(), cues: context.stage.cues(), answers, questions, rebuilds }
    }

    pub(crate) async fn next(&mut self) -> Cue {
        loop {
            match self.cues.recv().await {
                Ok(cue) => return cue,
                Err(RecvError::Lagged(missed)) => debug!(missed, "cues came faster than they were taken"),
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }

    /// Answers it, or hands it on.
    pub(crate) fn take(&self, cue: Cue, timeline: &Timeline) {
        match cue {
            // Asked while one is under way: that one is the answer.
            Cue::Rebuild => drop(self.rebuilds.try_send(())),
            Cue::Crash { who } => debug!(%who, "nobody here has a name"),
            Cue::Asked { correlation_id, question } => match question {
                Question::AsOf { at } => {
                    let began_at = self.context.stage.settings().began_at;
                    let as_of = within(timeline.as_of(at), began_at, now());
                    self.reply(correlation_id, Answer::AsOf(as_of));
                }
                Question::Past { question } => {
                    if let Err(refused) = self.questions.try_send(Asked { correlation_id, question }) {
                        let reason = format!("{QUESTIONS_MAX} questions wait already; ask again in a moment");
                        self.reply(refused.into_inner().correlation_id, Answer::Failed { reason });
                    }
                }
                Question::FoldAfresh => {
                    let reason = format!("{} keeps no levels to fold afresh", self.context.service);
                    self.reply(correlation_id, Answer::Failed { reason });
                }
            },
        }
    }

    fn reply(&self, correlation_id: String, answer: Answer) {
        if self.answers.try_send((correlation_id, answer)).is_err() {
            debug!("an answer was not sent: too many are on their way");
        }
    }
}

async fn send_all(context: Context, mut answers: mpsc::Receiver<Reply>) -> anyhow::Result<()> {
    while let Some((correlation_id, answer)) = answers.recv().await {
        context.answer(correlation_id, answer).await;
    }
    Ok(())
}

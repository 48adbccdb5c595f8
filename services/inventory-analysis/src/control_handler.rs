//! Handles control messages: questions are answered at once or passed on to a task that takes longer.
//!
//! What was known at a moment is answered by the event loop itself, between two batches: it has the past in memory and needs a few
//! microseconds. A question to the past and a rebuild read whole topics and have tasks of their own. So do answers on
//! their way to the broker, which may be away.

use events::stage::{Answer, Question};
use service::{Context, TaskGroup, now, stage::ControlMessage};
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

/// Most answers on their way; one that is dropped is asked for again.
const ANSWERS_MAX: usize = 16;
/// Most questions to the past that wait for the one being answered.
const QUESTIONS_MAX: usize = 4;

/// A correlation id and an answer.
pub(crate) type Reply = (String, Answer);

pub(crate) struct ControlHandler {
    context: Context,
    control_messages: broadcast::Receiver<ControlMessage>,
    answers: mpsc::Sender<Reply>,
    questions: mpsc::Sender<Asked>,
    rebuilds: mpsc::Sender<()>,
}

impl ControlHandler {
    /// Starts the handler, with its tasks among `tasks`.
    pub(crate) fn open(context: &Context, store: &Store, tasks: &mut TaskGroup) -> Self {
        let (answers, to_send) = mpsc::channel(ANSWERS_MAX);
        let (questions, asked) = mpsc::channel(QUESTIONS_MAX);
        let (rebuilds, wanted) = mpsc::channel(1);
        tasks.start(send_all(context.clone(), to_send));
        tasks.start(answer_all(context.clone(), asked, answers.clone()));
        tasks.start(rebuild_when_asked(context.clone(), store.clone(), wanted));
        ControlHandler {
            context: context.clone(),
            control_messages: context.stage.control_messages(),
            answers,
            questions,
            rebuilds,
        }
    }

    pub(crate) async fn next(&mut self) -> ControlMessage {
        loop {
            match self.control_messages.recv().await {
                Ok(message) => return message,
                Err(RecvError::Lagged(missed)) => debug!(missed, "control messages came faster than they were taken"),
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }

    /// Answers a message, or passes it on.
    pub(crate) fn take(&self, message: ControlMessage, timeline: &Timeline) {
        match message {
            // A rebuild that is under way is the answer.
            ControlMessage::Rebuild => drop(self.rebuilds.try_send(())),
            ControlMessage::Crash { who } => debug!(%who, "nobody here has a name"),
            ControlMessage::Asked { correlation_id, question } => match question {
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

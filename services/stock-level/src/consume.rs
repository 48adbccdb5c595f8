//! A crew of workers reads events, one writer writes them; settings and control messages change the crew.

use std::time::Duration;

use events::{
    ids::Service,
    settings::{Folding, StageSettings},
    stage::{Answer, Question},
    topics::SubscriptionType,
};
use service::{
    Context, ServiceFuture, TaskGroup,
    idempotent_consumer::{AcknowledgeAfter, Writer},
    stage::ControlMessage,
};
use tokio::{
    sync::{
        OwnedSemaphorePermit,
        broadcast::{self, error::RecvError},
    },
    time::{Instant, sleep},
};
use tracing::{info, warn};

use crate::{
    crew::{Crew, left},
    handler::LevelHandler,
    store::TABLES,
};

/// How long a fresh fold waits for the events that workers hold; after that it proceeds without them.
const HANDS_FREE_WITHIN: Duration = Duration::from_secs(1);
/// When the consumers of a Failover subscription leave, the broker chooses another active one and, after its
/// `activeConsumerFailoverDelayTimeMillis` (50 here), rewinds the subscription to what is not acknowledged, even if
/// no consumer is left or others read by then. With Pulsar 4.0.6 a Shared worker then gets what another one holds, and as
/// that is acknowledged twice it never gets anything again. So a crew that follows on Failover waits for this time.
const FAILOVER_SETTLES_WITHIN: Duration = Duration::from_millis(150);
/// Pause before the log is read again, while the broker is away.
const READ_AGAIN_AFTER: Duration = Duration::from_millis(200);

/// Runs stock-level until it is told to stop, as the stage's settings say.
pub fn run(context: Context) -> ServiceFuture {
    Box::pin(work_as_set(context))
}

async fn work_as_set(context: Context) -> anyhow::Result<()> {
    let store = context.open_store(&TABLES).await?;
    let mut tasks = TaskGroup::default();
    let outbox = context.start_outbox(&mut tasks, &store);
    outbox.wake();
    let folding = context.stage.settings().choices.stock_level;
    let handler = LevelHandler::open(context.clone(), store.clone(), outbox.clone(), folding).await?;
    let (writer, handle) = Writer::new(&context, &store, &outbox, AcknowledgeAfter::Publishing, handler);
    let crew = Crew::gather(&context, folding, handle);
    let shutdown = context.shutdown.clone();
    tasks.start(Shift { context, writer, crew }.work());
    tasks.run_until(&shutdown).await
}

/// Crew and writer at work together.
struct Shift {
    context: Context,
    writer: Writer<LevelHandler>,
    crew: Crew,
}

impl Shift {
    async fn work(mut self) -> anyhow::Result<()> {
        let mut settings = self.context.stage.follow();
        let mut control_messages = self.context.stage.control_messages();
        let now = settings.borrow_and_update().clone();
        self.begin().await?;
        self.obey(&now).await?;
        loop {
            // The order matters: a question that follows a change of settings is answered by the new crew.
            tokio::select! {
                biased;
                Ok(()) = settings.changed() => {
                    let now = settings.borrow_and_update().clone();
                    self.obey(&now).await?;
                }
                message = next(&mut control_messages) => self.act_on(message).await?,
                name = self.crew.back() => self.crew.begin(name)?,
                received = self.writer.step() => {
                    received?;
                    self.writer.write().await?;
                }
            }
        }
    }

    /// Works as the settings say.
    async fn obey(&mut self, settings: &StageSettings) -> anyhow::Result<()> {
        self.context.presence.paused(settings.choices.paused.contains(&Service::StockLevel));
        let wanted = settings.choices.stock_level;
        // Each worker reads for itself how long an event takes.
        if wanted != (Folding { work_ms: wanted.work_ms, ..self.crew.folding() }) {
            self.switch(wanted).await?;
        }
        Ok(())
    }

    /// Replaces the crew under the same subscription. The old one finishes, acknowledges and closes; then the new one begins
    /// with levels folded afresh, so that the errors of one mode are not blamed on the next.
    async fn switch(&mut self, wanted: Folding) -> anyhow::Result<()> {
        let started = Instant::now();
        let crew = self.crew.successor(wanted);
        let before = std::mem::replace(&mut self.crew, crew);
        let was_failover = before.folding().subscription == SubscriptionType::Failover;
        let mut leaving = before.dismiss();
        loop {
            tokio::select! {
                // The writer goes first, so that it has taken everything when the last worker of the old crew has closed.
                biased;
                received = self.writer.step() => {
                    received?;
                    self.writer.write().await?;
                }
                ended = leaving.join_next() => match ended {
                    Some(ended) => left(ended),
                    None => break,
                },
            }
        }
        if was_failover {
            sleep(FAILOVER_SETTLES_WITHIN).await;
        }
        self.writer.handler.serve(wanted);
        self.begin().await?;
        let Folding { subscription, workers, fold, .. } = wanted;
        info!(?subscription, workers, ?fold, took_ms = started.elapsed().as_millis(), "a new crew is at work");
        Ok(())
    }

    /// The crew subscribes. Before it takes any event the levels are folded afresh, however long the broker is away.
    async fn begin(&mut self) -> anyhow::Result<()> {
        let _free = self.crew.hands_free().await;
        self.crew.begin_all()?;
        while let Err(error) = self.writer.handler.fold_afresh().await? {
            warn!(%error, "the log cannot be read yet");
            sleep(READ_AGAIN_AFTER).await;
        }
        Ok(())
    }

    async fn act_on(&mut self, message: ControlMessage) -> anyhow::Result<()> {
        match message {
            ControlMessage::Crash { who } => self.crew.crash(&who),
            ControlMessage::Rebuild => info!("stock-level has nothing to rebuild; it folds afresh when asked"),
            ControlMessage::Asked { correlation_id, question: Question::FoldAfresh } => {
                let answer = self.fold_afresh().await?;
                self.context.answer(correlation_id, answer).await;
            }
            ControlMessage::Asked { correlation_id, .. } => {
                let reason = "stock-level keeps no past".to_owned();
                self.context.answer(correlation_id, Answer::Failed { reason }).await;
            }
        }
        Ok(())
    }

    /// Folds afresh between one event and the next.
    async fn fold_afresh(&mut self) -> anyhow::Result<Answer> {
        let _free = self.free_hands().await?;
        Ok(match self.writer.handler.fold_afresh().await? {
            Ok(true) => Answer::Done,
            Ok(false) => Answer::Failed { reason: "stock-level is stopping".to_owned() },
            Err(error) => Answer::Failed { reason: error.to_string() },
        })
    }

    /// Waits until no worker holds an event, while the writer goes on; at most [`HANDS_FREE_WITHIN`].
    async fn free_hands(&mut self) -> anyhow::Result<Option<OwnedSemaphorePermit>> {
        let free = self.crew.hands_free();
        let waited = sleep(HANDS_FREE_WITHIN);
        tokio::pin!(free, waited);
        loop {
            tokio::select! {
                free = &mut free => return Ok(free),
                () = &mut waited => return Ok(None),
                received = self.writer.step() => {
                    received?;
                    self.writer.write().await?;
                }
            }
        }
    }
}

/// The next control message. Those that were lost because too many waited are skipped.
async fn next(control_messages: &mut broadcast::Receiver<ControlMessage>) -> ControlMessage {
    loop {
        match control_messages.recv().await {
            Ok(message) => return message,
            Err(RecvError::Lagged(lost)) => warn!(lost, "too many control messages at once"),
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

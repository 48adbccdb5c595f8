//! The stage as a service sees it: the settings it follows, and the control messages it receives.

use std::{collections::BTreeSet, iter, sync::Arc, time::Duration};

use bus::{Bus, BusError, ConsumerOptions, Outgoing, uncancelled};
use events::{
    ids::{EventId, Service},
    received::{Received, Undecodable},
    settings::{Choices, StageSettings, episode_after, version_after},
    stage::{Answer, Command, Question, StageAnswer},
    topics::{ANSWERS, COMMANDS, QUERIES, SETTINGS, UNREADABLE},
    unreadable::{ReasonCode, Unreadable},
};
use tokio::sync::{Notify, broadcast, watch};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use crate::{Context, ServiceFuture, clock};

/// How often the broker is asked while it has no settings.
const ASK_EVERY: Duration = Duration::from_millis(250);
/// Most commands or questions taken at once.
const BATCH_MAX: usize = 10;
/// Most settings taken at once: after a reconnection all of them are redelivered.
const SETTINGS_MAX: usize = 400;
/// Most control messages that wait for a service.
const CONTROL_MESSAGES_MAX: usize = 16;

/// A command or a question to a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ControlMessage {
    /// One courier or worker of the service ends at once, without cleaning up.
    Crash { who: String },
    /// Fold everything again and compare.
    Rebuild,
    /// A question, to be answered with [`Context::answer`].
    Asked {
        /// Links the answer to the question.
        correlation_id: String,
        question: Question,
    },
}

/// The settings of the next episode; they are not written yet. Episodes in `taken` have namespaces on the broker
/// already.
pub fn next_episode(known: &StageSettings, taken: &BTreeSet<u32>, choices: Choices) -> StageSettings {
    let first = episode_after(known.episode);
    let mut numbers = iter::successors(Some(first), |number| Some(episode_after(*number)));
    StageSettings {
        version: version_after(known.version),
        episode: numbers.find(|number| !taken.contains(number)).unwrap_or(first),
        episode_id: format!("{:06x}", rand::random::<u32>() & 0xff_ffff),
        began_at: clock::now(),
        choices,
    }
}

/// The current settings, their changes, and control messages. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Stage {
    settings: Arc<watch::Sender<Arc<StageSettings>>>,
    control_messages: broadcast::Sender<ControlMessage>,
}

impl Default for Stage {
    /// A stage about which nothing is known: no broker has said which episode runs.
    fn default() -> Self {
        Stage::set(StageSettings::default())
    }
}

impl Stage {
    /// A stage with these settings.
    pub fn set(settings: StageSettings) -> Self {
        Stage {
            settings: Arc::new(watch::Sender::new(Arc::new(settings))),
            control_messages: broadcast::Sender::new(CONTROL_MESSAGES_MAX),
        }
    }

    pub fn settings(&self) -> Arc<StageSettings> {
        Arc::clone(&self.settings.borrow())
    }

    /// The current settings and their changes.
    pub fn follow(&self) -> watch::Receiver<Arc<StageSettings>> {
        self.settings.subscribe()
    }

    /// Control messages sent after this call.
    pub fn control_messages(&self) -> broadcast::Receiver<ControlMessage> {
        self.control_messages.subscribe()
    }

    pub fn change(&self, settings: StageSettings) {
        self.settings.send_if_modified(|known| replace(known, settings));
    }

    /// Replaces the settings, unless they are no longer those that were `known`; returns whether it did.
    fn change_from(&self, known: &Arc<StageSettings>, settings: StageSettings) -> bool {
        let mut ruling = false;
        self.settings.send_if_modified(|now| {
            ruling = Arc::ptr_eq(now, known);
            ruling && replace(now, settings)
        });
        ruling
    }

    /// Sends a control message to this service; `false` if nothing in it listens.
    pub fn send(&self, message: ControlMessage) -> bool {
        self.control_messages.send(message).is_ok()
    }
}

fn replace(known: &mut Arc<StageSettings>, settings: StageSettings) -> bool {
    let is_new = **known != settings;
    if is_new {
        *known = Arc::new(settings);
    }
    is_new
}

/// The settings in force: the last valid ones on their topic. `None` if there are none yet.
pub async fn current(bus: &Bus) -> Result<Option<StageSettings>, BusError> {
    bus.newest(SETTINGS).await
}

/// Waits until the broker has settings. `None` if the process is told to stop first.
pub async fn wait(bus: &Bus, shutdown: &CancellationToken) -> Option<StageSettings> {
    let mut told = false;
    loop {
        let asking = bus.clone();
        tokio::select! {
            () = shutdown.cancelled() => return None,
            answer = uncancelled(async move { current(&asking).await }) => match answer {
                Ok(Some(settings)) => return Some(settings),
                Ok(None) => debug!("the broker has no settings yet"),
                Err(error) => debug!(%error, "the broker has no settings yet"),
            },
        }
        if !told {
            info!("waiting for the broker and its settings");
            told = true;
        }
        tokio::select! {
            () = shutdown.cancelled() => return None,
            () = tokio::time::sleep(ASK_EVERY) => {}
        }
    }
}

/// Follows settings, commands and questions for as long as the process lives, across episodes.
///
/// # Errors
/// If a topic has no subscription for this service.
pub fn listen(context: Context) -> ServiceFuture {
    Box::pin(listen_for_ever(context))
}

async fn listen_for_ever(context: Context) -> anyhow::Result<()> {
    let unsure = Notify::new();
    tokio::select! {
        ended = read_all(&context, &unsure) => ended,
        () = make_sure(&context, &unsure) => Ok(()),
    }
}

async fn read_all(context: &Context, unsure: &Notify) -> anyhow::Result<()> {
    let service = context.service;
    let mut settings = context.bus.consumer(SETTINGS, service, ConsumerOptions::default())?;
    let mut commands = context.bus.consumer(COMMANDS, service, ConsumerOptions::default())?;
    let mut queries = context.bus.consumer(QUERIES, service, ConsumerOptions::default())?;
    loop {
        tokio::select! {
            batch = settings.receive(SETTINGS_MAX) => {
                show_unreadable(context, &batch).await;
                if let Some(newest) = context.readable(SETTINGS, batch).pop() {
                    hear(&context.stage, newest, unsure);
                }
            }
            batch = commands.receive(BATCH_MAX) => {
                for command in context.readable(COMMANDS, batch) {
                    // Commands are not stored, so none is older than this consumer.
                    if command.service == service {
                        obey(&context.stage, command.command);
                    }
                }
            }
            batch = queries.receive(BATCH_MAX) => {
                for query in context.readable(QUERIES, batch) {
                    // A question that waited too long is not answered: its asker has given up.
                    if query.service == service && !query.is_over(clock::now()) {
                        pass_on(context, query.correlation_id, query.question).await;
                    }
                }
            }
        }
    }
}

/// A later version of the running episode is accepted at once. Anything else may be old (redelivered after a reconnection) or
/// new (from a broker that was replaced): then only the end of the topic tells.
fn hear(stage: &Stage, settings: StageSettings, unsure: &Notify) {
    let known = stage.settings();
    let is_believed = settings == *known || (settings.follow(&known) && stage.change_from(&known, settings));
    if !is_believed {
        unsure.notify_one();
    }
}

/// Asks the broker for the last settings whenever they are in doubt.
async fn make_sure(context: &Context, unsure: &Notify) {
    loop {
        unsure.notified().await;
        loop {
            let known = context.stage.settings();
            let asking = context.bus.clone();
            match uncancelled(async move { current(&asking).await }).await {
                Ok(Some(newest)) => {
                    if context.stage.change_from(&known, newest) {
                        break;
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    debug!(%error, "the newest settings cannot be read yet");
                    tokio::time::sleep(ASK_EVERY).await;
                }
            }
        }
    }
}

/// Publishes unreadable settings on `unreadable`, once: only the service that writes the settings does so.
async fn show_unreadable(context: &Context, batch: &[Received<StageSettings>]) {
    let reader = context.service;
    if !SETTINGS.spec.producers.contains(&reader) {
        return;
    }
    let topic = SETTINGS.spec.name;
    for (received, undecodable) in batch.iter().filter_map(|one| Some((one, one.message.as_ref().err()?))) {
        let message_id = received.position.to_string();
        let id = EventId::new(format!("{reader}-unreadable-{topic}-{message_id}"));
        let (code, at) = (ReasonCode::Undecodable, clock::now());
        let Undecodable { reason, first_bytes } = undecodable.clone();
        let unreadable = Unreadable { topic: topic.to_owned(), message_id, reader, code, reason, first_bytes, at };
        tell(context.in_episode(&context.stage.settings()), id, unreadable).await;
    }
}

/// A failure is only logged.
async fn tell(context: Context, id: EventId, unreadable: Unreadable) {
    let published = match Outgoing::new(UNREADABLE, unreadable.topic.clone(), id, unreadable.at, &unreadable) {
        Ok(message) => context.bus.publisher().publish(&[message]).await.map_err(anyhow::Error::from),
        Err(error) => Err(error.into()),
    };
    if let Err(error) = published {
        debug!(error = format!("{error:#}"), "an unreadable message was not reported");
    }
}

fn obey(stage: &Stage, command: Command) {
    let message = match command {
        Command::Crash { who: None } => {
            warn!("crashing, as requested");
            // As in a real crash, nothing is finished or closed.
            std::process::abort();
        }
        Command::Crash { who: Some(who) } => ControlMessage::Crash { who },
        Command::Rebuild => ControlMessage::Rebuild,
    };
    if !stage.send(message.clone()) {
        info!(?message, "this command is not for this service");
    }
}

async fn pass_on(context: &Context, correlation_id: String, question: Question) {
    let message = ControlMessage::Asked { correlation_id: correlation_id.clone(), question };
    if !context.stage.send(message) {
        let reason = format!("{} cannot answer now", context.service);
        context.answer(correlation_id, Answer::Failed { reason }).await;
    }
}

impl Context {
    /// Answers a question. If the answer is lost, the asker repeats the question.
    pub async fn answer(&self, correlation_id: String, answer: Answer) {
        let (service, now) = (self.service, clock::now());
        let id = EventId::new(format!("{service}-answer-{correlation_id}"));
        let answer = StageAnswer { correlation_id, service, answer };
        let published = match Outgoing::new(ANSWERS, service.name(), id, now, &answer) {
            Ok(message) => self.answers.lock().await.publish(&[message]).await.map_err(anyhow::Error::from),
            Err(error) => Err(error.into()),
        };
        if let Err(error) = published {
            debug!(error = format!("{error:#}"), "an answer was not published");
        }
    }
}

/// Whether this service is paused, and changes of that.
pub struct Pause {
    service: Service,
    settings: watch::Receiver<Arc<StageSettings>>,
}

impl Pause {
    pub(crate) fn new(service: Service, stage: &Stage) -> Self {
        Pause { service, settings: stage.follow() }
    }

    /// Whether it is paused.
    pub fn is_on(&mut self) -> bool {
        self.settings.borrow_and_update().choices.paused.contains(&self.service)
    }

    /// Returns when any setting has changed since [`Pause::is_on`] was called.
    pub async fn changed(&mut self) {
        if self.settings.changed().await.is_err() {
            std::future::pending().await
        }
    }
}

//! The stage from a service's side: the settings it obeys, and the cues it is given.

use std::{sync::Arc, time::Duration};

use bus::{Bus, BusError, Dealt, Outgoing};
use events::{
    ids::{EventId, Service},
    settings::{Choices, StageSettings},
    stage::{Answer, Command, Question, StageAnswer},
    topics::{ANSWERS, COMMANDS, QUERIES, SETTINGS},
};
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use crate::{Context, Serving, clock};

/// How often the broker is asked while it has no settings.
const ASK_EVERY: Duration = Duration::from_millis(250);
/// Most messages of the stage taken at once.
const BATCH_MAX: usize = 10;
/// Most cues that wait for a service.
const CUES_MAX: usize = 16;

/// What a service is told to do now, or asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cue {
    /// One courier or worker shall die without any farewell.
    Crash {
        /// Which.
        who: String,
    },
    /// Fold everything again and compare.
    Rebuild,
    /// A question; its answer goes back by [`Context::answer`].
    Asked {
        /// Ties the answer to it.
        correlation_id: String,
        /// What is asked.
        question: Question,
    },
}

/// The settings of the episode after these, or of the first one after none: nothing is written yet.
pub fn next_episode(known: &StageSettings, choices: Choices) -> StageSettings {
    StageSettings {
        version: known.version + 1,
        episode: known.episode + 1,
        seal: format!("{:06x}", rand::random::<u32>() & 0xff_ffff),
        began_at: clock::now(),
        choices,
    }
}

/// The settings as they are and as they change, and the cues. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Stage {
    settings: Arc<watch::Sender<Arc<StageSettings>>>,
    cues: broadcast::Sender<Cue>,
}

impl Default for Stage {
    /// A stage nothing is known of yet: no broker has said which episode runs.
    fn default() -> Self {
        Stage::set(StageSettings::default())
    }
}

impl Stage {
    /// A stage with these settings.
    pub fn set(settings: StageSettings) -> Self {
        Stage { settings: Arc::new(watch::Sender::new(Arc::new(settings))), cues: broadcast::Sender::new(CUES_MAX) }
    }

    /// The settings as they are.
    pub fn settings(&self) -> Arc<StageSettings> {
        Arc::clone(&self.settings.borrow())
    }

    /// The settings as they change.
    pub fn follow(&self) -> watch::Receiver<Arc<StageSettings>> {
        self.settings.subscribe()
    }

    /// The cues from now on.
    pub fn cues(&self) -> broadcast::Receiver<Cue> {
        self.cues.subscribe()
    }

    /// Takes new settings in; older ones change nothing.
    pub fn change(&self, settings: StageSettings) {
        self.settings.send_if_modified(|known| {
            let newer = settings.are_newer_than(known);
            if newer {
                *known = Arc::new(settings);
            }
            newer
        });
    }

    /// Gives a cue; `false` if nobody here waits for any.
    pub fn give(&self, cue: Cue) -> bool {
        self.cues.send(cue).is_ok()
    }
}

/// The settings that rule now; `None` if there are none yet.
///
/// # Errors
/// If the broker cannot be asked.
pub async fn current(bus: &Bus) -> Result<Option<StageSettings>, BusError> {
    bus.newest(SETTINGS).await
}

/// Waits until the broker has settings. `None` if it shall end before.
pub async fn wait(bus: &Bus, shutdown: &CancellationToken) -> Option<StageSettings> {
    let mut told = false;
    loop {
        // A task of its own: what asks the broker must not be cancelled half way.
        let asking = bus.clone();
        let asked = tokio::spawn(async move { current(&asking).await });
        tokio::select! {
            () = shutdown.cancelled() => return None,
            answer = asked => match answer {
                Ok(Ok(Some(settings))) => return Some(settings),
                Ok(Ok(None)) => debug!("the broker has no settings yet"),
                Ok(Err(error)) => debug!(%error, "the broker has no settings yet"),
                Err(error) => debug!(%error, "asking for the settings failed"),
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

/// Listens to settings, commands and questions for as long as the process lives, whatever the episode.
///
/// # Errors
/// If the table of topics does not let this service read them.
pub fn listen(context: Context) -> Serving {
    Box::pin(listen_for_ever(context))
}

async fn listen_for_ever(context: Context) -> anyhow::Result<()> {
    let service = context.service;
    let mut settings = context.bus.consumer(SETTINGS, service, Dealt::default())?;
    let mut commands = context.bus.consumer(COMMANDS, service, Dealt::default())?;
    let mut queries = context.bus.consumer(QUERIES, service, Dealt::default())?;
    loop {
        tokio::select! {
            batch = settings.receive(BATCH_MAX) => {
                for settings in batch.into_iter().filter_map(|received| received.message.ok()) {
                    context.stage.change(settings);
                }
            }
            batch = commands.receive(BATCH_MAX) => {
                for command in batch.into_iter().filter_map(|received| received.message.ok()) {
                    // What was said before this process began was said to the one before it.
                    if command.service == service && command.issued_at > context.started_at {
                        obey(&context.stage, command.command);
                    }
                }
            }
            batch = queries.receive(BATCH_MAX) => {
                for query in batch.into_iter().filter_map(|received| received.message.ok()) {
                    if query.service == service {
                        pass_on(&context, query.correlation_id, query.question).await;
                    }
                }
            }
        }
    }
}

fn obey(stage: &Stage, command: Command) {
    let cue = match command {
        Command::Crash { who: None } => {
            warn!("told to crash");
            // Without any farewell: nothing is put down, nothing is closed.
            std::process::abort();
        }
        Command::Crash { who: Some(who) } => Cue::Crash { who },
        Command::Rebuild => Cue::Rebuild,
    };
    if !stage.give(cue.clone()) {
        info!(?cue, "nobody here knows this command");
    }
}

async fn pass_on(context: &Context, correlation_id: String, question: Question) {
    let cue = Cue::Asked { correlation_id: correlation_id.clone(), question };
    if !context.stage.give(cue) {
        let reason = format!("{} cannot answer now", context.service);
        context.answer(correlation_id, Answer::Failed { reason }).await;
    }
}

impl Context {
    /// Answers a question. What gets lost is asked again.
    pub async fn answer(&self, correlation_id: String, answer: Answer) {
        let (service, now) = (self.service, clock::now());
        let id = EventId::new(format!("{service}-answer-{correlation_id}"));
        let answer = StageAnswer { correlation_id, service, answer };
        let published = match Outgoing::new(ANSWERS, service.name(), id, now, &answer) {
            Ok(message) => self.bus.publisher().publish(&[message]).await.map_err(anyhow::Error::from),
            Err(error) => Err(error.into()),
        };
        if let Err(error) = published {
            debug!(%error, "an answer was not published");
        }
    }
}

/// Whether this service is paused, now and as it changes.
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

    /// Returns when any setting has changed since [`Pause::is_on`] was asked.
    pub async fn changed(&mut self) {
        if self.settings.changed().await.is_err() {
            std::future::pending().await
        }
    }
}

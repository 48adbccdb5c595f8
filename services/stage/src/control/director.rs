//! The presenter's hand: changes the settings, gives commands. Outlives the episodes.

use std::{sync::Arc, time::Duration};

use bus::{Admin, AdminError, Outgoing, episodes, forget_earlier_episodes, set_up, uncancelled};
use events::{
    ids::{EventId, Service},
    settings::{Choices, StageSettings, version_after},
    stage::{Command, StageCommand},
    topics::{COMMANDS, SETTINGS, Topic},
};
use serde::Serialize;
use service::{Context, environment, now, stage};
use tokio::sync::{Mutex as AsyncMutex, Notify};
use tracing::{info, warn};

use crate::control::{control_error::ControlError, questions::Questions};

/// How long the broker may take to confirm a setting, a command or a question.
const CONFIRMED_WITHIN: Duration = Duration::from_secs(2);
/// How often the broker is asked again after it has not confirmed the settings.
const ASK_AGAIN_EVERY: Duration = Duration::from_secs(1);

/// What this process has written of the settings.
#[derive(Default)]
struct Written {
    /// The version that was sent last, confirmed or not: none is sent twice.
    version: u64,
    /// The last confirmed settings, when something was sent after them that was not. They are written once more before
    /// anything else: what was given up on may lie in the topic, or may have been on its way, and must not be the last word.
    doubt: Option<Arc<StageSettings>>,
}

pub struct Director {
    /// Whether somebody watches the broker and starts it again when it has stopped: only then it may be told to.
    pub watches_broker: bool,
    context: Context,
    admin: Admin,
    /// One change at a time: each is made of the one before it.
    written: AsyncMutex<Written>,
    /// A change was not confirmed.
    doubted: Notify,
    /// What is asked of the services.
    pub questions: Questions,
}

impl Director {
    /// A director of this stage.
    ///
    /// # Errors
    /// If no HTTP client can be made.
    pub fn new(context: Context) -> anyhow::Result<Self> {
        let admin = Admin::new(context.bus.broker())?;
        let watches_broker = environment::text("BROKER_WATCHED").is_some_and(|watched| watched == "yes");
        let (written, doubted) = (AsyncMutex::default(), Notify::new());
        let questions = Questions::new(context.clone());
        Ok(Director { watches_broker, context, admin, written, doubted, questions })
    }

    /// The settings as they are.
    pub fn settings(&self) -> Arc<StageSettings> {
        self.context.stage.settings()
    }

    /// Changes what is chosen; it holds when this returns.
    ///
    /// # Errors
    /// What `change` says, or that the broker does not confirm it.
    pub async fn change<E: From<ControlError>>(
        &self,
        change: impl FnOnce(&Choices) -> Result<Choices, E>,
    ) -> Result<Arc<StageSettings>, E> {
        let mut written = self.written.lock().await;
        self.dispel(&mut written).await?;
        let known = self.settings();
        let choices = change(&known.choices)?;
        if choices != known.choices {
            self.write(&mut written, StageSettings { choices, ..(*known).clone() }).await?;
        }
        Ok(self.settings())
    }

    /// Writes these settings as the next version.
    async fn write(&self, written: &mut Written, settings: StageSettings) -> Result<(), ControlError> {
        if settings.episode_id.is_empty() {
            // No broker has ever said which episode runs.
            return Err(ControlError::Away);
        }
        let known = self.settings();
        let version = version_after(written.version.max(known.version));
        let settings = StageSettings { version, ..settings };
        written.version = version;
        if self.send(SETTINGS, "settings", &settings).await.is_err() {
            warn!(
                version,
                "the settings are not confirmed; what ruled before is written again when the broker answers"
            );
            written.doubt.get_or_insert(known);
            self.doubted.notify_one();
            return Err(ControlError::Unconfirmed);
        }
        written.doubt = None;
        self.context.stage.change(settings);
        Ok(())
    }

    /// After a change that was not confirmed: writes the settings from before it once more. If another episode has begun since,
    /// that one rules.
    async fn dispel(&self, written: &mut Written) -> Result<(), ControlError> {
        let Some(confirmed) = written.doubt.clone() else { return Ok(()) };
        match self.newest().await? {
            Some(newest) if !newest.are_of_episode(&confirmed) => {
                written.doubt = None;
                self.context.stage.change(newest);
                Ok(())
            }
            _ => self.write(written, (*confirmed).clone()).await,
        }
    }

    /// Dispels each doubt as soon as the broker answers, for as long as the stage runs.
    pub async fn keep_certain(&self) {
        loop {
            self.doubted.notified().await;
            loop {
                tokio::time::sleep(ASK_AGAIN_EVERY).await;
                if self.dispel(&mut *self.written.lock().await).await.is_ok() {
                    info!("the settings are certain again");
                    break;
                }
            }
        }
    }

    /// What the broker says is the last word.
    async fn newest(&self) -> Result<Option<StageSettings>, ControlError> {
        let bus = self.context.bus.clone();
        let asking = uncancelled(async move { stage::current(&bus).await });
        match tokio::time::timeout(CONFIRMED_WITHIN, asking).await {
            Ok(Ok(newest)) => Ok(newest),
            _ => Err(ControlError::Unconfirmed),
        }
    }

    /// Gives a command. Nobody confirms that it is obeyed: it is seen.
    ///
    /// # Errors
    /// If the broker does not confirm it.
    pub async fn command(&self, service: Service, command: Command) -> Result<(), ControlError> {
        let command = StageCommand { service, command, issued_at: now() };
        self.send(COMMANDS, service.name(), &command).await
    }

    /// Begins the next episode: makes its namespaces, then writes the settings that name it. Everybody moves over by
    /// themselves; what belonged to the ones before is deleted by [`Director::forget_earlier`].
    ///
    /// # Errors
    /// If the broker cannot be set up, or does not confirm the settings.
    pub async fn begin_episode(&self, choices: impl FnOnce(&Choices) -> Choices) -> Result<u32, ControlError> {
        let mut written = self.written.lock().await;
        self.dispel(&mut written).await?;
        let known = self.settings();
        let taken = episodes(&self.admin, self.context.bus.scope()).await?;
        let settings = stage::next_episode(&known, &taken, choices(&known.choices));
        let episode = settings.episode;
        set_up(&self.admin, self.context.bus.in_episode(episode).scope()).await?;
        self.write(&mut written, settings).await?;
        Ok(episode)
    }

    /// Deletes what belonged to the episodes before this one, which everybody has left. If the broker does not say that this
    /// one runs, nothing is deleted.
    ///
    /// # Errors
    /// If the broker cannot be asked.
    pub async fn forget_earlier(&self, episode: u32) -> Result<(), ControlError> {
        {
            let written = self.written.lock().await;
            let newest = self.newest().await?;
            if written.doubt.is_some() || newest.is_none_or(|newest| newest.episode != episode) {
                return Err(ControlError::Refused(format!("episode {episode} does not run")));
            }
        }
        Ok(forget_earlier_episodes(&self.admin, self.context.bus.in_episode(episode).scope()).await?)
    }

    /// Tells the broker to shut down. Whoever watches it starts it again.
    ///
    /// # Errors
    /// If it was not there, or refuses.
    pub async fn stop_broker(&self) -> Result<(), ControlError> {
        if !self.admin.is_ready().await {
            return Err(ControlError::Away);
        }
        match self.admin.post("brokers/shutdown").await {
            // It may be gone before it has said that it goes.
            Err(AdminError::NoAnswer { .. }) if !self.admin.is_ready().await => Ok(()),
            told => Ok(told?),
        }
    }

    /// Publishes, and waits for the broker's receipt, at most [`CONFIRMED_WITHIN`]. What is not confirmed by then is dropped
    /// and does not go on by itself.
    async fn send<M: Serialize>(&self, topic: Topic<M>, key: &str, message: &M) -> Result<(), ControlError> {
        let id = EventId::new(format!("stage-{}-{:016x}", topic.spec.name, rand::random::<u64>()));
        let message =
            Outgoing::new(topic, key, id, now(), message).map_err(|error| ControlError::Refused(error.to_string()))?;
        let mut publisher = self.context.bus.publisher();
        match tokio::time::timeout(CONFIRMED_WITHIN, publisher.publish(&[message])).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(ControlError::Away),
        }
    }
}

#[cfg(test)]
mod tests {
    //! Needs no broker: none is there to confirm anything.

    use std::path::Path;

    use service::stage::Stage;
    use store::testing::bus_without_broker;

    use super::*;

    /// A director who knows settings of version 7.
    fn director() -> Director {
        let settings =
            StageSettings { version: 7, episode: 1, episode_id: "episode_id".into(), ..StageSettings::default() };
        let (stage, folder) = (Stage::set(settings), Path::new("unused"));
        Director::new(Context::new(Service::Stage, bus_without_broker(), stage, folder, Default::default())).unwrap()
    }

    #[tokio::test]
    async fn a_version_that_was_not_confirmed_is_not_used_again() {
        let director = director();
        let known = director.settings();
        let mut written = Written::default();
        for version in [8, 9, 10] {
            let refused = director.write(&mut written, (*known).clone()).await;
            assert!(matches!(refused, Err(ControlError::Unconfirmed)), "{refused:?}");
            assert_eq!((written.version, &written.doubt), (version, &Some(Arc::clone(&known))));
        }
        assert_eq!(director.settings(), known);
    }

    #[tokio::test]
    async fn while_a_change_is_in_doubt_none_holds_not_even_one_that_changes_nothing() {
        let director = director();
        let known = director.settings();
        for couriers in [9, known.choices.couriers] {
            let change = |choices: &Choices| Ok::<_, ControlError>(Choices { couriers, ..choices.clone() });
            let refused = director.change(change).await;
            assert!(matches!(refused, Err(ControlError::Unconfirmed)), "{couriers}: {refused:?}");
        }
        assert_eq!(director.settings(), known);
    }
}

//! Changes the settings and gives commands for the presenter. Outlives the episodes.

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
/// The pause between attempts to confirm the settings.
const ASK_AGAIN_EVERY: Duration = Duration::from_secs(1);

/// What this process has written to the settings.
#[derive(Default)]
struct Written {
    /// The last version sent, confirmed or not: none is sent twice.
    version: u64,
    /// The last confirmed settings, if a later change was not confirmed. They are written again before anything else:
    /// the failed change may have reached the topic, and must not be the last word.
    doubt: Option<Arc<StageSettings>>,
}

pub struct Director {
    /// Whether the broker is supervised: only then it may be stopped.
    pub watches_broker: bool,
    context: Context,
    admin: Admin,
    /// One change at a time: each is based on the one before.
    written: AsyncMutex<Written>,
    /// Notified when a change was not confirmed.
    doubted: Notify,
    pub questions: Questions,
}

impl Director {
    /// # Errors
    /// If no HTTP client can be made.
    pub fn new(context: Context) -> anyhow::Result<Self> {
        let admin = Admin::new(context.bus.broker())?;
        let watches_broker = environment::text("BROKER_WATCHED").is_some_and(|watched| watched == "yes");
        let (written, doubted) = (AsyncMutex::default(), Notify::new());
        let questions = Questions::new(context.clone());
        Ok(Director { watches_broker, context, admin, written, doubted, questions })
    }

    pub fn settings(&self) -> Arc<StageSettings> {
        self.context.stage.settings()
    }

    /// Changes the choices. The change is in force when this returns.
    ///
    /// # Errors
    /// The error of `change`, or that the broker does not confirm.
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

    async fn write(&self, written: &mut Written, settings: StageSettings) -> Result<(), ControlError> {
        if settings.episode_id.is_empty() {
            // The broker has never told which episode runs.
            return Err(ControlError::Away);
        }
        let known = self.settings();
        let version = version_after(written.version.max(known.version));
        let settings = StageSettings { version, ..settings };
        written.version = version;
        if self.send(SETTINGS, "settings", &settings).await.is_err() {
            warn!(
                version,
                "the settings are not confirmed; the previous ones are written again when the broker answers"
            );
            written.doubt.get_or_insert(known);
            self.doubted.notify_one();
            return Err(ControlError::Unconfirmed);
        }
        written.doubt = None;
        self.context.stage.change(settings);
        Ok(())
    }

    /// After an unconfirmed change, writes the settings from before it again. If another episode has begun since, its
    /// settings win.
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

    /// Resolves each doubt as soon as the broker answers, while the stage runs.
    pub async fn keep_certain(&self) {
        loop {
            self.doubted.notified().await;
            loop {
                tokio::time::sleep(ASK_AGAIN_EVERY).await;
                if self.dispel(&mut *self.written.lock().await).await.is_ok() {
                    info!("the settings are confirmed again");
                    break;
                }
            }
        }
    }

    /// The newest settings in the topic.
    async fn newest(&self) -> Result<Option<StageSettings>, ControlError> {
        let bus = self.context.bus.clone();
        let asking = uncancelled(async move { stage::current(&bus).await });
        match tokio::time::timeout(CONFIRMED_WITHIN, asking).await {
            Ok(Ok(newest)) => Ok(newest),
            _ => Err(ControlError::Unconfirmed),
        }
    }

    /// Gives a command. The service does not confirm it; presence and updates show the effect.
    ///
    /// # Errors
    /// If the broker does not confirm it.
    pub async fn command(&self, service: Service, command: Command) -> Result<(), ControlError> {
        let command = StageCommand { service, command, issued_at: now() };
        self.send(COMMANDS, service.name(), &command).await
    }

    /// Begins the next episode: creates its namespaces, then writes the settings that name it. The services move by
    /// themselves; [`Director::forget_earlier`] deletes the earlier ones.
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

    /// Deletes the earlier episodes, which all services have left. If this episode does not run according to the
    /// broker, nothing is deleted.
    ///
    /// # Errors
    /// If the broker cannot be asked, or this episode does not run.
    pub async fn forget_earlier(&self, episode: u32) -> Result<(), ControlError> {
        {
            let written = self.written.lock().await;
            let newest = self.newest().await?;
            if written.doubt.is_some() || newest.is_none_or(|newest| newest.episode != episode) {
                return Err(ControlError::Refused(format!("episode {episode} is not running")));
            }
        }
        Ok(forget_earlier_episodes(&self.admin, self.context.bus.in_episode(episode).scope()).await?)
    }

    /// Shuts the broker down. Its supervisor starts it again.
    ///
    /// # Errors
    /// If it was not there, or refuses.
    pub async fn stop_broker(&self) -> Result<(), ControlError> {
        if !self.admin.is_ready().await {
            return Err(ControlError::Away);
        }
        match self.admin.post("brokers/shutdown").await {
            // It may be gone before it answers.
            Err(AdminError::NoAnswer { .. }) if !self.admin.is_ready().await => Ok(()),
            told => Ok(told?),
        }
    }

    /// Publishes and waits for the receipt, at most [`CONFIRMED_WITHIN`]. An unconfirmed message is dropped, and is not
    /// sent later.
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
    //! Without a broker, nothing is confirmed.

    use std::path::Path;

    use service::stage::Stage;
    use store::testing::bus_without_broker;

    use super::*;

    /// Knows settings of version 7.
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

//! What a service runs with.

use std::{
    future::Future,
    path::{Path, PathBuf},
    pin::Pin,
    sync::{
        Arc, Mutex as SyncMutex, PoisonError, Weak,
        atomic::{AtomicI64, Ordering},
    },
};

use bus::{Bus, Publisher};
use events::{
    ids::{Moment, Service},
    settings::StageSettings,
    unreadable::Disbelieved,
};
use store::{Migrator, Outbox, OutboxHandle, Store};
use tokio::{sync::Mutex, task::JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::{
    clock,
    health::Health,
    metrics::Metrics,
    order_log::OrderLog,
    presence::PresenceState,
    stage::{Pause, Stage},
    unread::Unread,
};

/// A running service, until it is told to stop. Boxed, so that its body is compiled once, in the service's own crate, and
/// not in its program and each of its tests.
pub type ServiceFuture = Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send>>;

/// The environment of a service. Cheap to clone.
#[derive(Clone)]
pub struct Context {
    pub service: Service,
    /// The bus, in the running episode.
    pub bus: Bus,
    /// The settings it follows and the control messages it receives.
    pub stage: Stage,
    /// The id of the running episode; empty until a broker has said.
    pub episode_id: String,
    pub data_dir: PathBuf,
    /// Cancelled to stop the service.
    pub shutdown: CancellationToken,
    pub health: Health,
    pub metrics: Metrics,
    pub presence: PresenceState,
    pub order_log: OrderLog,
    /// When this process started.
    pub started_at: Moment,
    pub(crate) unread: Unread,
    outboxes: Outboxes,
    /// One producer for all answers.
    pub(crate) answers: Arc<Mutex<Publisher>>,
}

impl Context {
    /// The context of a service in the episode of these settings; in the first if there is none.
    pub fn new(service: Service, bus: Bus, stage: Stage, data_dir: &Path, shutdown: CancellationToken) -> Self {
        let health = Health::default();
        let connected = bus.clone();
        health.require("pulsar", move || connected.is_connected());
        let flows = bus.clone();
        health.require("messages that wait", move || flows.standing_still().is_empty());
        let answers = Arc::new(Mutex::new(bus.publisher()));
        let context = Context {
            service,
            bus,
            stage,
            episode_id: String::new(),
            data_dir: data_dir.to_owned(),
            shutdown,
            health,
            metrics: Metrics::default(),
            presence: PresenceState::default(),
            order_log: OrderLog::default(),
            unread: Unread::default(),
            outboxes: Outboxes::default(),
            started_at: clock::now(),
            answers,
        };
        let (bus, outboxes) = (context.bus.clone(), context.outboxes.clone());
        let help = "Messages whose own time was not believed";
        context.metrics.read_counter("message_times_replaced", help, move || bus.times_replaced());
        let help = "Messages that wait in the outbox";
        context.metrics.read_gauge("outbox_messages", help, move || outboxes.depth());
        let settings = context.stage.settings();
        context.in_episode(&settings)
    }

    /// The same process in the episode of these settings, or in the first. Its shutdown follows that of this context, and
    /// can be cancelled separately.
    pub fn in_episode(&self, settings: &StageSettings) -> Self {
        Context {
            bus: self.bus.in_episode(settings.episode.max(1)),
            episode_id: settings.episode_id.clone(),
            shutdown: self.shutdown.child_token(),
            ..self.clone()
        }
    }

    /// Follows whether this service is paused.
    pub fn pause(&self) -> Pause {
        Pause::new(self.service, &self.stage)
    }

    /// Returns when another episode has begun, with its settings.
    pub async fn episode_over(&self) -> Arc<StageSettings> {
        let mut settings = self.stage.follow();
        let here = self.bus.scope().episode;
        let another = |now: &Arc<StageSettings>| {
            !now.episode_id.is_empty() && (now.episode_id != self.episode_id || now.episode != here)
        };
        let next = settings.wait_for(another).await.map(|settings| Arc::clone(&settings));
        match next {
            Ok(settings) => settings,
            Err(_) => std::future::pending().await,
        }
    }

    /// Opens this service's database for the running episode. The service is not ready while another program holds its
    /// lock.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub async fn open_store(&self, tables: &Migrator) -> anyhow::Result<Store> {
        let store = self.open_file(self.service.name(), "database", tables).await?;
        self.say_what_is_disbelieved(&store).await?;
        Ok(store)
    }

    /// Opens another database of this process, for what is kept apart from the service's own. Otherwise as
    /// [`Context::open_store`].
    ///
    /// # Errors
    /// If it cannot be opened.
    pub async fn open_store_of(&self, owner: &'static str, tables: &Migrator) -> anyhow::Result<Store> {
        self.open_file(owner, owner, tables).await
    }

    async fn open_file(&self, owner: &str, dependency: &'static str, tables: &Migrator) -> anyhow::Result<Store> {
        let episode_id = Some(self.episode_id.as_str()).filter(|episode_id| !episode_id.is_empty());
        let store = Store::open(&self.data_dir, owner, self.bus.scope().episode, episode_id, tables).await?;
        let opened = store.clone();
        self.health.require(dependency, move || !opened.is_locked());
        Ok(store)
    }

    /// Publishes the store's count of disbelieved messages in presence and metrics; call this when it has changed.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn say_what_is_disbelieved(&self, store: &Store) -> anyhow::Result<()> {
        let now = store::disbelieved(store).await?;
        self.metrics.disbelieved(&now);
        let before = self.presence.disbelieves(now.clone());
        // Once per reason, so that a flooded topic does not flood the log.
        for Disbelieved { topic, code, .. } in now {
            if !before.iter().any(|known| (&known.topic, known.code) == (&topic, code)) {
                warn!(topic, %code, "a message is not believed and has no effect; more of this kind are only counted");
            }
        }
        Ok(())
    }

    /// Starts the outbox of this store as one of `tasks`.
    pub fn start_outbox(&self, tasks: &mut TaskGroup, store: &Store) -> OutboxHandle {
        self.outboxes.add(store.unpublished());
        let (outbox, handle) = Outbox::new(store.clone(), &self.bus);
        tasks.start(async move { Ok(outbox.run().await?) });
        handle
    }
}

/// How many messages wait in each outbox of this process. Those of an episode that is over are gone with its database.
#[derive(Clone, Default)]
struct Outboxes(Arc<SyncMutex<Vec<Weak<AtomicI64>>>>);

impl Outboxes {
    fn add(&self, unpublished: &Arc<AtomicI64>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|one| one.strong_count() > 0);
        all.push(Arc::downgrade(unpublished));
    }

    fn depth(&self) -> i64 {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().filter_map(Weak::upgrade).map(|one| one.load(Ordering::Relaxed).max(0)).sum()
    }
}

/// The tasks of a service. When one fails or panics, the service ends with that error and its supervisor restarts it:
/// this is the recovery from a full disk or a lost writership.
#[derive(Default)]
pub struct TaskGroup {
    set: JoinSet<anyhow::Result<()>>,
}

impl TaskGroup {
    pub fn start(&mut self, task: impl Future<Output = anyhow::Result<()>> + Send + 'static) {
        self.set.spawn(task);
    }

    /// Waits until `shutdown`, or until a task fails or ends. Whatever was not committed is redelivered.
    ///
    /// # Errors
    /// The error of the task that failed first.
    pub async fn run_until(mut self, shutdown: &CancellationToken) -> anyhow::Result<()> {
        let ended = tokio::select! {
            () = shutdown.cancelled() => Ok(()),
            ended = self.ended() => ended,
        };
        self.set.shutdown().await;
        ended
    }

    /// Waits until a task fails or ends, or until there is none.
    ///
    /// # Errors
    /// The error of the task, or that it panicked.
    pub async fn ended(&mut self) -> anyhow::Result<()> {
        self.set.join_next().await.unwrap_or(Ok(Ok(())))?
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::JoinError;

    use super::*;

    #[tokio::test]
    async fn a_task_that_panics_ends_the_others_and_is_the_error() {
        let mut tasks = TaskGroup::default();
        tasks.start(std::future::pending());
        tasks.start(async { panic!("as it must") });
        let ended = tasks.run_until(&CancellationToken::new()).await.unwrap_err();
        assert!(ended.downcast_ref::<JoinError>().is_some_and(JoinError::is_panic), "{ended:#}");
    }
}

//! What a service is given to run with.

use std::{
    future::Future,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
};

use bus::Bus;
use events::{
    ids::{Moment, Service},
    stage::StageSettings,
};
use store::{Migrator, Outbox, OutboxHandle, Store};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{clock, health::Health, metrics::Metrics, presence::Board};

/// A service at work, until it is told to stop. Boxed, so that its body is compiled once, in the service's own crate, and
/// not again in its program and in each of its tests.
pub type Serving = Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send>>;

/// Everything around the work of a service. Cheap to clone.
#[derive(Clone)]
pub struct Context {
    /// Who this is.
    pub service: Service,
    /// The bus, in the running episode.
    pub bus: Bus,
    /// The settings it was started with.
    pub settings: Option<Arc<StageSettings>>,
    /// Where its data lies.
    pub data_dir: PathBuf,
    /// Cancelled when it shall end.
    pub shutdown: CancellationToken,
    /// What its health says.
    pub health: Health,
    /// What it counts.
    pub metrics: Metrics,
    /// What its presence says.
    pub board: Board,
    /// When this process started.
    pub started_at: Moment,
}

impl Context {
    /// The context of a service in an episode. Without `settings` the broker could not be asked yet; only the website
    /// starts like that.
    pub fn new(
        service: Service,
        bus: Bus,
        settings: Option<StageSettings>,
        data_dir: &Path,
        shutdown: CancellationToken,
    ) -> Self {
        let health = Health::default();
        let connected = bus.clone();
        health.require("pulsar", move || connected.is_connected());
        Context {
            service,
            bus,
            settings: settings.map(Arc::new),
            data_dir: data_dir.to_owned(),
            shutdown,
            health,
            metrics: Metrics::default(),
            board: Board::default(),
            started_at: clock::now(),
        }
    }

    /// The same process in the episode of these settings; without settings the first. Ends with this context, or alone.
    pub fn in_episode(&self, settings: Option<StageSettings>) -> Self {
        let episode = settings.as_ref().map_or(1, |settings| settings.episode);
        Context {
            bus: self.bus.in_episode(episode),
            settings: settings.map(Arc::new),
            shutdown: self.shutdown.child_token(),
            ..self.clone()
        }
    }

    /// Opens this service's database for the running episode.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub async fn open_store(&self, tables: &Migrator) -> anyhow::Result<Store> {
        let seal = self.settings.as_ref().map(|settings| settings.seal.as_str());
        let episode = self.bus.place().episode;
        Ok(Store::open(&self.data_dir, self.service.name(), episode, seal, tables).await?)
    }

    /// The outbox of this store, at work as one of `tasks`.
    pub fn start_outbox(&self, tasks: &mut Tasks, store: &Store) -> OutboxHandle {
        let (outbox, handle) = Outbox::new(store.clone(), &self.bus);
        tasks.start(async move { Ok(outbox.run().await?) });
        handle
    }
}

/// The tasks of a service. If one fails the service ends with its error, and whoever supervises the process starts it
/// again: that is how a full disk or a lost writership is recovered from.
#[derive(Default)]
pub struct Tasks {
    set: JoinSet<anyhow::Result<()>>,
}

impl Tasks {
    /// Starts one.
    pub fn start(&mut self, task: impl Future<Output = anyhow::Result<()>> + Send + 'static) {
        self.set.spawn(task);
    }

    /// Waits until `shutdown`, or until a task fails or ends. What they had not committed comes again.
    ///
    /// # Errors
    /// The error of the task that failed first.
    pub async fn run_until(mut self, shutdown: &CancellationToken) -> anyhow::Result<()> {
        let ended = tokio::select! {
            () = shutdown.cancelled() => Ok(()),
            ended = self.set.join_next() => match ended {
                Some(ended) => ended.map_err(anyhow::Error::from).and_then(|result| result),
                None => Ok(()),
            },
        };
        self.set.shutdown().await;
        ended
    }
}

//! The test bed of integration tests: a tenant of its own on the real broker, a data folder of its own, and ways to wait for
//! something instead of sleeping. Used by tests only; it is here so that the tests of every service share it.

mod collector;
pub use collector::{Collected, Collector};

use std::{
    collections::HashSet,
    future::Future,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use bus::{Admin, Bus, Outgoing, Scope, SetUpError, Until, set_up};
use events::{
    ids::{EventId, Service},
    received::Received,
    settings::{Choices, StageSettings},
    topics::{SETTINGS, Topic, TopicSpec},
    unreadable::{Disbelieved, ReasonCode},
};
use serde::{Serialize, de::DeserializeOwned};
use store::{Migrator, Store, Transaction};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    Context,
    clock::now,
    environment,
    health::Health,
    stage::{ControlMessage, Stage},
};

/// How long a test waits for something that must happen.
pub const LIMIT: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A tenant and a folder for one test.
pub struct TestBed {
    /// The bus, in episode 1 of the tenant.
    pub bus: Bus,
    /// The settings and control messages of its services.
    pub stage: Stage,
    folder: PathBuf,
}

/// A running service; stopped when it is dropped.
pub struct Running {
    health: Health,
    shutdown: CancellationToken,
    task: JoinHandle<anyhow::Result<()>>,
}

impl TestBed {
    /// A test bed of its own on the broker that `PULSAR_URL` and `PULSAR_ADMIN_URL` name; `scripts/test` starts one and sets them.
    ///
    /// # Errors
    /// If the broker is away.
    pub async fn new() -> anyhow::Result<Self> {
        let broker = environment::broker()?;
        let tenant = format!("test-{:08x}", rand::random::<u32>());
        let admin = Admin::new(&broker)?;
        let bus = Bus::new(broker, Scope { tenant: tenant.clone(), episode: 1 });
        set_up_soon(&admin, bus.scope()).await.context("these tests need a broker: ./scripts/test starts one")?;
        let settings = StageSettings {
            version: 1,
            episode: 1,
            episode_id: tenant.clone(),
            began_at: now(),
            choices: Choices::default(),
        };
        let folder = std::env::temp_dir().join(format!("beers-{tenant}"));
        let bed = TestBed { bus, stage: Stage::set(settings.clone()), folder };
        bed.publish(SETTINGS, "settings", &settings).await?;
        Ok(bed)
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A context for this service, with its own connections.
    pub fn context(&self, service: Service) -> Context {
        let bus = Bus::new(self.bus.broker().clone(), self.bus.scope().clone());
        Context::new(service, bus, self.stage.clone(), &self.folder, CancellationToken::new())
    }

    /// Changes the settings of all services of this test bed.
    pub fn choose(&self, change: impl FnOnce(&mut Choices)) {
        let mut settings = (*self.stage.settings()).clone();
        settings.version += 1;
        change(&mut settings.choices);
        self.stage.change(settings);
    }

    /// Sends a control message to the services of this test bed; `false` if none listens.
    pub fn send(&self, message: ControlMessage) -> bool {
        self.stage.send(message)
    }

    /// Runs a service as its process does.
    pub fn start<F, ServiceFuture>(&self, service: Service, serve: F) -> Running
    where
        F: FnOnce(Context) -> ServiceFuture,
        ServiceFuture: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let context = self.context(service);
        let (health, shutdown) = (context.health.clone(), context.shutdown.clone());
        Running { health, shutdown, task: tokio::spawn(serve(context)) }
    }

    /// Holds the write lock of this service's database until it is dropped, as a database browser does.
    ///
    /// # Errors
    /// If the database cannot be opened.
    pub async fn hold_database(&self, service: Service) -> anyhow::Result<Transaction> {
        let mut any_tables = Migrator::DEFAULT;
        any_tables.set_ignore_missing(true);
        Ok(self.context(service).open_store(&any_tables).await?.begin().await?)
    }

    /// Publishes a message as another service does.
    ///
    /// # Errors
    /// If the broker does not take it.
    pub async fn publish<M: Serialize>(&self, topic: Topic<M>, key: &str, message: &M) -> anyhow::Result<()> {
        let id = EventId::new(format!("test-{:016x}", rand::random::<u64>()));
        let message = Outgoing::new(topic, key, id, now(), message)?;
        Ok(self.bus.publisher().publish(&[message]).await?)
    }

    /// Publishes any bytes, as a stranger may.
    ///
    /// # Errors
    /// If the broker does not take them.
    pub async fn publish_raw<M>(&self, topic: Topic<M>, payload: &[u8]) -> anyhow::Result<()> {
        let message = Outgoing {
            topic: topic.spec,
            key: "stranger".to_owned(),
            event_id: EventId::new(format!("test-{:016x}", rand::random::<u64>())),
            at: now(),
            trace: None,
            deliver_at: None,
            payload: payload.to_vec(),
        };
        Ok(self.bus.publisher().publish(&[message]).await?)
    }

    /// All events of a topic, once `enough` accepts them. A service that is killed between publishing and
    /// recording it publishes again with the same id: such a repeat counts as one event here, as for every reader.
    ///
    /// # Errors
    /// If that does not happen within [`LIMIT`]; the error lists what was there.
    pub async fn read_until<M: DeserializeOwned + std::fmt::Debug>(
        &self,
        topic: Topic<M>,
        enough: impl Fn(&[Received<M>]) -> bool,
    ) -> anyhow::Result<Vec<Received<M>>> {
        let deadline = tokio::time::Instant::now() + LIMIT;
        loop {
            let mut replay = self.bus.replay(topic, Until::Now);
            let (mut all, mut seen) = (Vec::new(), HashSet::new());
            while let Some(batch) = replay.next().await? {
                all.extend(batch.into_iter().filter(|received| seen.insert(received.event_id.clone())));
            }
            if enough(&all) {
                return Ok(all);
            }
            anyhow::ensure!(tokio::time::Instant::now() < deadline, "{} holds only {all:#?}", topic.spec.name);
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

impl TestBed {
    /// Waits until a service counts exactly these messages as not believed.
    ///
    /// # Errors
    /// If it does not within [`LIMIT`]; the error says what it counts.
    pub async fn until_disbelieved(
        &self,
        service: Service,
        expected: &[(&TopicSpec, ReasonCode, u64)],
    ) -> anyhow::Result<()> {
        let disbelieved = |(topic, code, count): &(&TopicSpec, _, _)| Disbelieved {
            topic: topic.name.to_owned(),
            code: *code,
            count: *count,
        };
        let mut expected: Vec<Disbelieved> = expected.iter().map(disbelieved).collect();
        expected.sort();
        let deadline = tokio::time::Instant::now() + LIMIT;
        loop {
            let store = Store::peek(&self.folder, service.name(), self.bus.scope().episode);
            let mut counted = Vec::new();
            if let Some(store) = store {
                // The service may still be creating its tables.
                counted = store::disbelieved(&store).await.unwrap_or_default();
                store.close().await;
            }
            counted.sort();
            if counted == expected {
                return Ok(());
            }
            anyhow::ensure!(tokio::time::Instant::now() < deadline, "{service} counts {counted:#?}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

impl Drop for TestBed {
    fn drop(&mut self) {
        // The tenant is deleted with the broker; the folder may be gone or in use, which is fine.
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

impl Running {
    /// Waits until the service waits for the lock of its database.
    ///
    /// # Errors
    /// If it does not within [`LIMIT`], or has ended.
    pub async fn waits_for_its_database(&self) -> anyhow::Result<()> {
        let waits = || async { self.health.missing().contains(&"database").then_some(()) };
        eventually("a service that waits for its database", waits).await?;
        anyhow::ensure!(!self.task.is_finished(), "it has ended");
        Ok(())
    }

    /// Stops it as a signal does, and returns its result.
    ///
    /// # Errors
    /// The error of the service.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.shutdown.cancel();
        tokio::time::timeout(LIMIT, self.task).await??
    }

    /// Ends it as a kill does: its task is aborted.
    pub async fn kill(self) {
        self.task.abort();
        // The result only says that the task was aborted.
        drop(self.task.await);
    }
}

/// A broker that has just started reports that it is ready before it knows its cluster.
async fn set_up_soon(admin: &Admin, place: &Scope) -> Result<(), SetUpError> {
    let deadline = tokio::time::Instant::now() + LIMIT;
    loop {
        match set_up(admin, place).await {
            Err(SetUpError::NoCluster) if tokio::time::Instant::now() < deadline => {
                tokio::time::sleep(LOOK_EVERY).await;
            }
            done => return done,
        }
    }
}

/// Waits until `look` returns something.
///
/// # Errors
/// If it does not within [`LIMIT`].
pub async fn eventually<T, Looking>(what: &str, mut look: impl FnMut() -> Looking) -> anyhow::Result<T>
where
    Looking: Future<Output = Option<T>>,
{
    let deadline = tokio::time::Instant::now() + LIMIT;
    loop {
        if let Some(found) = look().await {
            return Ok(found);
        }
        anyhow::ensure!(tokio::time::Instant::now() < deadline, "{what} did not come within {} s", LIMIT.as_secs());
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

//! The crew: workers who share one subscription of the log, and who can be paused, dismissed, or crashed.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bus::{BusError, ConsumerOptions};
use events::{
    ids::Service,
    settings::{Folding, WORKERS_MAX},
    topics::STOCK_EVENTS,
};
use service::{Context, idempotent_consumer::WriterHandle};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::{AbortHandle, JoinError, JoinSet},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{handler::LevelHandler, worker::Worker};

/// How long a crashed worker is away: long enough to see who takes over.
const BACK_AFTER: Duration = Duration::from_secs(2);

/// Workers of one mode.
pub(crate) struct Crew {
    context: Context,
    folding: Folding,
    /// By name. Dropping the set aborts all of them.
    workers: JoinSet<()>,
    by_name: BTreeMap<String, AbortHandle>,
    /// Crashed workers, until they are back.
    away: JoinSet<String>,
    hands: Arc<Semaphore>,
    writer: WriterHandle<LevelHandler>,
    stop: CancellationToken,
}

/// The name of a worker.
///
/// A Key_Shared subscription assigns keys by a hash of these names, so they decide who gets which beers. Ten schemes were
/// tried with Pulsar 4.0.6: consumers of these names, one event of each of the twelve beers, and who got it. With this
/// one two workers own 6 and 6, three own 4, 5 and 3, four own 3, 4, 3 and 2, the same at each of ten starts.
/// (`worker-A` gave 5, 2 and 5, `stock-worker-1` 4, 6 and 2.) `tests/modes.rs` deals them again.
fn name(number: u32) -> String {
    format!("worker-{number}")
}

impl Crew {
    /// A crew for this mode, without workers yet.
    pub(crate) fn gather(context: &Context, folding: Folding, writer: WriterHandle<LevelHandler>) -> Self {
        Crew {
            context: context.clone(),
            folding,
            workers: JoinSet::new(),
            by_name: BTreeMap::new(),
            away: JoinSet::new(),
            hands: Arc::new(Semaphore::new(WORKERS_MAX as usize)),
            writer,
            stop: CancellationToken::new(),
        }
    }

    /// A crew for another mode, with the same writer.
    pub(crate) fn successor(&self, folding: Folding) -> Self {
        Crew::gather(&self.context, folding, self.writer.clone())
    }

    pub(crate) fn begin_all(&mut self) -> Result<(), BusError> {
        (1..=self.folding.workers.clamp(1, WORKERS_MAX)).try_for_each(|number| self.begin(name(number)))
    }

    pub(crate) fn folding(&self) -> Folding {
        self.folding
    }

    /// Starts a worker, or starts it again.
    pub(crate) fn begin(&mut self, name: String) -> Result<(), BusError> {
        let subscription_type = self.folding.subscription;
        // Events that are delivered singly cost a round trip each, and acknowledgements of several workers on one connection wait
        // for each other.
        let options = ConsumerOptions {
            name: Some(name.clone()),
            subscription_type: Some(subscription_type),
            ..ConsumerOptions::default()
        };
        let worker = Worker {
            name: name.as_str().into(),
            subscription_type,
            consumer: self.context.bus.consumer(STOCK_EVENTS, Service::StockLevel, options)?,
            writer: self.writer.clone(),
            hands: Arc::clone(&self.hands),
            settings: self.context.stage.follow(),
            stop: self.stop.clone(),
            presence: self.context.presence.clone(),
        };
        self.by_name.insert(name, self.workers.spawn(worker.work()));
        Ok(())
    }

    /// Waits until no worker holds an event. None takes one while the permit is held.
    pub(crate) fn hands_free(&self) -> impl Future<Output = Option<OwnedSemaphorePermit>> + Send + use<> {
        let hands = Arc::clone(&self.hands);
        async move { hands.acquire_many_owned(WORKERS_MAX).await.ok() }
    }

    /// Crashes one worker: its task is aborted with whatever it holds, and starts again a little later.
    pub(crate) fn crash(&mut self, name: &str) {
        let Some(worker) = self.by_name.remove(name) else {
            info!(name, "no such worker to crash");
            return;
        };
        warn!(worker = name, "crashed, as requested");
        worker.abort();
        let name = name.to_owned();
        self.away.spawn(async move {
            tokio::time::sleep(BACK_AFTER).await;
            name
        });
    }

    /// Waits until a crashed worker is back, and returns its name.
    ///
    /// # Panics
    /// If a worker panics.
    pub(crate) async fn back(&mut self) -> String {
        loop {
            let ended = tokio::select! {
                Some(Ok(name)) = self.away.join_next() => return name,
                Some(ended) = self.workers.join_next() => ended,
                else => std::future::pending().await,
            };
            left(ended);
        }
    }

    /// Dismisses all workers: they finish and acknowledge what they hold, then close their consumers.
    pub(crate) fn dismiss(self) -> JoinSet<()> {
        self.stop.cancel();
        self.workers
    }
}

/// A worker has ended: dismissed, or crashed on request.
///
/// # Panics
/// If the worker panicked.
pub(crate) fn left(ended: Result<(), JoinError>) {
    if let Err(Ok(panic)) = ended.map_err(JoinError::try_into_panic) {
        std::panic::resume_unwind(panic);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_crash_is_expected_and_a_panic_is_not() {
        let crashed = tokio::spawn(std::future::pending());
        crashed.abort();
        left(crashed.await);
        let panicked = tokio::spawn(async { panic!("as it must") }).await;
        assert!(tokio::spawn(async { left(panicked) }).await.unwrap_err().is_panic());
    }
}

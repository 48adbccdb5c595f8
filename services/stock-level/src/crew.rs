//! The crew: workers who read the log by one subscription, and who can be called off, dismissed, or lost.

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

/// After a crash a worker is back after this long: so it is seen who takes over.
const BACK_AFTER: Duration = Duration::from_secs(2);

/// Workers at work, in one way.
pub(crate) struct Crew {
    context: Context,
    folding: Folding,
    /// By name; dropping the set lets everybody fall where they stand.
    workers: JoinSet<()>,
    by_name: BTreeMap<String, AbortHandle>,
    /// Those who crashed, until they are back.
    away: JoinSet<String>,
    hands: Arc<Semaphore>,
    writer: WriterHandle<LevelHandler>,
    stop: CancellationToken,
}

/// The name of a worker.
///
/// A Key_Shared subscription deals keys by a hash of these names, so they decide who gets which beers. Ten schemes were
/// tried with Pulsar 4.0.6: consumers of these names, one event of each of the twelve beers, and who got it. With this
/// one two workers own 6 and 6, three own 4, 5 and 3, four own 3, 4, 3 and 2, the same at each of ten starts.
/// (`worker-A` gave 5, 2 and 5, `stock-worker-1` 4, 6 and 2.) `tests/modes.rs` deals them again.
fn name(number: u32) -> String {
    format!("worker-{number}")
}

impl Crew {
    /// A crew that works in this way; nobody has begun yet.
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

    /// A crew that works in another way, with the same writer.
    pub(crate) fn successor(&self, folding: Folding) -> Self {
        Crew::gather(&self.context, folding, self.writer.clone())
    }

    pub(crate) fn begin_all(&mut self) -> Result<(), BusError> {
        (1..=self.folding.workers.clamp(1, WORKERS_MAX)).try_for_each(|number| self.begin(name(number)))
    }

    pub(crate) fn folding(&self) -> Folding {
        self.folding
    }

    /// One worker begins, or begins again.
    pub(crate) fn begin(&mut self, name: String) -> Result<(), BusError> {
        let subscription_type = self.folding.subscription;
        // Singly dealt events cost a round trip each, and acknowledgements of several workers on one connection wait
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

    /// Has everybody put down what they have in hand, and take nothing up as long as the permit is held.
    pub(crate) fn hands_free(&self) -> impl Future<Output = Option<OwnedSemaphorePermit>> + Send + use<> {
        let hands = Arc::clone(&self.hands);
        async move { hands.acquire_many_owned(WORKERS_MAX).await.ok() }
    }

    /// One worker crashes: it is dropped where it is, with what it has in hand, and is back a little later.
    pub(crate) fn crash(&mut self, name: &str) {
        let Some(worker) = self.by_name.remove(name) else {
            info!(name, "no such worker to crash");
            return;
        };
        warn!(worker = name, "crashed, as it was told to");
        worker.abort();
        let name = name.to_owned();
        self.away.spawn(async move {
            tokio::time::sleep(BACK_AFTER).await;
            name
        });
    }

    /// Waits for the next one who is back after a crash.
    ///
    /// # Panics
    /// If a worker does.
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

    /// Dismisses everybody: they finish and acknowledge what they hold, then their consumers close, and their tasks end.
    pub(crate) fn dismiss(self) -> JoinSet<()> {
        self.stop.cancel();
        self.workers
    }
}

/// A worker has left: dismissed, or crashed as it was told to.
///
/// # Panics
/// If the worker did.
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

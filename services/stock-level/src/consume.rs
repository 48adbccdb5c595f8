//! Messages in: what the workers hand in → core → outbox in one transaction, then publish, then they acknowledge.

use std::collections::BTreeMap;

use bus::{Received, Until};
use events::{
    ids::{BeerId, Moment},
    settings::Fold,
    stock::{StockEvent, StockLevel},
    topics::{Dealing, STOCK_EVENTS, STOCK_LEVELS},
};
use service::{Context, Serving, Tasks, environment, now};
use store::{OutboxHandle, Store, Transaction, enqueue, put_aside};
use tokio::sync::mpsc;
use tracing::warn;

use crate::{
    crew::{Crew, HandIn, Mode},
    levels::{Folded, Levels, Written},
    store::{TABLES, load, save},
};

/// Most hand-ins folded in one transaction.
const HAND_INS_MAX: usize = 64;
/// Most workers a crew may have.
const WORKERS_MAX: u32 = 10;

/// stock-level at work until it is told to stop, as the environment says: `STOCK_WORKERS` (2) on a Failover
/// subscription, with the versioned fold.
///
/// # Errors
/// If the database fails, or a setting cannot be used.
pub fn run(context: Context) -> Serving {
    Box::pin(work_as_set(context))
}

async fn work_as_set(context: Context) -> anyhow::Result<()> {
    let workers = environment::number("STOCK_WORKERS", 2, 1..=WORKERS_MAX)?;
    run_in(context, Mode { dealing: Dealing::Failover, workers, fold: Fold::Versioned }).await
}

/// stock-level at work in this mode.
///
/// # Errors
/// If the database fails.
pub fn run_in(context: Context, mode: Mode) -> Serving {
    Box::pin(work_in(context, mode))
}

async fn work_in(context: Context, mode: Mode) -> anyhow::Result<()> {
    let store = context.open_store(&TABLES).await?;
    let mut tasks = Tasks::default();
    let outbox = context.start_outbox(&mut tasks, &store);
    let levels = load(&store).await?;
    let shutdown = context.shutdown.clone();
    let (crew, hand_ins) = Crew::start(&context.bus, mode)?;
    let mut desk = Desk { context, store, outbox, levels, mode };
    tasks.start(async move {
        desk.outbox.wake();
        let worked = desk.work(hand_ins).await;
        crew.stop().await;
        worked
    });
    tasks.run_until(&shutdown).await
}

/// The one desk where levels are written and published, whatever the number of workers.
struct Desk {
    context: Context,
    store: Store,
    outbox: OutboxHandle,
    /// As committed, plus what the transaction under way folded. If that fails the process ends and reads it again.
    levels: Levels,
    mode: Mode,
}

/// Levels to be published; of a beer written several times in one transaction only the last one, except with the naive
/// fold, which is there to show every write.
type Writes = BTreeMap<BeerId, (Written, String)>;

impl Desk {
    async fn work(&mut self, mut hand_ins: mpsc::Receiver<HandIn>) -> anyhow::Result<()> {
        let mut waiting = Vec::new();
        while hand_ins.recv_many(&mut waiting, HAND_INS_MAX).await > 0 {
            self.fold_all(&waiting).await?;
            if !self.outbox.flush().await {
                return Ok(());
            }
            for hand_in in waiting.drain(..) {
                // A worker that is gone does not acknowledge; what it took comes again, and is older by then.
                let _gone = hand_in.done.send(());
            }
        }
        Ok(())
    }

    /// One transaction for all that waits.
    async fn fold_all(&mut self, waiting: &[HandIn]) -> anyhow::Result<()> {
        let now = now();
        let mut transaction = self.store.begin().await?;
        let mut writes = Writes::new();
        let (mut handled, mut repeated, mut unreadable) = (0, 0, 0);
        for HandIn { worker, events, .. } in waiting {
            for received in events {
                match &received.message {
                    Ok(event) => match self.fold(event, worker).await? {
                        Some(folded) => {
                            handled += 1;
                            self.note(&mut transaction, &mut writes, folded, worker, now).await?;
                        }
                        None => repeated += 1,
                    },
                    Err(undecodable) => {
                        let (service, topic) = (self.context.service, STOCK_EVENTS.entry);
                        put_aside(&mut transaction, service, topic, received.position, undecodable, now).await?;
                        unreadable += 1;
                    }
                }
            }
        }
        self.write_all(&mut transaction, writes, now).await?;
        transaction.commit().await?;
        let (metrics, topic) = (&self.context.metrics, STOCK_EVENTS.entry.name);
        metrics.handled(topic, handled);
        metrics.repeated(topic, repeated);
        metrics.unreadable(topic, unreadable);
        Ok(())
    }

    /// Folds one event: the beers whose level it changed, more than one only after a gap; `None` if it changed nothing.
    async fn fold(&mut self, event: &StockEvent, worker: &str) -> anyhow::Result<Option<Vec<BeerId>>> {
        match self.levels.fold(self.mode.fold, self.mode.in_order(), event) {
            Folded::Written(_) => Ok(Some(vec![event.beer.clone()])),
            Folded::Older => Ok(None),
            Folded::Gap { expected } => {
                warn!(beer = %event.beer, %expected, came = %event.sequence, worker, "a gap: folding the log afresh");
                self.fold_the_log().await.map(Some)
            }
        }
    }

    /// Folds the log from its first event to its last: what a gap asks for, since one is never skipped.
    async fn fold_the_log(&mut self) -> anyhow::Result<Vec<BeerId>> {
        let mut replay = self.context.bus.replay(STOCK_EVENTS, Until::Now);
        let mut changed = BTreeMap::new();
        while let Some(batch) = replay.next().await? {
            for event in batch.into_iter().filter_map(|received: Received<StockEvent>| received.message.ok()) {
                // By sequence, not by place: an event published twice may lie in the log behind a later one.
                if matches!(self.levels.fold(Fold::Versioned, false, &event), Folded::Written(_)) {
                    changed.insert(event.beer, ());
                }
            }
        }
        warn!(events = replay.messages_read(), beers = changed.len(), "the log is folded afresh");
        Ok(changed.into_keys().collect())
    }

    async fn note(
        &self,
        transaction: &mut Transaction,
        writes: &mut Writes,
        changed: Vec<BeerId>,
        worker: &str,
        now: Moment,
    ) -> anyhow::Result<()> {
        for beer in changed {
            let level = self.levels.level(&beer);
            if self.mode.fold == Fold::Naive {
                publish(transaction, &beer, level, worker, now).await?;
            }
            writes.insert(beer, (level, worker.to_owned()));
        }
        Ok(())
    }

    async fn write_all(&self, transaction: &mut Transaction, writes: Writes, now: Moment) -> anyhow::Result<()> {
        for (beer, (level, worker)) in writes {
            save(transaction, &beer, level).await?;
            if self.mode.fold == Fold::Versioned {
                publish(transaction, &beer, level, &worker, now).await?;
            }
        }
        Ok(())
    }
}

async fn publish(
    transaction: &mut Transaction,
    beer: &BeerId,
    level: Written,
    worker: &str,
    now: Moment,
) -> anyhow::Result<()> {
    let message = StockLevel {
        beer: beer.clone(),
        level: level.level,
        sequence: level.sequence,
        written: level.written,
        event: level.sequence,
        ignored: false,
        worker: worker.to_owned(),
        taken_at: now,
        at: now,
    };
    Ok(enqueue(transaction, STOCK_LEVELS, beer.as_str(), now, None, &message).await?)
}

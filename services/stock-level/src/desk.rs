//! The desk: where levels are written and published in the order of its commits, whatever the number of workers.

use std::collections::{BTreeMap, BTreeSet};

use bus::{BusError, Position, Until};
use events::{
    ids::{BeerId, Moment},
    quantities::Sequence,
    settings::{Fold, Folding, SubscriptionType},
    stock::{StockEvent, StockLevel},
    topics::{STOCK_EVENTS, STOCK_LEVELS},
};
use service::{Context, now};
use store::{OutboxHandle, Store, Transaction, enqueue, put_aside};
use tracing::{info, warn};

use crate::{
    levels::{Folded, Levels, Written},
    snapshot::{Afresh, Said, Snapshot},
    store::{load, load_snapshot, save, save_snapshot},
    worker::HandIn,
};

/// Who writes what no worker handed in: levels folded afresh.
const NOBODY: &str = "desk";
/// After this many events handled in order a snapshot is kept: a fold afresh reads about as many.
const SNAPSHOT_EVERY: usize = 1_000;

/// The one desk.
pub(crate) struct Desk {
    context: Context,
    store: Store,
    outbox: OutboxHandle,
    /// As committed, plus what the transaction under way folded. If that fails the process ends and reads it again.
    levels: Levels,
    /// What the log says up to a place in it, as committed.
    snapshot: Snapshot,
    since_snapshot: usize,
    /// The last message of the log that was handled in order.
    reached: Option<Position>,
    /// How the crew works whose events are handed in.
    folding: Folding,
}

/// A level to be published.
struct Write {
    level: Written,
    event: Sequence,
    ignored: bool,
    worker: String,
    taken_at: Moment,
}

/// What one transaction did.
#[derive(Default)]
struct Done {
    /// Beers whose level was written.
    beers: BTreeSet<BeerId>,
    /// Levels to be published at its end: where events are taken many at once, only the last one of a beer.
    last: BTreeMap<BeerId, Write>,
    handled: usize,
    repeated: usize,
    unreadable: usize,
}

impl Desk {
    /// Opens with what was committed.
    pub(crate) async fn open(
        context: Context,
        store: Store,
        outbox: OutboxHandle,
        folding: Folding,
    ) -> anyhow::Result<Self> {
        let (levels, snapshot) = (load(&store).await?, load_snapshot(&store).await?);
        Ok(Desk { context, store, outbox, levels, snapshot, since_snapshot: 0, reached: None, folding })
    }

    /// From now on another crew hands in.
    pub(crate) fn serve(&mut self, folding: Folding) {
        self.folding = folding;
        self.reached = None;
    }

    /// Folds all that waits, publishes it, and tells who handed it in. `false` if the outbox has stopped.
    pub(crate) async fn take(&mut self, waiting: &mut Vec<HandIn>) -> anyhow::Result<bool> {
        self.fold_all(waiting).await?;
        if !self.outbox.flush().await {
            return Ok(false);
        }
        for hand_in in waiting.drain(..) {
            // A worker that is gone does not acknowledge; what it took comes again.
            let _gone = hand_in.done.send(());
        }
        Ok(true)
    }

    /// One transaction for all that waits.
    async fn fold_all(&mut self, waiting: &[HandIn]) -> anyhow::Result<()> {
        let now = now();
        let mut transaction = self.store.begin().await?;
        let mut done = Done::default();
        for hand_in in waiting {
            for received in &hand_in.events {
                match &received.message {
                    Ok(event) => self.fold(&mut transaction, &mut done, hand_in, event, now).await?,
                    Err(undecodable) => {
                        let (service, topic) = (self.context.service, STOCK_EVENTS.entry);
                        put_aside(&mut transaction, service, topic, received.position, undecodable, now).await?;
                        done.unreadable += 1;
                    }
                }
                self.reached = self.reached.max(Some(received.position));
            }
        }
        for (beer, write) in std::mem::take(&mut done.last) {
            publish(&mut transaction, &beer, write, now).await?;
        }
        for beer in &done.beers {
            save(&mut transaction, beer, &self.levels).await?;
        }
        self.keep_snapshot(&mut transaction, done.handled).await?;
        transaction.commit().await?;
        let (metrics, topic) = (&self.context.metrics, STOCK_EVENTS.entry.name);
        metrics.handled(topic, done.handled);
        metrics.repeated(topic, done.repeated);
        metrics.unreadable(topic, done.unreadable);
        Ok(())
    }

    /// Folds one event, and publishes what became of it: at once where every write shall be seen.
    async fn fold(
        &mut self,
        transaction: &mut Transaction,
        done: &mut Done,
        hand_in: &HandIn,
        event: &StockEvent,
        now: Moment,
    ) -> anyhow::Result<()> {
        let Folding { fold, subscription, .. } = self.folding;
        let in_order = subscription != SubscriptionType::Shared;
        let (level, ignored) = match self.levels.fold(fold, in_order, event) {
            Folded::Written(level) => (level, false),
            Folded::Late => (self.levels.leave(&event.beer), true),
            Folded::Repeated => {
                done.repeated += 1;
                return Ok(());
            }
            Folded::Gap { expected } => {
                warn!(beer = %event.beer, %expected, came = %event.sequence, worker = hand_in.worker, "a gap");
                self.close_gap(done, now).await?;
                done.handled += 1;
                return Ok(());
            }
        };
        if ignored {
            done.repeated += 1;
        } else {
            done.handled += 1;
            if let Some(order_id) = &event.order_id {
                self.context.trail.note(order_id, "level written");
            }
        }
        let (worker, taken_at) = (hand_in.worker.clone(), hand_in.taken_at);
        let write = Write { level, event: event.sequence, ignored, worker, taken_at };
        done.beers.insert(event.beer.clone());
        if hand_in.singly || fold == Fold::Naive {
            // What waited for the end was written before this.
            done.last.remove(&event.beer);
            publish(transaction, &event.beer, write, now).await
        } else {
            done.last.insert(event.beer.clone(), write);
            Ok(())
        }
    }

    /// Folds all that the log holds, handled or not: what a gap asks for, since one is never skipped.
    async fn close_gap(&mut self, done: &mut Done, now: Moment) -> anyhow::Result<()> {
        let mut replay = self.context.bus.replay(STOCK_EVENTS, Until::Now);
        if let Some(until) = self.snapshot.until {
            replay = replay.after(until);
        }
        while let Some(batch) = replay.next().await? {
            for event in batch.into_iter().filter_map(|received| received.message.ok()) {
                // By sequence, not by place: an event published twice may lie in the log behind a later one.
                let (level, ignored) = match self.levels.fold(Fold::Versioned, false, &event) {
                    Folded::Written(level) => (level, false),
                    Folded::Late => (self.levels.leave(&event.beer), true),
                    Folded::Repeated | Folded::Gap { .. } => continue,
                };
                let (worker, event_sequence) = (NOBODY.to_owned(), event.sequence);
                let write = Write { level, event: event_sequence, ignored, worker, taken_at: now };
                done.beers.insert(event.beer.clone());
                done.last.insert(event.beer, write);
            }
        }
        warn!(events = replay.messages_read(), "the gap is closed from the log");
        Ok(())
    }

    /// Keeps a snapshot from time to time. Only the versioned fold on Failover can: there the levels are right, and all
    /// that lies before the last event is in them.
    async fn keep_snapshot(&mut self, transaction: &mut Transaction, handled: usize) -> anyhow::Result<()> {
        let Folding { fold, subscription, .. } = self.folding;
        if fold != Fold::Versioned || subscription != SubscriptionType::Failover {
            return Ok(());
        }
        self.since_snapshot += handled;
        let Some(reached) = self.reached.filter(|_| self.since_snapshot >= SNAPSHOT_EVERY) else { return Ok(()) };
        let snapshot = Snapshot::of(&self.levels, reached);
        save_snapshot(transaction, &snapshot).await?;
        self.snapshot = snapshot;
        self.since_snapshot = 0;
        Ok(())
    }

    /// Folds the levels afresh from the log, as far as it was handled, and publishes them all. `false` if the outbox
    /// has stopped.
    ///
    /// # Errors
    /// If the database fails; the inner one if the log cannot be read: then nothing has changed.
    pub(crate) async fn fold_afresh(&mut self) -> anyhow::Result<Result<bool, BusError>> {
        let started = tokio::time::Instant::now();
        let mut replay = self.context.bus.replay(STOCK_EVENTS, Until::Now);
        if let Some(until) = self.snapshot.until {
            replay = replay.after(until);
        }
        let mut afresh = Afresh::begin(&self.levels, self.snapshot.clone());
        loop {
            match replay.next().await {
                Ok(Some(batch)) => {
                    batch.iter().for_each(|received| afresh.take(received.position, received.message.as_ref().ok()));
                }
                Ok(None) => break,
                Err(error) => return Ok(Err(error)),
            }
        }
        let (said, snapshot) = afresh.end();
        let events = replay.messages_read();
        self.write_afresh(said, snapshot).await?;
        let published = self.outbox.flush().await;
        info!(events, took_ms = started.elapsed().as_millis(), "the levels are folded afresh");
        Ok(Ok(published))
    }

    async fn write_afresh(&mut self, said: BTreeMap<BeerId, Said>, snapshot: Snapshot) -> anyhow::Result<()> {
        let now = now();
        let mut transaction = self.store.begin().await?;
        for (beer, said) in said {
            let level = self.levels.put(&beer, said.level);
            save(&mut transaction, &beer, &self.levels).await?;
            let write = Write { level, event: said.sequence, ignored: false, worker: NOBODY.to_owned(), taken_at: now };
            publish(&mut transaction, &beer, write, now).await?;
        }
        save_snapshot(&mut transaction, &snapshot).await?;
        transaction.commit().await?;
        self.snapshot = snapshot;
        self.since_snapshot = 0;
        Ok(())
    }
}

async fn publish(transaction: &mut Transaction, beer: &BeerId, write: Write, now: Moment) -> anyhow::Result<()> {
    let message = StockLevel {
        beer: beer.clone(),
        level: write.level.level,
        sequence: write.level.sequence,
        settled: write.level.settled,
        written: write.level.written,
        event: write.event,
        ignored: write.ignored,
        worker: write.worker,
        taken_at: write.taken_at,
        at: now,
    };
    Ok(enqueue(transaction, STOCK_LEVELS, beer.as_str(), now, None, &message).await?)
}

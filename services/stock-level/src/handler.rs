//! The handler of stock-level's writer: levels are folded, written and published in the order of its commits, however many
//! workers there are.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bus::{BusError, Until};
use events::{
    chain::{Arrival, Chains, Said, Verdict},
    ids::{BeerId, Moment},
    quantities::Sequence,
    received::Position,
    settings::{Fold, Folding},
    stock::{StockEvent, StockLevel},
    topics::{STOCK_EVENTS, STOCK_LEVELS, SubscriptionType},
    trace::TraceContext,
    unreadable::ReasonCode,
};
use service::{Batch, Context, Outcome, idempotent_consumer::Handler, now};
use store::{OutboxHandle, Store, StoreError, Transaction, enqueue};
use tracing::{info, warn};

use crate::{
    levels::{Folded, Levels, Written},
    settled::BEYOND_MAX,
    snapshot::{Afresh, Snapshot},
    store::{load, load_snapshot, save, save_snapshot},
};

/// The writer named in levels that no worker took: those that were folded afresh.
const NOBODY: &str = "desk";
/// A snapshot is kept after this many events in order; a fresh fold then reads about as many.
const SNAPSHOT_EVERY: usize = 1_000;

/// An event that a worker took.
pub(crate) struct Taken {
    pub(crate) event: StockEvent,
    pub(crate) position: Position,
    pub(crate) worker: Arc<str>,
    pub(crate) at: Moment,
    /// Whether events are taken one by one: each is then written by itself.
    pub(crate) singly: bool,
}

/// The levels, and what is known of the log.
pub(crate) struct LevelHandler {
    context: Context,
    store: Store,
    outbox: OutboxHandle,
    /// As committed, plus what the open transaction folded. If it fails, the process ends and reads everything again.
    levels: Levels,
    /// What the log says up to a position, as committed.
    snapshot: Snapshot,
    since_snapshot: usize,
    /// The last message of the log that was handled in order.
    reached: Option<Position>,
    /// Which part of the log is believed: as committed, plus what the open transaction judged.
    chains: Chains,
    /// How far the log was searched for missing events: behind a gap that this did not close nothing is believed.
    searched: Option<Position>,
    /// The mode of the crew that the events come from.
    folding: Folding,
    done: Done,
}

/// A level to be published.
struct Write {
    level: Written,
    event: Sequence,
    ignored: bool,
    worker: String,
    taken_at: Moment,
    /// The trace of the event it follows from.
    trace: Option<TraceContext>,
}

/// What the current batch did.
#[derive(Default)]
struct Done {
    /// Beers whose level was written.
    beers: BTreeSet<BeerId>,
    /// Levels to publish at its end: only the last one of a beer, where events are taken many at once.
    last: BTreeMap<BeerId, Write>,
    handled: usize,
}

impl Handler for LevelHandler {
    type Work = Taken;
    type Answer = ();

    /// A beer's sequence tells a repeat.
    fn id(_work: &Taken) -> Option<String> {
        None
    }

    async fn handle(&mut self, taken: &Taken, batch: &mut Batch) -> anyhow::Result<Outcome<()>> {
        self.reached = self.reached.max(Some(taken.position));
        match self.believe(taken.position, &taken.event, batch.now).await? {
            Ok(()) => self.fold(batch, taken),
            Err(code) => Ok(Outcome::Untrue(code)),
        }
    }

    async fn conclude(&mut self, batch: &mut Batch) -> anyhow::Result<()> {
        let (done, now) = (std::mem::take(&mut self.done), batch.now);
        for (beer, write) in done.last {
            publish(batch, &beer, write, now)?;
        }
        for beer in &done.beers {
            save(batch, beer, &self.levels).await?;
        }
        self.keep_snapshot(batch, done.handled).await
    }
}

impl LevelHandler {
    /// Loads what was committed.
    pub(crate) async fn open(
        context: Context,
        store: Store,
        outbox: OutboxHandle,
        folding: Folding,
    ) -> anyhow::Result<Self> {
        let (levels, snapshot) = (load(&store).await?, load_snapshot(&store).await?);
        let chains = snapshot.beers.clone();
        let (since_snapshot, reached, searched, done) = (0, None, None, Done::default());
        Ok(LevelHandler {
            context,
            store,
            outbox,
            levels,
            snapshot,
            since_snapshot,
            reached,
            chains,
            searched,
            folding,
            done,
        })
    }

    /// Switches to the events of another crew.
    pub(crate) fn serve(&mut self, folding: Folding) {
        self.folding = folding;
        self.reached = None;
    }

    /// Whether an event follows from the log before it. If earlier events are missing, they are read first.
    async fn believe(
        &mut self,
        position: Position,
        event: &StockEvent,
        now: Moment,
    ) -> anyhow::Result<Result<(), ReasonCode>> {
        let in_order = self.folding.subscription != SubscriptionType::Shared;
        let arrival = if in_order { Arrival::InOrder } else { Arrival::InAnyOrder };
        Ok(match self.chains.judge(event, arrival) {
            Verdict::Believed | Verdict::Again => Ok(()),
            Verdict::Untrue(code) => Err(code),
            Verdict::Gap => {
                if self.searched.is_none_or(|searched| searched < position) {
                    warn!(beer = %event.beer, expected = %self.chains.next(&event.beer), came = %event.sequence, "a gap");
                    self.close_gap(now).await?;
                }
                if self.levels.has(event) { Ok(()) } else { Err(ReasonCode::DoesNotFollow) }
            }
        })
    }

    /// Folds one event and publishes the level: at once where every write is to be seen.
    fn fold(&mut self, batch: &mut Batch, taken: &Taken) -> anyhow::Result<Outcome<()>> {
        let (fold, event, now) = (self.folding.fold, &taken.event, batch.now);
        // Whether something is missing has been judged already.
        let (level, ignored) = match self.levels.fold(fold, false, event) {
            Folded::Written(level) => (level, false),
            Folded::Late => (self.levels.leave(&event.beer), true),
            Folded::Repeated | Folded::Gap { .. } => return Ok(Outcome::Repeated),
        };
        let (worker, taken_at) = (taken.worker.to_string(), taken.at);
        let write = Write { level, event: event.sequence, ignored, worker, taken_at, trace: batch.trace };
        self.done.beers.insert(event.beer.clone());
        if taken.singly || fold == Fold::Naive {
            // What waited for the end of the batch is older than this.
            self.done.last.remove(&event.beer);
            publish(batch, &event.beer, write, now)?;
        } else {
            self.done.last.insert(event.beer.clone(), write);
        }
        if ignored {
            return Ok(Outcome::Repeated);
        }
        self.done.handled += 1;
        if let Some(order_id) = &event.order_id {
            self.context.order_log.note(order_id, batch.trace, "level written");
        }
        Ok(Outcome::Handled(()))
    }

    /// Folds everything in the log that follows, handled or not. A gap requires this, since no event is ever skipped.
    async fn close_gap(&mut self, now: Moment) -> anyhow::Result<()> {
        let mut replay = self.context.bus.replay(STOCK_EVENTS, Until::Now);
        if let Some(until) = self.snapshot.until {
            replay = replay.after(until);
        }
        // By sequence, not by position: an event published twice may lie in the log behind a later one.
        let mut early: BTreeMap<(BeerId, Sequence), StockEvent> = BTreeMap::new();
        while let Some(batch) = replay.next().await? {
            for received in batch {
                self.searched = self.searched.max(Some(received.position));
                let Ok(event) = received.message else { continue };
                match self.chains.judge(&event, Arrival::InOrder) {
                    Verdict::Believed | Verdict::Again => self.fold_from_log(&event, now),
                    Verdict::Gap if early.len() < BEYOND_MAX => {
                        early.entry((event.beer.clone(), event.sequence)).or_insert(event);
                        continue;
                    }
                    Verdict::Gap | Verdict::Untrue(_) => continue,
                }
                while let Some(next) = early.remove(&(event.beer.clone(), self.chains.next(&event.beer))) {
                    if self.chains.judge(&next, Arrival::InOrder) == Verdict::Believed {
                        self.fold_from_log(&next, now);
                    }
                }
            }
        }
        warn!(events = replay.messages_read(), "the missing events were read from the log");
        Ok(())
    }

    fn fold_from_log(&mut self, event: &StockEvent, now: Moment) {
        let (level, ignored) = match self.levels.fold(Fold::Versioned, false, event) {
            Folded::Written(level) => (level, false),
            Folded::Late => (self.levels.leave(&event.beer), true),
            Folded::Repeated | Folded::Gap { .. } => return,
        };
        let (worker, event_sequence) = (NOBODY.to_owned(), event.sequence);
        let write = Write { level, event: event_sequence, ignored, worker, taken_at: now, trace: None };
        self.done.beers.insert(event.beer.clone());
        self.done.last.insert(event.beer.clone(), write);
    }

    /// Keeps a snapshot from time to time. Only the versioned fold on Failover can: its levels are right, and include all
    /// events before the last one.
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

    /// Folds the levels afresh from the log, as far as it was handled, and publishes all of them. `false` if the outbox
    /// has stopped.
    ///
    /// # Errors
    /// If the database fails; the inner error if the log cannot be read, in which case nothing has changed.
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
        let (chains, snapshot) = afresh.end();
        let events = replay.messages_read();
        self.write_afresh(chains.said(), snapshot).await?;
        self.chains = chains;
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
            let worker = NOBODY.to_owned();
            let write = Write { level, event: said.sequence, ignored: false, worker, taken_at: now, trace: None };
            publish(&mut transaction, &beer, write, now)?;
        }
        save_snapshot(&mut transaction, &snapshot).await?;
        transaction.commit().await?;
        self.snapshot = snapshot;
        self.since_snapshot = 0;
        Ok(())
    }
}

fn publish(transaction: &mut Transaction, beer: &BeerId, write: Write, now: Moment) -> Result<(), StoreError> {
    transaction.trace = write.trace;
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
    enqueue(transaction, STOCK_LEVELS, beer.as_str(), now, &message)
}

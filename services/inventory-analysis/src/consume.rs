//! Messages in: folded at once, committed with the checkpoint a few times per second, then published, then acknowledged.
//!
//! Folding costs microseconds and a transaction much more, so several batches share one. No message waits for others:
//! the first one after a quiet moment is committed and published at once.

use bus::ConsumerOptions;
use events::{
    decisions::OrderDecision,
    delivery::DeliveryUpdate,
    ids::{Moment, Service},
    insights::Insight,
    orders::PlaceOrder,
    received::{Position, Received, Undecodable},
    stock::StockEvent,
    topics::TopicSpec,
    unreadable::ReasonCode,
};
use service::{
    Batch, Checkpointed, Context, Now, ServiceFuture, TaskGroup, metrics::Metrics, now, order_log::OrderLog,
};
use store::{OutboxHandle, Store};
use tokio::time::{Duration, Instant};

use crate::{
    analysis::{Analysed, Analysis, Outcome},
    commit_schedule::CommitSchedule,
    control_handler::ControlHandler,
    forecast::forecast,
    fraud_watch::watch_when_wanted,
    insights::InsightPublisher,
    ledger::{Watch, ledger},
    store::{TABLES, load, save},
};

/// Most messages of a topic folded at a time, before another topic has its turn.
const BATCH_MAX: usize = 1000;
/// Most messages that are folded and not committed.
const PENDING_MAX: usize = 2000;
/// A message that is older than this when it is read means that we are behind.
const BEHIND_MS: i64 = 5_000;
/// Longest time between two turns; after a longer one we may have missed something.
const STEADY_FOR: Duration = Duration::from_secs(3);

/// Runs the analysis until it is told to stop.
pub fn run(context: Context) -> ServiceFuture {
    Box::pin(work(context))
}

async fn work(context: Context) -> anyhow::Result<()> {
    let store = context.open_store(&TABLES).await?;
    let mut tasks = TaskGroup::default();
    let outbox = context.start_outbox(&mut tasks, &store);
    let control_handler = ControlHandler::open(&context, &store, &mut tasks);
    let analysis = load(&store).await?;
    let shutdown = context.shutdown.clone();
    tasks.start(watch_when_wanted(context.clone()));
    let event_loop = EventLoop::new(context, store, outbox, control_handler, analysis)?;
    tasks.start(event_loop.work());
    tasks.run_until(&shutdown).await
}

/// Receives messages and control messages, commits, and publishes insights.
struct EventLoop {
    context: Context,
    store: Store,
    outbox: OutboxHandle,
    orders: Checkpointed<PlaceOrder>,
    decisions: Checkpointed<OrderDecision>,
    stock: Checkpointed<StockEvent>,
    deliveries: Checkpointed<DeliveryUpdate>,
    work: Work,
    schedule: CommitSchedule,
    /// When the ledger was last computed: if the clock was set since, everything on its way would look late.
    looked: Now,
    control_handler: ControlHandler,
    insights: InsightPublisher,
}

/// The analysis, and the part of it that is not committed yet. If a commit fails, the process ends and reads that again.
struct Work {
    metrics: Metrics,
    order_log: OrderLog,
    analysis: Analysis,
    unreadable: Vec<(&'static TopicSpec, Position, Undecodable)>,
    untrue: Vec<(&'static TopicSpec, Position, ReasonCode)>,
    pending: usize,
    steady_since: Moment,
}

impl EventLoop {
    fn new(
        context: Context,
        store: Store,
        outbox: OutboxHandle,
        control_handler: ControlHandler,
        analysis: Analysis,
    ) -> anyhow::Result<Self> {
        Ok(EventLoop {
            orders: topic(&context)?,
            decisions: topic(&context)?,
            stock: topic(&context)?,
            deliveries: topic(&context)?,
            insights: InsightPublisher::new(&context.bus),
            control_handler,
            work: Work {
                metrics: context.metrics.clone(),
                order_log: context.order_log.clone(),
                analysis,
                unreadable: Vec::new(),
                untrue: Vec::new(),
                pending: 0,
                steady_since: now(),
            },
            schedule: CommitSchedule::new(),
            looked: Now::read(),
            context,
            store,
            outbox,
        })
    }

    async fn work(mut self) -> anyhow::Result<()> {
        let mut pause = self.context.pause();
        loop {
            let works = !pause.is_on();
            self.context.presence.paused(!works);
            tokio::select! {
                batch = self.orders.receive(BATCH_MAX), if works => self.work.fold(&batch),
                batch = self.decisions.receive(BATCH_MAX), if works => self.work.fold(&batch),
                batch = self.stock.receive(BATCH_MAX), if works => self.work.fold(&batch),
                batch = self.deliveries.receive(BATCH_MAX), if works => self.work.fold(&batch),
                message = self.control_handler.next() => self.control_handler.take(message, self.work.analysis.timeline()),
                () = pause.changed() => {}
                () = self.schedule.next_turn() => {}
            }
            self.schedule.has_news |= self.work.pending > 0;
            let is_turn = self.schedule.is_turn();
            if is_turn || self.work.pending >= PENDING_MAX {
                self.commit_and_acknowledge().await?;
            }
            if is_turn {
                self.tell().await?;
            }
        }
    }

    /// Writes changes and checkpoint in one transaction; only then are messages acknowledged.
    async fn commit_and_acknowledge(&mut self) -> anyhow::Result<()> {
        let work = &mut self.work;
        if work.pending == 0 {
            return Ok(());
        }
        let (changed, news) = (work.analysis.take_changes(), work.analysis.take_news());
        let mut batch = Batch::begin(self.context.service, &self.store).await?;
        for (topic, position, undecodable) in work.unreadable.drain(..) {
            batch.quarantine(topic, position, &undecodable).await?;
        }
        for (topic, position, code) in work.untrue.drain(..) {
            batch.disbelieve(topic, position, code).await?;
        }
        save(&mut batch, &work.analysis, &changed, &news).await?;
        let publishes = batch.commit(&self.context, &self.store).await?;
        work.pending = 0;
        // Quarantined messages must be published before they are acknowledged; insights need not, since newer ones follow.
        let told = !publishes || self.outbox.flush().await;
        if told {
            self.orders.acknowledge().await;
            self.decisions.acknowledge().await;
            self.stock.acknowledge().await;
            self.deliveries.acknowledge().await;
        }
        Ok(())
    }

    /// Publishes what is new: without new messages only the ledger, and at times the forecast.
    async fn tell(&mut self) -> anyhow::Result<()> {
        let (looked, since_last) = (Now::read(), self.schedule.last_turn.elapsed());
        let (now, was_set) = (looked.at, looked.was_set_since(self.looked));
        self.looked = looked;
        if was_set || since_last > STEADY_FOR || !self.context.bus.is_connected() || self.someone_is_paused() {
            self.work.steady_since = now;
        }
        let analysis = &self.work.analysis;
        let ledger = ledger(analysis, Watch { now, steady_since: self.work.steady_since });
        self.schedule.something_on_the_way = !ledger.on_the_way.is_empty();
        let mut insights = vec![Insight::Ledger(ledger)];
        if self.schedule.is_forecast() {
            self.schedule.last_forecast = Instant::now();
            let forecast = forecast(analysis, now);
            self.schedule.something_recent = forecast.beers.iter().any(|beer| beer.reserved_in_10_min > 0);
            insights.extend([Insight::Sales(analysis.takings().sales(now)), Insight::Forecast(forecast)]);
        }
        let told = self.insights.tell(insights, now).await?;
        if !told {
            // We may have missed messages while the broker did not answer.
            self.work.steady_since = service::now();
        }
        self.schedule.has_news = !told;
        self.schedule.last_turn = Instant::now();
        Ok(())
    }

    /// Whether something may be missing because of a pause: ours, or that of the warehouse.
    fn someone_is_paused(&self) -> bool {
        let settings = self.context.stage.settings();
        [self.context.service, Service::Warehouse].iter().any(|service| settings.choices.paused.contains(service))
    }
}

fn topic<M: Analysed>(context: &Context) -> anyhow::Result<Checkpointed<M>> {
    Ok(Checkpointed::new(context, M::topic(), ConsumerOptions::default())?)
}

impl Work {
    fn fold<M: Analysed>(&mut self, batch: &[Received<M>]) {
        let topic = M::topic().spec;
        let (mut counted, mut unreadable, mut untrue) = (0, 0, 0);
        for received in batch {
            match (self.analysis.read(received), &received.message) {
                (Outcome::Counted, message) => {
                    counted += 1;
                    if let Some(order_id) = message.as_ref().ok().and_then(M::decides) {
                        self.order_log.note(order_id, received.trace, "counted");
                    }
                }
                (Outcome::Unreadable, Err(undecodable)) => {
                    self.unreadable.push((topic, received.position, undecodable.clone()));
                    unreadable += 1;
                }
                (Outcome::Untrue(code), _) => {
                    self.untrue.push((topic, received.position, code));
                    untrue += 1;
                }
                _ => {}
            }
        }
        self.pending += batch.len();
        self.metrics.handled(topic.name, counted);
        self.metrics.repeated(topic.name, batch.len() - counted - unreadable - untrue);
        let now = now();
        if batch.iter().any(|received| now.micros_since(received.at) > BEHIND_MS * 1000) {
            self.steady_since = now;
        }
    }
}

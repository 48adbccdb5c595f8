//! Messages in: folded at once, committed with the checkpoint a few times a second, then told, then acknowledged.
//!
//! Folding costs microseconds and a transaction much more, so several batches share one. Nothing waits for company:
//! the first message after a quiet moment is committed and told at once.

use bus::{Consumer, Dealt, Position, Received, Undecodable};
use events::{
    decisions::OrderDecision, delivery::DeliveryUpdate, ids::Moment, insights::Insight, orders::PlaceOrder,
    stock::StockEvent, topics::Entry,
};
use service::{Context, Serving, Tasks, metrics::Metrics, now};
use store::{OutboxHandle, Store, put_aside};
use tokio::time::{Duration, Instant, sleep_until};

use crate::{
    analysis::{Analysed, Analysis, Outcome},
    forecast::forecast,
    insights::Published,
    ledger::{Watch, ledger},
    store::{TABLES, load, save},
};

/// Most messages folded at a time, before another topic has its turn.
const BATCH_MAX: usize = 1000;
/// Most messages folded and not committed.
const PENDING_MAX: usize = 2000;
/// Pause between two turns while messages come: five a second.
const TURN_EVERY: Duration = Duration::from_millis(200);
/// Pause between two looks at the ledger while nothing comes but something is on its way.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Pause between two forecasts while nothing comes: its window goes on.
const FORECAST_EVERY: Duration = Duration::from_secs(30);
/// A message older than this when it is read says that we are behind.
const BEHIND_MS: i64 = 5_000;
/// Longest time between two turns in which nobody can have missed anything.
const STEADY_FOR: Duration = Duration::from_secs(3);

/// The analysis at work until it is told to stop.
///
/// # Errors
/// If the database fails.
pub fn run(context: Context) -> Serving {
    Box::pin(work(context))
}

async fn work(context: Context) -> anyhow::Result<()> {
    let store = context.open_store(&TABLES).await?;
    let mut tasks = Tasks::default();
    let outbox = context.start_outbox(&mut tasks, &store);
    let analysis = load(&store).await?;
    let shutdown = context.shutdown.clone();
    let desk = Desk::new(context, store, outbox, analysis)?;
    tasks.start(desk.work());
    tasks.run_until(&shutdown).await
}

/// One topic as it is read.
struct Source<M> {
    consumer: Consumer<M>,
    /// The last message that was folded and may be acknowledged.
    folded: Option<Position>,
}

/// Where everything comes together.
struct Desk {
    context: Context,
    store: Store,
    outbox: OutboxHandle,
    orders: Source<PlaceOrder>,
    decisions: Source<OrderDecision>,
    stock: Source<StockEvent>,
    deliveries: Source<DeliveryUpdate>,
    work: Work,
    rhythm: Rhythm,
    publisher: bus::Publisher,
    published: Published,
}

/// What is folded, and what of it is not committed yet. If committing fails the process ends and reads it again.
struct Work {
    metrics: Metrics,
    analysis: Analysis,
    unreadable: Vec<(&'static Entry, Position, Undecodable)>,
    pending: usize,
    steady_since: Moment,
}

/// When the next turn is.
struct Rhythm {
    last_turn: Instant,
    last_forecast: Instant,
    /// Something was folded and not told yet.
    has_news: bool,
    something_on_the_way: bool,
    something_recent: bool,
}

impl Desk {
    fn new(context: Context, store: Store, outbox: OutboxHandle, analysis: Analysis) -> anyhow::Result<Self> {
        Ok(Desk {
            orders: Source::new(&context)?,
            decisions: Source::new(&context)?,
            stock: Source::new(&context)?,
            deliveries: Source::new(&context)?,
            publisher: context.bus.publisher(),
            published: Published::default(),
            work: Work {
                metrics: context.metrics.clone(),
                analysis,
                unreadable: Vec::new(),
                pending: 0,
                steady_since: now(),
            },
            // A process that was killed between commit and telling tells now.
            rhythm: Rhythm {
                last_turn: Instant::now(),
                last_forecast: Instant::now(),
                has_news: true,
                something_on_the_way: false,
                something_recent: false,
            },
            context,
            store,
            outbox,
        })
    }

    async fn work(mut self) -> anyhow::Result<()> {
        loop {
            tokio::select! {
                batch = self.orders.consumer.receive(BATCH_MAX) => self.work.fold(&mut self.orders, &batch),
                batch = self.decisions.consumer.receive(BATCH_MAX) => self.work.fold(&mut self.decisions, &batch),
                batch = self.stock.consumer.receive(BATCH_MAX) => self.work.fold(&mut self.stock, &batch),
                batch = self.deliveries.consumer.receive(BATCH_MAX) => self.work.fold(&mut self.deliveries, &batch),
                () = self.rhythm.next_turn() => {}
            }
            self.rhythm.has_news |= self.work.pending > 0;
            let is_turn = self.rhythm.is_turn();
            if is_turn || self.work.pending >= PENDING_MAX {
                self.commit_and_acknowledge().await?;
            }
            if is_turn {
                self.tell().await?;
            }
        }
    }

    /// Writes what changed and how far each topic is counted, in one transaction; only then are messages acknowledged.
    async fn commit_and_acknowledge(&mut self) -> anyhow::Result<()> {
        let work = &mut self.work;
        if work.pending == 0 {
            return Ok(());
        }
        let changed = work.analysis.take_changes();
        let mut transaction = self.store.begin().await?;
        for (topic, position, undecodable) in &work.unreadable {
            put_aside(&mut transaction, self.context.service, topic, *position, undecodable, now()).await?;
        }
        save(&mut transaction, &work.analysis, &changed).await?;
        transaction.commit().await?;
        work.pending = 0;
        // What was put aside must be told before it is forgotten here; insights need not, newer ones come.
        let told = work.unreadable.is_empty() || self.outbox.flush().await;
        work.unreadable.clear();
        if told {
            self.orders.acknowledge().await;
            self.decisions.acknowledge().await;
            self.stock.acknowledge().await;
            self.deliveries.acknowledge().await;
        }
        Ok(())
    }

    /// Publishes what is new. While nothing comes only the ledger is looked at again, and at times the forecast.
    async fn tell(&mut self) -> anyhow::Result<()> {
        let (now, since_last) = (now(), self.rhythm.last_turn.elapsed());
        if since_last > STEADY_FOR || !self.context.bus.is_connected() {
            self.work.steady_since = now;
        }
        let analysis = &self.work.analysis;
        let ledger = ledger(analysis, Watch { now, steady_since: self.work.steady_since });
        self.rhythm.something_on_the_way = !ledger.on_the_way.is_empty();
        let mut insights = vec![Insight::Ledger(ledger)];
        if self.rhythm.is_forecast() {
            self.rhythm.last_forecast = Instant::now();
            let forecast = forecast(analysis, now);
            self.rhythm.something_recent = forecast.beers.iter().any(|beer| beer.reserved_in_10_min > 0);
            insights.extend([Insight::Sales(analysis.takings().sales(now)), Insight::Forecast(forecast)]);
        }
        let told = self.published.publish(&mut self.publisher, insights, now).await?;
        if !told {
            // However long the broker did not answer: we may have missed as much.
            self.work.steady_since = service::now();
        }
        self.rhythm.has_news = !told;
        self.rhythm.last_turn = Instant::now();
        Ok(())
    }
}

impl<M: Analysed> Source<M> {
    fn new(context: &Context) -> anyhow::Result<Self> {
        let consumer = context.bus.consumer(M::topic(), context.service, Dealt::default())?;
        Ok(Source { consumer, folded: None })
    }

    async fn acknowledge(&mut self) {
        if let Some(position) = self.folded.take() {
            self.consumer.acknowledge(&[position]).await;
        }
    }
}

impl Work {
    fn fold<M: Analysed>(&mut self, source: &mut Source<M>, batch: &[Received<M>]) {
        let topic = M::topic().entry;
        let (mut counted, mut unreadable) = (0, 0);
        for received in batch {
            match (self.analysis.read(received), &received.message) {
                (Outcome::Counted, _) => counted += 1,
                (Outcome::Unreadable, Err(undecodable)) => {
                    self.unreadable.push((topic, received.position, undecodable.clone()));
                    unreadable += 1;
                }
                _ => {}
            }
            if received.position.ends_entry() {
                source.folded = Some(received.position);
            }
        }
        self.pending += batch.len();
        self.metrics.handled(topic.name, counted);
        self.metrics.unreadable(topic.name, unreadable);
        self.metrics.repeated(topic.name, batch.len() - counted - unreadable);
        let now = now();
        if batch.iter().any(|received| now.micros_since(received.at) > BEHIND_MS * 1000) {
            self.steady_since = now;
        }
    }
}

impl Rhythm {
    /// When the next turn is; never while there is nothing to tell and nothing that grows old.
    fn due(&self) -> Option<Instant> {
        let after = |needed: bool, from: Instant, pause: Duration| needed.then(|| from + pause);
        let due = [
            after(self.has_news, self.last_turn, TURN_EVERY),
            after(self.something_on_the_way, self.last_turn, LOOK_EVERY),
            after(self.something_recent, self.last_forecast, FORECAST_EVERY),
        ];
        due.into_iter().flatten().min()
    }

    fn is_turn(&self) -> bool {
        self.due().is_some_and(|due| due <= Instant::now())
    }

    fn is_forecast(&self) -> bool {
        self.has_news || self.last_forecast.elapsed() >= FORECAST_EVERY
    }

    async fn next_turn(&self) {
        match self.due() {
            Some(due) => sleep_until(due).await,
            None => std::future::pending().await,
        }
    }
}

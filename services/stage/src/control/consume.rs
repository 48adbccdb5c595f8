//! Folds all topics into the read model. Once a second the changes are written with the positions read, and only then
//! acknowledged.
//!
//! One task reads all topics, causes first: an order before its decision, a decision before the updates.

use std::{sync::Arc, time::Duration};

use bus::ConsumerOptions;
use events::{
    decisions::OrderDecision,
    delivery::DeliveryUpdate,
    ids::{OrderId, Service},
    insights::Insight,
    orders::PlaceOrder,
    received::{Position, Received},
    stock::{StockEvent, StockLevel},
    topics::{
        DELIVERY_UPDATES, INSIGHTS, ORDER_DECISIONS, ORDERS, PRESENCE, STAGE, STOCK_EVENTS, STOCK_LEVELS, Topic,
        TopicSpec, UNREADABLE,
    },
    unreadable::Unreadable,
};
use serde::de::DeserializeOwned;
use serde_json::json;
use service::{Checkpointed, Context, Now, TaskGroup};
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::{
    control::stage::Stage,
    read_model::{
        ReadModel,
        orders::{Change, Message, News},
    },
    store::checkpoint::{Checkpoint, Positions},
};

/// The most messages of a topic folded at once.
const BATCH_MAX: usize = 1_000;
/// Pause between two checkpoints.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);
/// How often the stage checks what no message tells.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Starts the readers, from the read model and the positions of the checkpoint.
///
/// # Errors
/// If the stage does not read one of the topics.
pub fn start(
    stage: &Arc<Stage>,
    checkpoint: Checkpoint,
    positions: Positions,
    tasks: &mut TaskGroup,
) -> anyhow::Result<()> {
    tasks.start(Reader::new(stage, checkpoint, positions)?.work());
    tasks.start(listen(Arc::clone(stage)));
    tasks.start(look_who_is_missing(Arc::clone(stage)));
    Ok(())
}

/// What a batch changed, for open streams.
#[derive(Default)]
struct Told {
    changes: Vec<Change>,
    /// Orders with a new hop.
    touched: Vec<OrderId>,
}

/// The task that reads all topics.
struct Reader {
    stage: Arc<Stage>,
    orders: Checkpointed<PlaceOrder>,
    decisions: Checkpointed<OrderDecision>,
    updates: Checkpointed<DeliveryUpdate>,
    stock: Checkpointed<StockEvent>,
    levels: Checkpointed<StockLevel>,
    insights: Checkpointed<Insight>,
    unreadable: Checkpointed<Unreadable>,
    checkpoint: Checkpoint,
    /// How far each topic is folded.
    positions: Positions,
    turn: Interval,
}

fn reads<M: DeserializeOwned>(context: &Context, topic: Topic<M>) -> anyhow::Result<Checkpointed<M>> {
    let options = ConsumerOptions { subscription: Some(STAGE.name), ..ConsumerOptions::default() };
    Ok(Checkpointed::new(context, topic, options)?)
}

impl Reader {
    fn new(stage: &Arc<Stage>, checkpoint: Checkpoint, positions: Positions) -> anyhow::Result<Self> {
        let context = &stage.context;
        let mut turn = interval(CHECKPOINT_EVERY);
        turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Reader {
            orders: reads(context, ORDERS)?,
            decisions: reads(context, ORDER_DECISIONS)?,
            updates: reads(context, DELIVERY_UPDATES)?,
            stock: reads(context, STOCK_EVENTS)?,
            levels: reads(context, STOCK_LEVELS)?,
            insights: reads(context, INSIGHTS)?,
            unreadable: reads(context, UNREADABLE)?,
            stage: Arc::clone(stage),
            checkpoint,
            positions,
            turn,
        })
    }

    async fn work(mut self) -> anyhow::Result<()> {
        loop {
            tokio::select! {
                biased;
                _ = self.turn.tick() => self.save().await?,
                batch = self.orders.receive(BATCH_MAX) => self.fold(ORDERS.spec, batch, |known, received, now| {
                    let Some(order_id) = received.order_id() else { return Told::default() };
                    about_order(known, received.map(|order| News::Placed(order_id, order)), now)
                }),
                batch = self.decisions.receive(BATCH_MAX) => self.fold(ORDER_DECISIONS.spec, batch, |known, received, now| {
                    about_order(known, received.map(News::Decided), now)
                }),
                batch = self.updates.receive(BATCH_MAX) => self.fold(DELIVERY_UPDATES.spec, batch, |known, received, now| {
                    about_order(known, received.map(News::Updated), now)
                }),
                batch = self.stock.receive(BATCH_MAX) => self.fold(STOCK_EVENTS.spec, batch, |known, received, now| {
                    let Received { message: Ok(event), event_id, at, position, .. } = received else { return Told::default() };
                    Told { changes: known.tell_stock(event, (event_id, at, position), now), ..Told::default() }
                }),
                batch = self.levels.receive(BATCH_MAX) => self.fold(STOCK_LEVELS.spec, batch, |known, received, _| {
                    let Received { message: Ok(level), event_id, .. } = received else { return Told::default() };
                    Told { touched: known.tell_level(&level, &event_id), ..Told::default() }
                }),
                batch = self.insights.receive(BATCH_MAX) => self.fold(INSIGHTS.spec, batch, |known, received, _| {
                    let Received { message: Ok(insight), event_id, .. } = received else { return Told::default() };
                    Told { touched: known.tell_insight(&insight, &event_id), ..Told::default() }
                }),
                batch = self.unreadable.receive(BATCH_MAX) => self.fold(UNREADABLE.spec, batch, |known, received, _| {
                    if let Ok(unreadable) = received.message {
                        known.tell_unreadable(unreadable);
                    }
                    Told::default()
                }),
            }
        }
    }

    /// Folds what the checkpoint does not hold, and tells the open streams.
    fn fold<M>(
        &mut self,
        topic: &'static TopicSpec,
        batch: Vec<Received<M>>,
        fold: impl Fn(&mut ReadModel, Received<M>, Now) -> Told,
    ) {
        let (context, now) = (&self.stage.context, Now::read());
        let reached: &mut Position = self.positions.entry(topic.name.to_owned()).or_default();
        let (mut handled, mut repeated, mut told) = (0, 0, Told::default());
        self.stage.learn(|known| {
            for mut received in batch {
                if received.position <= *reached {
                    repeated += 1;
                    continue;
                }
                *reached = received.position;
                if let Err(undecodable) = &received.message {
                    context.unreadable(topic, received.position, undecodable);
                    continue;
                }
                handled += 1;
                // A time in the future would stay the newest forever.
                received.at = received.at.min(now.at);
                let Told { changes, touched } = fold(known, received, now);
                told.changes.extend(changes);
                told.touched.extend(touched);
            }
            known.touch();
        });
        context.metrics.handled(topic.name, handled);
        context.metrics.repeated(topic.name, repeated);
        self.tell(told);
    }

    fn tell(&self, told: Told) {
        let live = &self.stage.live;
        for Change { order_id, at, status, moved, .. } in told.changes {
            live.order_changed(&order_id);
            if moved {
                live.tell(|| json!({"order_id": order_id, "status": status.name(), "at": at}).to_string());
            }
        }
        told.touched.iter().for_each(|order_id| live.order_changed(order_id));
        live.changed();
    }

    /// Writes a checkpoint if anything changed, and acknowledges what it holds.
    async fn save(&mut self) -> anyhow::Result<()> {
        if !self.stage.known(ReadModel::is_unsaved) {
            return Ok(());
        }
        let (orders, facts) = self.stage.learn(ReadModel::take_unsaved)?;
        self.checkpoint.save(&orders, facts, &self.positions).await?;
        self.orders.acknowledge().await;
        self.decisions.acknowledge().await;
        self.updates.acknowledge().await;
        self.stock.acknowledge().await;
        self.levels.acknowledge().await;
        self.insights.acknowledge().await;
        self.unreadable.acknowledge().await;
        self.stage.context.metrics.disbelieved(&self.stage.known(ReadModel::disbelieved));
        Ok(())
    }
}

fn about_order(known: &mut ReadModel, received: Received<News>, now: Now) -> Told {
    let Received { message: Ok(news), event_id, at, position, trace } = received else { return Told::default() };
    Told { changes: known.tell(Message { news, event_id, at, position, trace }, now), ..Told::default() }
}

/// Reads who is there. Kept in memory only, as it expires after two seconds.
async fn listen(stage: Arc<Stage>) -> anyhow::Result<()> {
    let mut consumer = stage.context.bus.consumer(PRESENCE, Service::Stage, ConsumerOptions::default())?;
    loop {
        let batch = consumer.receive(BATCH_MAX).await;
        let positions: Vec<Position> = batch.iter().map(|received| received.position).collect();
        let episode = stage.context.bus.scope().episode;
        let mut new = false;
        for presence in stage.context.readable(PRESENCE, batch) {
            if presence.episode == episode {
                new |= stage.learn(|known| known.heard(presence, Now::read()));
            }
        }
        consumer.acknowledge(&positions).await;
        if new {
            stage.live.changed();
        }
    }
}

/// Checks for what no message tells: somebody is gone, a parcel is due, a cause did not come.
async fn look_who_is_missing(stage: Arc<Stage>) -> anyhow::Result<()> {
    let mut tick = interval(LOOK_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut before = None;
    loop {
        tick.tick().await;
        let alive = Some(stage.alive());
        let connected = stage.context.bus.is_connected();
        let news = stage.learn(|known| known.look(connected, Now::read()) | known.give_up_overdue(Now::read()));
        if alive != before {
            stage.live.presence_changed();
        }
        if news || alive != before || stage.known(|known| known.parcels.any_waits()) {
            stage.live.changed();
            before = alive;
        }
    }
}

//! Messages in: each topic has a reader that hands what comes to the writer, and acknowledges what is stored.

use std::{sync::Arc, time::Duration};

use bus::ConsumerOptions;
use events::{
    delivery::DeliveryUpdate,
    ids::Service,
    received::{Position, Received},
    topics::{
        DELIVERY_UPDATES, INSIGHTS, NOTIFICATION, ORDER_DECISIONS, ORDERS, PRESENCE, STOCK_EVENTS, STOCK_LEVELS, Topic,
        UNREADABLE,
    },
};
use serde::de::DeserializeOwned;
use service::{Now, Tasks, now};
use tokio::{sync::oneshot, time::MissedTickBehavior};

use crate::shop::control::{
    request::{News, Request},
    shop::Shop,
};

/// Most messages of a topic handed over at once.
const BATCH_MAX: usize = 256;
/// How often it is looked who is missing.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Starts the readers.
pub fn start(shop: &Arc<Shop>, tasks: &mut Tasks) {
    tasks.start(read(Arc::clone(shop), ORDERS, News::Orders));
    tasks.start(read(Arc::clone(shop), ORDER_DECISIONS, News::Decisions));
    tasks.start(read(Arc::clone(shop), DELIVERY_UPDATES, News::Updates));
    tasks.start(read(Arc::clone(shop), STOCK_EVENTS, News::Stock));
    tasks.start(read(Arc::clone(shop), STOCK_LEVELS, News::Levels));
    tasks.start(read(Arc::clone(shop), INSIGHTS, News::Insights));
    tasks.start(read(Arc::clone(shop), UNREADABLE, News::Unreadable));
    tasks.start(notify(Arc::clone(shop)));
    tasks.start(listen(Arc::clone(shop)));
    tasks.start(look_who_is_missing(Arc::clone(shop)));
}

async fn read<M: DeserializeOwned + Send + 'static>(
    shop: Arc<Shop>,
    topic: Topic<M>,
    news: fn(Vec<Received<M>>) -> News,
) -> anyhow::Result<()> {
    let mut consumer = shop.context.bus.consumer(topic, Service::Website, ConsumerOptions::default())?;
    loop {
        let mut batch = consumer.receive(BATCH_MAX).await;
        let now = now();
        // Nothing has happened later than now, whatever a message says: it would be the newest for ever.
        batch.iter_mut().for_each(|received| received.at = received.at.min(now));
        let positions: Vec<Position> = batch.iter().map(|received| received.position).collect();
        let unreadable = batch.iter().filter(|received| received.message.is_err()).count();
        let (done, written) = oneshot::channel();
        if shop.writer.send(Request::News { news: news(batch), done }).await.is_err() || written.await.is_err() {
            // The writer has failed, and says why itself.
            return Ok(());
        }
        shop.context.metrics.handled(topic.spec.name, positions.len() - unreadable);
        shop.context.metrics.unreadable(topic.spec.name, unreadable);
        consumer.acknowledge(&positions).await;
    }
}

/// "Your beer is on its way": read by a subscription of its own, which no other reader notices. A notice told twice or
/// not at all harms nobody, so nothing is written.
async fn notify(shop: Arc<Shop>) -> anyhow::Result<()> {
    let options = ConsumerOptions { subscription: Some(NOTIFICATION.name), ..ConsumerOptions::default() };
    let mut consumer = shop.context.bus.consumer(DELIVERY_UPDATES, Service::Website, options)?;
    loop {
        let batch = consumer.receive(BATCH_MAX).await;
        let positions: Vec<Position> = batch.iter().map(|received| received.position).collect();
        for update in batch.into_iter().filter_map(|received| received.message.ok()) {
            if let DeliveryUpdate::PickedUp { order_id, courier, .. } = update {
                shop.live.on_its_way(&order_id, courier);
            }
        }
        consumer.acknowledge(&positions).await;
    }
}

/// Who is there: kept in memory only, since it is old after two seconds.
async fn listen(shop: Arc<Shop>) -> anyhow::Result<()> {
    let mut consumer = shop.context.bus.consumer(PRESENCE, Service::Website, ConsumerOptions::default())?;
    loop {
        let batch = consumer.receive(BATCH_MAX).await;
        let positions: Vec<Position> = batch.iter().map(|received| received.position).collect();
        let episode = shop.context.bus.place().episode;
        let mut new = false;
        for presence in shop.context.readable(PRESENCE, batch) {
            if presence.episode == episode {
                new |= shop.learn(|known| known.heard(presence, Now::read()));
            }
        }
        consumer.acknowledge(&positions).await;
        if new {
            shop.live.changed();
        }
    }
}

/// That somebody is gone, or that a parcel's time has come, is no message: it is looked for.
async fn look_who_is_missing(shop: Arc<Shop>) -> anyhow::Result<()> {
    let mut tick = tokio::time::interval(LOOK_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut before = None;
    loop {
        tick.tick().await;
        let alive = Some(shop.alive());
        let connected = shop.context.bus.is_connected();
        let news = shop.learn(|known| known.look(connected, Now::read()));
        if shop.known(|known| known.waiting > 0) && shop.writer.send(Request::Overdue).await.is_err() {
            // The writer has failed, and says why itself.
            return Ok(());
        }
        if alive != before {
            shop.live.presence_changed();
        }
        if news || alive != before || shop.known(|known| known.parcels.any_waits()) {
            shop.live.changed();
            before = alive;
        }
    }
}

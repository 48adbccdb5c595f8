//! Messages in: each topic has a reader that brings what comes to the desk, and acknowledges what is in the books.

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

use crate::shop::control::{request::{Letter, News}, shop::Site};

/// Most messages of a topic brought to the desk at once.
const BATCH_MAX: usize = 256;
/// How often it is looked who is missing.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Starts the readers.
pub fn start(site: &Arc<Site>, tasks: &mut Tasks) {
    tasks.start(read(Arc::clone(site), ORDERS, News::Orders));
    tasks.start(read(Arc::clone(site), ORDER_DECISIONS, News::Decisions));
    tasks.start(read(Arc::clone(site), DELIVERY_UPDATES, News::Updates));
    tasks.start(read(Arc::clone(site), STOCK_EVENTS, News::Stock));
    tasks.start(read(Arc::clone(site), STOCK_LEVELS, News::Levels));
    tasks.start(read(Arc::clone(site), INSIGHTS, News::Insights));
    tasks.start(read(Arc::clone(site), UNREADABLE, News::Unreadable));
    tasks.start(notify(Arc::clone(site)));
    tasks.start(listen(Arc::clone(site)));
    tasks.start(look_who_is_missing(Arc::clone(site)));
}

async fn read<M: DeserializeOwned + Send + 'static>(
    site: Arc<Site>,
    topic: Topic<M>,
    news: fn(Vec<Received<M>>) -> News,
) -> anyhow::Result<()> {
    let mut consumer = site.context.bus.consumer(topic, Service::Website, ConsumerOptions::default())?;
    loop {
        let mut batch = consumer.receive(BATCH_MAX).await;
        let now = now();
        // Nothing has happened later than now, whatever a message says: it would be the newest for ever.
        batch.iter_mut().for_each(|received| received.at = received.at.min(now));
        let positions: Vec<Position> = batch.iter().map(|received| received.position).collect();
        let unreadable = batch.iter().filter(|received| received.message.is_err()).count();
        let (done, written) = oneshot::channel();
        if site.desk.send(Letter::News { news: news(batch), done }).await.is_err() || written.await.is_err() {
            // The desk has failed, and says why itself.
            return Ok(());
        }
        site.context.metrics.handled(topic.spec.name, positions.len() - unreadable);
        site.context.metrics.unreadable(topic.spec.name, unreadable);
        consumer.acknowledge(&positions).await;
    }
}

/// "Your beer is on its way": read by a subscription of its own, which no other reader notices. A notice told twice or
/// not at all harms nobody, so nothing is written.
async fn notify(site: Arc<Site>) -> anyhow::Result<()> {
    let options = ConsumerOptions { subscription: Some(NOTIFICATION.name), ..ConsumerOptions::default() };
    let mut consumer = site.context.bus.consumer(DELIVERY_UPDATES, Service::Website, options)?;
    loop {
        let batch = consumer.receive(BATCH_MAX).await;
        let positions: Vec<Position> = batch.iter().map(|received| received.position).collect();
        for update in batch.into_iter().filter_map(|received| received.message.ok()) {
            if let DeliveryUpdate::PickedUp { order_id, courier, .. } = update {
                site.live.on_its_way(&order_id, courier);
            }
        }
        consumer.acknowledge(&positions).await;
    }
}

/// Who is there: kept in memory only, since it is old after two seconds.
async fn listen(site: Arc<Site>) -> anyhow::Result<()> {
    let mut consumer = site.context.bus.consumer(PRESENCE, Service::Website, ConsumerOptions::default())?;
    loop {
        let batch = consumer.receive(BATCH_MAX).await;
        let positions: Vec<Position> = batch.iter().map(|received| received.position).collect();
        let episode = site.context.bus.place().episode;
        let mut new = false;
        for presence in site.context.readable(PRESENCE, batch) {
            if presence.episode == episode {
                new |= site.learn(|known| known.heard(presence, Now::read()));
            }
        }
        consumer.acknowledge(&positions).await;
        if new {
            site.live.changed();
        }
    }
}

/// That somebody is gone, or that a parcel's time has come, is no message: it is looked for.
async fn look_who_is_missing(site: Arc<Site>) -> anyhow::Result<()> {
    let mut tick = tokio::time::interval(LOOK_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut before = None;
    loop {
        tick.tick().await;
        let alive = Some(site.alive());
        let connected = site.context.bus.is_connected();
        let news = site.learn(|known| known.look(connected, Now::read()));
        if site.known(|known| known.waiting > 0) && site.desk.send(Letter::Overdue).await.is_err() {
            // The desk has failed, and says why itself.
            return Ok(());
        }
        if alive != before {
            site.live.presence_changed();
        }
        if news || alive != before || site.known(|known| known.parcels.any_waits()) {
            site.live.changed();
            before = alive;
        }
    }
}

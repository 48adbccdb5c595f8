//! Reads the shop's topics. Messages go to the writer and are acknowledged once they are committed.

use std::{sync::Arc, time::Duration};

use bus::ConsumerOptions;
use events::{
    delivery::DeliveryUpdate,
    ids::Service,
    received::Position,
    topics::{DELIVERY_UPDATES, NOTIFICATION, ORDER_DECISIONS, ORDERS, STOCK_LEVELS},
};
use service::{TaskGroup, now};
use tokio::time::MissedTickBehavior;

use crate::{
    control::{request::Work, shop::Shop},
    pure::fact::Fact,
};

/// The most notices read at once.
const NOTICES_MAX: usize = 256;
/// How often the shop checks whether Pulsar is there.
const LOOK_EVERY: Duration = Duration::from_millis(500);

pub fn start(shop: &Arc<Shop>, tasks: &mut TaskGroup) {
    let (context, writer) = (&shop.context, &shop.writer);
    tasks.start(writer.clone().read(context.clone(), ORDERS, |order| Fact::of(order, now()).map(Work::Ordered)));
    tasks.start(
        writer.clone().read(context.clone(), ORDER_DECISIONS, |decision| Fact::of(decision, now()).map(Work::Decided)),
    );
    tasks.start(
        writer.clone().read(context.clone(), DELIVERY_UPDATES, |update| Fact::of(update, now()).map(Work::Updated)),
    );
    tasks.start(writer.clone().read(context.clone(), STOCK_LEVELS, |level| level.map(Work::Shown)));
    tasks.start(notify(Arc::clone(shop)));
    tasks.start(look(Arc::clone(shop)));
}

/// "Your beer is on its way": a subscription of its own, which other readers do not notice. A notice that comes twice or not
/// at all does no harm, so nothing is stored.
async fn notify(shop: Arc<Shop>) -> anyhow::Result<()> {
    let options = ConsumerOptions { subscription: Some(NOTIFICATION.name), ..ConsumerOptions::default() };
    let mut consumer = shop.context.bus.consumer(DELIVERY_UPDATES, Service::Website, options)?;
    loop {
        let batch = consumer.receive(NOTICES_MAX).await;
        let positions: Vec<Position> = batch.iter().map(|received| received.position).collect();
        for update in batch.into_iter().filter_map(|received| received.message.ok()) {
            if let DeliveryUpdate::PickedUp { order_id, courier, .. } = update {
                shop.live.on_its_way(&order_id, courier);
            }
        }
        consumer.acknowledge(&positions).await;
    }
}

/// Checks for what no message tells: that Pulsar is gone, a topic stands still, or a message has waited too long.
async fn look(shop: Arc<Shop>) -> anyhow::Result<()> {
    let mut tick = tokio::time::interval(LOOK_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut before = shop.alive();
    loop {
        tick.tick().await;
        if shop.known(|known| known.waiting > 0) && shop.writer.hand_in(Work::GiveUpOverdue).await.is_err() {
            // The writer has failed, and reports why itself.
            return Ok(());
        }
        let alive = shop.alive();
        if alive != before {
            shop.live.presence_changed();
            shop.live.changed();
            before = alive;
        }
    }
}

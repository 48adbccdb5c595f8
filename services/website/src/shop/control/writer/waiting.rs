//! What came before its cause: topics are not ordered among each other, so a decision may be read before its order, and
//! an update before the decision. It waits here, has no effect meanwhile, and is read again when the cause comes.

use events::{
    decisions::OrderDecision,
    delivery::DeliveryUpdate,
    ids::{Moment, OrderId, Service},
    received::{Position, Received},
    stock::StockEvent,
    topics::{DELIVERY_UPDATES, ORDER_DECISIONS, STOCK_EVENTS, Topic, TopicSpec},
    unreadable::ReasonCode,
};
use serde::Serialize;
use store::{disbelieve, quarantine_as};
use web::order::progress::Doubt;

use crate::shop::{
    control::writer::Work,
    store::{
        orders,
        waiting::{self, WAITING_MAX, Waiting},
    },
};

/// How long a message waits for its cause. The broker delivers in milliseconds, and who comes back after a pause reads
/// all topics at once; after this long the cause is not missing by chance.
pub const CAUSE_WITHIN_MS: i64 = 30_000;
/// Most that are given up in one transaction.
const GIVEN_UP_AT_ONCE: i64 = 256;

impl Work<'_> {
    /// A message has no effect: it waits, or it is not believed. One that was believed before came again.
    pub(super) async fn doubt<M: Serialize>(
        &mut self,
        topic: Topic<M>,
        received: &Received<M>,
        order_id: &OrderId,
        message: &M,
        doubt: Doubt,
    ) -> anyhow::Result<()> {
        if orders::has_hop(&mut self.transaction, &received.event_id).await? {
            return Ok(());
        }
        match doubt {
            Doubt::Untrue(code) => self.disbelieve(topic.spec, received.position, code).await,
            Doubt::Early(code) => self.wait(topic.spec, received, order_id, message, code).await,
        }
    }

    /// Counts a message that is not believed.
    pub(super) async fn disbelieve(
        &mut self,
        topic: &'static TopicSpec,
        position: Position,
        code: ReasonCode,
    ) -> anyhow::Result<()> {
        self.has_untrue = true;
        Ok(disbelieve(&mut self.transaction, topic, position, code).await?)
    }

    async fn wait<M: Serialize>(
        &mut self,
        topic: &'static TopicSpec,
        received: &Received<M>,
        order_id: &OrderId,
        message: &M,
        code: ReasonCode,
    ) -> anyhow::Result<()> {
        let why = (code, self.now);
        let more = waiting::add(&mut self.transaction, topic, received, order_id, message, why).await?;
        let waiting = self.shop.learn(|known| {
            known.waiting += more;
            known.waiting
        });
        if waiting > WAITING_MAX {
            self.give_up(1, Moment::from_micros(i64::MAX)).await?;
        }
        Ok(())
    }

    /// Reads again what waited for this order.
    pub(super) async fn take_up(&mut self, order_id: &OrderId) -> anyhow::Result<()> {
        if self.shop.known(|known| known.waiting == 0) {
            return Ok(());
        }
        let rows = waiting::of_order(&mut self.transaction, order_id).await?;
        for row in &rows {
            self.forget(&row.event_id).await?;
        }
        for row in rows {
            // What waits for something else still waits on.
            if row.topic.name == ORDER_DECISIONS.spec.name {
                let received: Received<OrderDecision> = row.received()?;
                if let Ok(decision) = &received.message {
                    Box::pin(self.decided(&received, decision)).await?;
                }
            } else if row.topic.name == DELIVERY_UPDATES.spec.name {
                let received: Received<DeliveryUpdate> = row.received()?;
                if let Ok(update) = &received.message {
                    Box::pin(self.updated(&received, update)).await?;
                }
            } else if row.topic.name == STOCK_EVENTS.spec.name {
                let received: Received<StockEvent> = row.received()?;
                if let Ok(event) = &received.message {
                    Box::pin(self.moved(&received, event)).await?;
                }
            }
        }
        Ok(())
    }

    /// Gives up what waits for longer than a cause takes.
    pub(super) async fn give_up_overdue(&mut self) -> anyhow::Result<()> {
        self.give_up(GIVEN_UP_AT_ONCE, self.now.plus_millis(-CAUSE_WITHIN_MS)).await
    }

    /// Quarantines the messages that have waited longest, those that came before `since`.
    async fn give_up(&mut self, most: i64, since: Moment) -> anyhow::Result<()> {
        for row in waiting::longest(&mut self.transaction, most, since).await? {
            let Waiting { event_id, topic, position, code, message, .. } = row;
            self.forget(&event_id).await?;
            let why = (code, format!("{code}: what it follows from did not come within {} s", CAUSE_WITHIN_MS / 1000));
            quarantine_as(&mut self.transaction, Service::Website, topic, position, why, &message, self.now).await?;
            self.shop.context.metrics.unreadable(topic.name, 1);
            self.to_publish = true;
        }
        Ok(())
    }

    async fn forget(&mut self, event_id: &str) -> anyhow::Result<()> {
        waiting::remove(&mut self.transaction, event_id).await?;
        self.shop.learn(|known| known.waiting = known.waiting.saturating_sub(1));
        Ok(())
    }
}

//! What comes before its cause: topics are not ordered among each other, so a decision may be read before its order, and an
//! update before the decision. It waits here without effect, and is read again when the cause comes.

use events::{
    ids::{Moment, OrderId},
    topics::{DELIVERY_UPDATES, ORDER_DECISIONS, TopicSpec},
    unreadable::ReasonCode,
};
use serde::Serialize;
use service::{Batch, Outcome};
use web::order::progress::{CAUSE_WITHIN_MS, Doubt, EARLY_MAX};

use crate::{
    control::{
        handler::ShopHandler,
        request::{Answer, Work},
    },
    pure::fact::Fact,
    store::waiting::{self, Waiting},
};

/// The most messages given up in one transaction.
const GIVEN_UP_AT_ONCE: i64 = 256;

impl ShopHandler {
    /// A message without effect: it waits, or it is untrue.
    pub(super) async fn doubt<M: Serialize + Sync>(
        &mut self,
        topic: &'static TopicSpec,
        fact: &Fact<M>,
        order_id: &OrderId,
        doubt: Doubt,
        batch: &mut Batch,
    ) -> anyhow::Result<Outcome<Answer>> {
        match doubt {
            Doubt::Untrue(code) => Ok(Outcome::Untrue(code)),
            Doubt::Early(code) => {
                self.wait(topic, fact, order_id, code, batch).await?;
                // It may still have its effect.
                Ok(Outcome::Begun(Answer::Written))
            }
        }
    }

    async fn wait<M: Serialize + Sync>(
        &mut self,
        topic: &'static TopicSpec,
        fact: &Fact<M>,
        order_id: &OrderId,
        code: ReasonCode,
        batch: &mut Batch,
    ) -> anyhow::Result<()> {
        let why = (code, batch.now);
        let more = waiting::add(batch, topic, fact, order_id, why).await?;
        let waiting = self.learn(|known| {
            known.waiting += more;
            known.waiting
        });
        if waiting > EARLY_MAX as u64 {
            self.give_up(1, Moment::from_micros(i64::MAX), batch).await?;
        }
        Ok(())
    }

    /// Handles what has waited for this order.
    pub(super) async fn take_up(&mut self, order_id: &OrderId, batch: &mut Batch) -> anyhow::Result<()> {
        let mut has_news = true;
        while has_news && self.learn(|known| known.waiting > 0) {
            let rows = waiting::of_order(batch, order_id).await?;
            for row in &rows {
                self.forget(&row.event_id, batch).await?;
            }
            has_news = false;
            for row in rows {
                let (topic, position, work) = (row.topic, row.position, work(row)?);
                // What waits for something else goes on waiting.
                let outcome = self.take(&work, batch).await?;
                // Updates may have waited for this decision.
                has_news |= matches!((&outcome, work), (Outcome::Handled(_), Work::Decided(_)));
                batch.settle(topic, position, outcome).await?;
            }
        }
        Ok(())
    }

    /// Gives up messages that have waited longer than a cause takes.
    pub(super) async fn give_up_overdue(&mut self, batch: &mut Batch) -> anyhow::Result<()> {
        let since = batch.now.plus_millis(-CAUSE_WITHIN_MS);
        self.give_up(GIVEN_UP_AT_ONCE, since, batch).await
    }

    /// Quarantines the messages that have waited longest, those that came before `since`.
    async fn give_up(&mut self, most: i64, since: Moment, batch: &mut Batch) -> anyhow::Result<()> {
        for row in waiting::longest(batch, most, since).await? {
            let Waiting { event_id, topic, position, code, message, .. } = row;
            self.forget(&event_id, batch).await?;
            let why = format!("{code}: what it follows from did not come within {} s", CAUSE_WITHIN_MS / 1000);
            batch.quarantine_as(topic, position, (code, why), &message).await?;
        }
        Ok(())
    }

    async fn forget(&mut self, event_id: &str, batch: &mut Batch) -> anyhow::Result<()> {
        waiting::remove(batch, event_id).await?;
        self.learn(|known| known.waiting = known.waiting.saturating_sub(1));
        Ok(())
    }
}

/// The work of a stored message.
fn work(row: Waiting) -> anyhow::Result<Work> {
    if row.topic.name == ORDER_DECISIONS.spec.name {
        Ok(Work::Decided(row.fact()?))
    } else if row.topic.name == DELIVERY_UPDATES.spec.name {
        Ok(Work::Updated(row.fact()?))
    } else {
        anyhow::bail!("no message of {} waits", row.topic.name)
    }
}

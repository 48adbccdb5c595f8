//! Decisions, updates and levels: each is judged before it changes anything.

use events::{
    decisions::OrderDecision,
    delivery::DeliveryUpdate,
    ids::{Moment, OrderId, Service},
    stock::StockLevel,
    topics::{DELIVERY_UPDATES, ORDER_DECISIONS},
    unreadable::ReasonCode,
};
use service::{Batch, Outcome};
use web::order::progress::{Doubt, Progress, hop_of_decision, hop_of_update};

use crate::{
    control::{handler::ShopHandler, request::Answer},
    pure::fact::Fact,
    store::orders::OrderState,
};

impl ShopHandler {
    pub(super) async fn decided(
        &mut self,
        fact: &Fact<OrderDecision>,
        batch: &mut Batch,
    ) -> anyhow::Result<Outcome<Answer>> {
        let Fact { event_id, at, message: decision, .. } = fact;
        if self.known.hops.contains(event_id) {
            return Ok(Outcome::Repeated);
        }
        let order_id = decision.order_id();
        match self.known.state(order_id).of_placed().and_then(Progress::judge_decision) {
            Ok(()) => {}
            Err(doubt) => return self.doubt(ORDER_DECISIONS.spec, fact, order_id, doubt, batch).await,
        }
        let from = (Service::Warehouse, ORDER_DECISIONS.spec);
        self.hop(event_id.clone(), order_id, *at, from, hop_of_decision(decision));
        self.change(order_id, *at, |state| state.progress.decided(decision));
        Ok(Outcome::Handled(Answer::Written))
    }

    pub(super) async fn updated(
        &mut self,
        fact: &Fact<DeliveryUpdate>,
        batch: &mut Batch,
    ) -> anyhow::Result<Outcome<Answer>> {
        let Fact { event_id, at, message: update, .. } = fact;
        if self.known.hops.contains(event_id) {
            return Ok(Outcome::Repeated);
        }
        let order_id = update.order_id();
        match self.known.state(order_id).of_placed().and_then(|progress| progress.judge_update(update)) {
            Ok(()) => {}
            Err(doubt) => return self.doubt(DELIVERY_UPDATES.spec, fact, order_id, doubt, batch).await,
        }
        let from = (Service::Delivery, DELIVERY_UPDATES.spec);
        self.hop(event_id.clone(), order_id, *at, from, hop_of_update(update));
        self.change(order_id, *at, |state| {
            state.progress.delivery(update);
            match update {
                DeliveryUpdate::Redriven { address, .. } => state.address.clone_from(address),
                // Delivery's word is enough for a customer. The log, which says when the bottles are on the shelf again,
                // is not read here.
                DeliveryUpdate::Returned { .. } => state.progress.bottles_released(),
                DeliveryUpdate::PickedUp { .. }
                | DeliveryUpdate::Delivered { .. }
                | DeliveryUpdate::AttemptFailed { .. }
                | DeliveryUpdate::Stranded { .. } => {}
            }
        });
        Ok(Outcome::Handled(Answer::Written))
    }

    fn change(&mut self, order_id: &OrderId, at: Moment, change: impl FnOnce(&mut OrderState)) {
        let state = self.known.state(order_id);
        let before = state.clone();
        change(state);
        if *state != before {
            self.news.statuses.push((order_id.clone(), state.progress.status, at));
            self.news.changed.insert(order_id.clone(), at);
        }
    }

    pub(super) fn shown(&mut self, level: &StockLevel) -> Outcome<Answer> {
        let (is_new, now_shown) = self.learn(|known| (known.shown(level), known.level(&level.beer)));
        match (is_new, now_shown) {
            (Ok(true), Some(shown)) => {
                self.news.levels.insert(level.beer.clone(), shown);
                Outcome::Handled(Answer::Written)
            }
            (Ok(_), _) => Outcome::Repeated,
            (Err(code), _) => Outcome::Untrue(code),
        }
    }
}

impl OrderState {
    /// The progress of its order, if that was placed.
    fn of_placed(&self) -> Result<&Progress, Doubt> {
        if self.placed { Ok(&self.progress) } else { Err(Doubt::Early(ReasonCode::UnknownOrder)) }
    }
}

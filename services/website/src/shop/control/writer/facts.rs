//! Facts in: decisions, updates, the log and the levels, each believed or not before it changes anything.

use std::collections::hash_map::Entry;

use events::{
    decisions::OrderDecision,
    delivery::DeliveryUpdate,
    ids::{Moment, OrderId, Service},
    received::Received,
    stock::{StockChange, StockEvent, StockLevel},
    topics::{DELIVERY_UPDATES, ORDER_DECISIONS, STOCK_EVENTS, STOCK_LEVELS},
    unreadable::ReasonCode,
};
use service::Now;
use web::order::{
    progress::{Doubt, Progress, hop_of_decision, hop_of_update},
    view::What,
};

use crate::{
    shop::{
        control::writer::Work,
        store::orders::{self, Hop, OrderState},
    },
    stage::store::write,
};

impl Work<'_> {
    pub(super) async fn decided(
        &mut self,
        received: &Received<OrderDecision>,
        decision: &OrderDecision,
    ) -> anyhow::Result<()> {
        let order_id = decision.order_id();
        let state = self.state(order_id).await?;
        if let Err(doubt) = state.of_placed().and_then(|progress| progress.judge_decision()) {
            return self.doubt(ORDER_DECISIONS, received, order_id, decision, doubt).await;
        }
        let hop = Hop {
            event_id: &received.event_id,
            order_id,
            at: received.at,
            service: Service::Warehouse,
            topic: ORDER_DECISIONS.spec.name,
            what: &hop_of_decision(decision),
            stock: None,
            position: Some(received.position),
        };
        if orders::add_hop(&mut self.transaction, &hop).await? {
            let accepted = matches!(decision, OrderDecision::Accepted { .. });
            self.shop.learn(|known| known.count_decided(accepted.into(), (!accepted).into()));
            self.change(order_id, received.at, |state| state.progress.decided(decision)).await?;
            self.take_up(order_id).await?;
        }
        Ok(())
    }

    pub(super) async fn updated(
        &mut self,
        received: &Received<DeliveryUpdate>,
        update: &DeliveryUpdate,
    ) -> anyhow::Result<()> {
        let (order_id, at) = (update.order_id(), received.at);
        let state = self.state(order_id).await?;
        if let Err(doubt) = state.of_placed().and_then(|progress| progress.judge_update(update)) {
            return self.doubt(DELIVERY_UPDATES, received, order_id, update, doubt).await;
        }
        let from = (Service::Delivery, DELIVERY_UPDATES.spec);
        let what = hop_of_update(update);
        if !self.hop(&received.event_id, order_id, at, from, &what).await? {
            return Ok(());
        }
        let change = |state: &mut OrderState| {
            state.progress.delivery(update);
            if let DeliveryUpdate::Redriven { address, .. } = update {
                state.address.clone_from(address);
            }
        };
        self.change(order_id, at, change).await?;
        self.shop.learn(|known| known.parcels.tried(order_id, at, &what));
        if let DeliveryUpdate::Delivered { courier, .. } = update {
            self.shop.learn(|known| {
                let now = Now::read();
                known.parcels.delivered(courier, at, now);
                known.tempo.delivered(order_id, at, now);
            });
        }
        Ok(())
    }

    /// The state of an order, read once in a transaction.
    async fn state(&mut self, order_id: &OrderId) -> anyhow::Result<&mut OrderState> {
        let (state, _) = match self.states.entry(order_id.clone()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let state = orders::state(&mut self.transaction, order_id).await?;
                unknown.insert((state, None))
            }
        };
        Ok(state)
    }

    /// Takes news of an order into its state, and its parcel to where it is now.
    async fn change(
        &mut self,
        order_id: &OrderId,
        at: Moment,
        change: impl FnOnce(&mut OrderState),
    ) -> anyhow::Result<()> {
        let state = self.state(order_id).await?;
        let before = state.clone();
        change(state);
        if *state == before {
            return Ok(());
        }
        let Some((state, changed_at)) = self.states.get_mut(order_id) else { return Ok(()) };
        *changed_at = Some(at);
        let OrderState { progress, customer, address, .. } = state;
        self.shop.learn(|known| {
            known.parcels.moved(order_id, customer, address, progress, at);
            known.newest.moved(order_id, progress.status);
        });
        self.changed.push((order_id.clone(), progress.status, at));
        Ok(())
    }

    pub(super) async fn happened(&mut self, received: &Received<StockEvent>, event: &StockEvent) -> anyhow::Result<()> {
        match self.shop.learn(|known| known.happened(event, received.at)) {
            Ok(true) => {
                self.beers.insert(event.beer.clone());
            }
            Ok(false) => {}
            Err(code) => return self.disbelieve(STOCK_EVENTS.spec, received.position, code).await,
        }
        self.moved(received, event).await
    }

    /// Bottles of an order were put aside or put back; the event is believed.
    pub(super) async fn moved(&mut self, received: &Received<StockEvent>, event: &StockEvent) -> anyhow::Result<()> {
        let Some(order_id) = &event.order_id else { return Ok(()) };
        let (beer, bottles, level) = (event.beer.clone(), event.bottles, event.level);
        let what = match event.change {
            StockChange::Reserved => What::Reserved { beer, bottles, level },
            StockChange::Released => What::Released { beer, bottles, level },
            StockChange::Counted | StockChange::Received => return Ok(()),
        };
        if event.change == StockChange::Released
            && let Err(doubt) = self.state(order_id).await?.of_placed().map(|_| ())
        {
            return self.doubt(STOCK_EVENTS, received, order_id, event, doubt).await;
        }
        let hop = Hop {
            event_id: &received.event_id,
            order_id,
            at: received.at,
            service: Service::Warehouse,
            topic: STOCK_EVENTS.spec.name,
            what: &what,
            stock: Some((&event.beer, event.sequence)),
            position: None,
        };
        if orders::add_hop(&mut self.transaction, &hop).await? && event.change == StockChange::Released {
            self.change(order_id, received.at, |state| state.progress.bottles_released()).await?;
        }
        Ok(())
    }

    pub(super) async fn shown(&mut self, received: &Received<StockLevel>, level: &StockLevel) -> anyhow::Result<()> {
        match self.shop.learn(|known| known.shelves.shown(level)) {
            Ok(true) => {
                self.beers.insert(level.beer.clone());
                Ok(write::note_shown(&mut self.transaction, level, &received.event_id).await?)
            }
            Ok(false) => Ok(()),
            Err(code) => self.disbelieve(STOCK_LEVELS.spec, received.position, code).await,
        }
    }
}

impl OrderState {
    /// How far its order is, if it was placed.
    fn of_placed(&self) -> Result<&Progress, Doubt> {
        if self.placed { Ok(&self.progress) } else { Err(Doubt::Early(ReasonCode::UnknownOrder)) }
    }
}

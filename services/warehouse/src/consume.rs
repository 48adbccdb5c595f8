//! Orders and delivery updates in; decisions, delivery orders and stock events out.

use std::collections::BTreeSet;

use events::{
    decisions::OrderDecision,
    delivery::{DeliveryOrder, DeliveryUpdate},
    ids::{BeerId, EventId, OrderId},
    orders::{self, PlaceOrder},
    stock::StockEvent,
    topics::{DELIVERY_ORDERS, DELIVERY_UPDATES, ORDER_DECISIONS, ORDERS, STOCK_EVENTS},
};
use service::{
    Batch, Context, Outcome, ServiceFuture, TaskGroup,
    idempotent_consumer::{AcknowledgeAfter, Handler, Writer},
};
use store::enqueue;

use crate::{
    given_out::{Effect, judge},
    stock::{self, Restocking, Stock, apply},
    store::{TABLES, close, decision_of, give_out, given, load, save},
};

/// Runs the warehouse until it is told to stop.
///
/// # Errors
/// If the database fails, or another warehouse has taken over the log.
pub fn run(context: Context) -> ServiceFuture {
    Box::pin(work(context))
}

async fn work(context: Context) -> anyhow::Result<()> {
    let store = context.open_store(&TABLES).await?;
    let mut tasks = TaskGroup::default();
    let outbox = context.start_outbox(&mut tasks, &store);
    let mut warehouse = Warehouse { context: context.clone(), stock: load(&store).await?, changed: BTreeSet::new() };
    let mut batch = Batch::begin(context.service, &store).await?;
    warehouse.count_first(&mut batch).await?;
    batch.commit(&context, &store).await?;
    outbox.wake();
    let (mut writer, handle) = Writer::new(&context, &store, &outbox, AcknowledgeAfter::Publishing, warehouse);
    tasks.start(async move { writer.work().await });
    tasks.start(handle.clone().read(context.clone(), ORDERS, |received| {
        let position = received.position;
        received.map(|order| Work::Decide(order.order_id.clone().unwrap_or_else(|| position.order_id()), order))
    }));
    tasks.start(handle.read(context.clone(), DELIVERY_UPDATES, |received| {
        let event_id = received.event_id.clone();
        received.map(|update| Work::TakeBack(event_id, update))
    }));
    tasks.run_until(&context.shutdown).await
}

/// What a message asks for.
enum Work {
    /// An order, by its id, or by that of its message if it has none.
    Decide(OrderId, PlaceOrder),
    /// What became of a parcel, according to this event.
    TakeBack(EventId, DeliveryUpdate),
}

/// The only writer of stock.
struct Warehouse {
    context: Context,
    stock: Stock,
    /// Beers whose shelf is written at the end of the batch.
    changed: BTreeSet<BeerId>,
}

impl Handler for Warehouse {
    type Work = Work;
    type Answer = ();

    fn id(work: &Work) -> Option<String> {
        match work {
            Work::Decide(order_id, _) => Some(decision_of(order_id)),
            // `given_out` tells a repeated update.
            Work::TakeBack(..) => None,
        }
    }

    async fn handle(&mut self, work: &Work, batch: &mut Batch) -> anyhow::Result<Outcome<()>> {
        match work {
            Work::Decide(order_id, order) => self.decide(batch, order_id, order).await,
            Work::TakeBack(event_id, update) => self.take_back(batch, update, event_id).await,
        }
    }

    async fn conclude(&mut self, batch: &mut Batch) -> anyhow::Result<()> {
        for beer in std::mem::take(&mut self.changed) {
            save(batch, &beer, self.stock.shelf(&beer)).await?;
        }
        Ok(())
    }
}

impl Warehouse {
    /// Counts every beer that was never counted: all of them, when an episode begins.
    async fn count_first(&mut self, batch: &mut Batch) -> anyhow::Result<()> {
        self.write(batch, &stock::first_count(&self.stock))?;
        self.conclude(batch).await
    }

    async fn decide(
        &mut self,
        batch: &mut Batch,
        order_id: &OrderId,
        order: &PlaceOrder,
    ) -> anyhow::Result<Outcome<()>> {
        let (lines, key, now) = (order.lines.clone(), order_id.as_str(), batch.now);
        let restocks = self.context.stage.settings().choices.restock;
        let restocking = if restocks { Restocking::On } else { Restocking::Off };
        let events = match stock::decide(&self.stock, restocking, order_id, order) {
            Ok(events) => events,
            Err(reason) => {
                self.context.order_log.note(order_id, batch.trace, "refused");
                let refused = OrderDecision::Refused { order_id: order_id.clone(), lines, reason };
                enqueue(batch, ORDER_DECISIONS, key, now, &refused)?;
                return Ok(Outcome::Handled(()));
            }
        };
        self.context.order_log.note(order_id, batch.trace, "accepted");
        let accepted = OrderDecision::Accepted {
            order_id: order_id.clone(),
            bottles: orders::bottles(&lines),
            total_cents: orders::total(&lines),
            lines: lines.clone(),
        };
        enqueue(batch, ORDER_DECISIONS, key, now, &accepted)?;
        give_out(batch, order_id, &lines).await?;
        let parcel = DeliveryOrder {
            order_id: order_id.clone(),
            round: 1,
            attempt: 1,
            customer: order.customer.clone(),
            address: order.address.clone(),
            lines,
        };
        enqueue(batch, DELIVERY_ORDERS, key, now, &parcel)?;
        self.write(batch, &events)?;
        Ok(Outcome::Handled(()))
    }

    /// Takes back the bottles of an order, if this update returns them.
    async fn take_back(
        &mut self,
        batch: &mut Batch,
        update: &DeliveryUpdate,
        event_id: &EventId,
    ) -> anyhow::Result<Outcome<()>> {
        if !matches!(update, DeliveryUpdate::Delivered { .. } | DeliveryUpdate::Returned { .. }) {
            return Ok(Outcome::Handled(()));
        }
        let order_id = update.order_id();
        let effect = match judge(&given(batch, order_id).await?, update, event_id) {
            Ok(effect) => effect,
            Err(code) => return Ok(Outcome::Untrue(code)),
        };
        if effect != Effect::None {
            close(batch, order_id, event_id).await?;
        }
        if let Effect::Back(lines) = effect {
            let events = stock::take_back(&self.stock, order_id, &lines);
            self.write(batch, &events)?;
        }
        Ok(Outcome::Handled(()))
    }

    /// Applies events and publishes them.
    fn write(&mut self, batch: &mut Batch, events: &[StockEvent]) -> anyhow::Result<()> {
        for event in events {
            apply(&mut self.stock, event)?;
            self.changed.insert(event.beer.clone());
            let now = batch.now;
            enqueue(batch, STOCK_EVENTS, event.beer.as_str(), now, event)?;
        }
        Ok(())
    }
}

//! Messages in: inbox → core → outbox in one transaction, then publish, then acknowledge.

use std::collections::BTreeSet;

use bus::{Consumer, Dealt, Position, Received};
use events::{
    decisions::OrderDecision,
    delivery::{DeliveryOrder, DeliveryUpdate},
    ids::{BeerId, EventId, Moment, OrderId},
    orders::{self, PlaceOrder},
    stock::StockEvent,
    topics::{DELIVERY_ORDERS, DELIVERY_UPDATES, ORDER_DECISIONS, ORDERS, STOCK_EVENTS},
    unreadable::ReasonCode,
};
use service::{Context, Serving, Tasks, now};
use store::{OutboxHandle, Store, Transaction, disbelieve, enqueue, quarantine, record_once};

use crate::{
    given_out::{Effect, judge},
    stock::{self, Restocking, Stock, apply},
    store::{TABLES, close, decision_of, give_out, given, load, save},
};

/// Most messages in one transaction: what waits is committed together, and nothing waits for company.
const BATCH_MAX: usize = 256;

/// The warehouse at work until it is told to stop.
///
/// # Errors
/// If the database fails, or another warehouse took the log over.
pub fn run(context: Context) -> Serving {
    Box::pin(work(context))
}

async fn work(context: Context) -> anyhow::Result<()> {
    let store = context.open_store(&TABLES).await?;
    let mut tasks = Tasks::default();
    let outbox = context.start_outbox(&mut tasks, &store);
    let stock = load(&store).await?;
    let shutdown = context.shutdown.clone();
    let mut desk = Desk { context, store, outbox, stock };
    tasks.start(async move {
        desk.count_first().await?;
        desk.work().await
    });
    tasks.run_until(&shutdown).await
}

/// The one desk all stock goes over.
struct Desk {
    context: Context,
    store: Store,
    outbox: OutboxHandle,
    /// As committed, plus what the transaction under way applied. If that fails the process ends and reads it again.
    stock: Stock,
}

impl Desk {
    /// Counts what was never counted: everything, when an episode begins.
    async fn count_first(&mut self) -> anyhow::Result<()> {
        let mut transaction = self.store.begin().await?;
        let events = stock::first_count(&self.stock);
        self.write(&mut transaction, &events, now()).await?;
        transaction.commit().await?;
        self.outbox.wake();
        Ok(())
    }

    async fn work(&mut self) -> anyhow::Result<()> {
        let service = self.context.service;
        let mut orders = self.context.bus.consumer(ORDERS, service, Dealt::default())?;
        let mut updates = self.context.bus.consumer(DELIVERY_UPDATES, service, Dealt::default())?;
        let mut pause = self.context.pause();
        loop {
            let works = !pause.is_on();
            self.context.board.paused(!works);
            tokio::select! {
                batch = orders.receive(BATCH_MAX), if works => self.decide_all(&mut orders, batch).await?,
                batch = updates.receive(BATCH_MAX), if works => self.take_back_all(&mut updates, batch).await?,
                () = pause.changed() => {}
            }
        }
    }

    async fn decide_all(
        &mut self,
        consumer: &mut Consumer<PlaceOrder>,
        batch: Vec<Received<PlaceOrder>>,
    ) -> anyhow::Result<()> {
        let now = now();
        let mut transaction = self.store.begin().await?;
        let (mut handled, mut unreadable) = (0, 0);
        for received in &batch {
            match (&received.message, received.order_id()) {
                (Ok(order), Some(order_id)) => {
                    if record_once(&mut transaction, &decision_of(&order_id)).await? {
                        self.decide(&mut transaction, &order_id, order, now).await?;
                        handled += 1;
                    }
                }
                (Err(undecodable), _) => {
                    let service = self.context.service;
                    quarantine(&mut transaction, service, ORDERS.entry, received.position, undecodable, now).await?;
                    unreadable += 1;
                }
                (Ok(_), None) => {}
            }
        }
        transaction.commit().await?;
        let metrics = &self.context.metrics;
        metrics.handled(ORDERS.entry.name, handled);
        metrics.unreadable(ORDERS.entry.name, unreadable);
        metrics.repeated(ORDERS.entry.name, batch.len() - handled - unreadable);
        self.publish_and_acknowledge(consumer, &batch).await;
        Ok(())
    }

    async fn decide(
        &mut self,
        transaction: &mut Transaction,
        order_id: &OrderId,
        order: &PlaceOrder,
        now: Moment,
    ) -> anyhow::Result<()> {
        let lines = order.lines.clone();
        let key = order_id.as_str();
        let restocks = self.context.stage.settings().choices.restock;
        let restocking = if restocks { Restocking::On } else { Restocking::Off };
        let events = match stock::decide(&self.stock, restocking, order_id, order) {
            Ok(events) => events,
            Err(reason) => {
                self.context.trail.note(order_id, "refused");
                let refused = OrderDecision::Refused { order_id: order_id.clone(), lines, reason };
                enqueue(transaction, ORDER_DECISIONS, key, now, Some(order_id), &refused).await?;
                return Ok(());
            }
        };
        self.context.trail.note(order_id, "accepted");
        let accepted = OrderDecision::Accepted {
            order_id: order_id.clone(),
            bottles: orders::bottles(&lines),
            total_cents: orders::total(&lines),
            lines: lines.clone(),
        };
        enqueue(transaction, ORDER_DECISIONS, key, now, Some(order_id), &accepted).await?;
        give_out(transaction, order_id, &lines).await?;
        let parcel = DeliveryOrder {
            order_id: order_id.clone(),
            round: 1,
            attempt: 1,
            customer: order.customer.clone(),
            address: order.address.clone(),
            lines,
        };
        enqueue(transaction, DELIVERY_ORDERS, key, now, Some(order_id), &parcel).await?;
        self.write(transaction, &events, now).await
    }

    async fn take_back_all(
        &mut self,
        consumer: &mut Consumer<DeliveryUpdate>,
        batch: Vec<Received<DeliveryUpdate>>,
    ) -> anyhow::Result<()> {
        let now = now();
        let mut transaction = self.store.begin().await?;
        let (mut unreadable, mut untrue) = (0, 0);
        for received in &batch {
            let (service, topic) = (self.context.service, DELIVERY_UPDATES.entry);
            match &received.message {
                Ok(update) => {
                    if let Err(code) = self.take_back(&mut transaction, update, &received.event_id, now).await? {
                        disbelieve(&mut transaction, topic, received.position, code).await?;
                        untrue += 1;
                    }
                }
                Err(undecodable) => {
                    quarantine(&mut transaction, service, topic, received.position, undecodable, now).await?;
                    unreadable += 1;
                }
            }
        }
        transaction.commit().await?;
        let (metrics, topic) = (&self.context.metrics, DELIVERY_UPDATES.entry.name);
        metrics.handled(topic, batch.len() - unreadable - untrue);
        metrics.unreadable(topic, unreadable);
        if untrue > 0 {
            self.context.say_what_is_disbelieved(&self.store).await?;
        }
        self.publish_and_acknowledge(consumer, &batch).await;
        Ok(())
    }

    /// Takes in what an update says of the bottles of its order; or why it is not believed.
    async fn take_back(
        &mut self,
        transaction: &mut Transaction,
        update: &DeliveryUpdate,
        event_id: &EventId,
        now: Moment,
    ) -> anyhow::Result<Result<(), ReasonCode>> {
        if !matches!(update, DeliveryUpdate::Delivered { .. } | DeliveryUpdate::Returned { .. }) {
            return Ok(Ok(()));
        }
        let order_id = update.order_id();
        let effect = match judge(&given(transaction, order_id).await?, update, event_id) {
            Ok(effect) => effect,
            Err(code) => return Ok(Err(code)),
        };
        if effect != Effect::None {
            close(transaction, order_id, event_id).await?;
        }
        if let Effect::Back(lines) = effect {
            let events = stock::take_back(&self.stock, order_id, &lines);
            self.write(transaction, &events, now).await?;
        }
        Ok(Ok(()))
    }

    /// Applies events, writes the shelves they changed and puts them into the outbox.
    async fn write(&mut self, transaction: &mut Transaction, events: &[StockEvent], now: Moment) -> anyhow::Result<()> {
        let mut changed: BTreeSet<&BeerId> = BTreeSet::new();
        for event in events {
            apply(&mut self.stock, event)?;
            changed.insert(&event.beer);
            let order = event.order_id.as_ref();
            enqueue(transaction, STOCK_EVENTS, event.beer.as_str(), now, order, event).await?;
        }
        for beer in changed {
            save(transaction, beer, self.stock.shelf(beer)).await?;
        }
        Ok(())
    }

    async fn publish_and_acknowledge<M: serde::de::DeserializeOwned>(
        &self,
        consumer: &mut Consumer<M>,
        batch: &[Received<M>],
    ) {
        let done: Vec<Position> = batch.iter().map(|received| received.position).collect();
        if self.outbox.flush().await {
            consumer.acknowledge(&done).await;
        }
    }
}

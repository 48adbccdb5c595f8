//! The writer: the one task that writes into the website's database. It takes all that waits into one transaction.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use events::{
    ids::{BeerId, EventId, Moment, OrderId, Service},
    insights::Insight,
    orders::{PlaceOrder, bottles, total},
    received::{Received, Undecodable},
    topics::{self, DELIVERY_UPDATES, INSIGHTS, ORDER_DECISIONS, ORDERS, STOCK_EVENTS, STOCK_LEVELS},
};
use serde_json::json;
use service::{Now, now};
use store::{Transaction, quarantine};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};
use web::order::view::{Status, What};

use crate::{
    shop::{
        control::{
            request::{KeyReused, News, Request},
            shop::Shop,
        },
        store::orders::{self, Hop, Keyed, OrderState, Placed},
    },
    stage::{read_model::newest::listed, store::write},
};

mod facts;

mod placing;

mod waiting;

/// Most requests handled in one transaction.
const AT_ONCE_MAX: usize = 256;

/// Whom to answer once the transaction is committed.
enum Reply {
    Placed(oneshot::Sender<Result<OrderId, KeyReused>>, Result<OrderId, KeyReused>),
    Done(oneshot::Sender<()>),
    /// Nobody waits for an answer, or does any longer and was told so.
    Nobody,
}

/// Works until the requests end.
///
/// # Errors
/// If the database fails: then nothing of the transaction is stored, and what is known may be ahead of them, so
/// the process ends and reads them again.
pub async fn work(shop: Arc<Shop>, mut requests: mpsc::Receiver<Request>) -> anyhow::Result<()> {
    let mut waiting = Vec::new();
    while requests.recv_many(&mut waiting, AT_ONCE_MAX).await > 0 {
        let transaction = shop.store.begin().await?;
        let mut entry = Work::new(&shop, transaction);
        let mut replies = Vec::with_capacity(waiting.len());
        for request in waiting.drain(..) {
            replies.push(entry.take(request).await?);
        }
        let Committed { changed, to_publish, has_untrue } = entry.commit().await?;
        if to_publish {
            shop.outbox.wake();
        }
        if has_untrue {
            shop.context.say_what_is_disbelieved(&shop.store).await?;
        }
        for reply in replies {
            // Whoever asked may be gone; it is stored all the same.
            match reply {
                Reply::Placed(reply, placed) => drop(reply.send(placed)),
                Reply::Done(done) => drop(done.send(()).ok()),
                Reply::Nobody => {}
            }
        }
        for (order_id, status, at) in changed {
            shop.live.order_changed(&order_id);
            if let Some(spans) = shop.spans.as_ref().filter(|_| status.is_finished()) {
                spans.finished(&order_id);
            }
            shop.live.tell(|| json!({"order_id": order_id, "status": status.name(), "at": at}).to_string());
        }
        shop.live.changed();
    }
    Ok(())
}

/// One transaction of the writer.
struct Work<'a> {
    shop: &'a Shop,
    transaction: Transaction,
    now: Moment,
    changed: Vec<Change>,
    beers: BTreeSet<BeerId>,
    /// Orders there was news of, each read once and written once, with the time of its last change if there was one.
    states: HashMap<OrderId, (OrderState, Option<Moment>)>,
    to_publish: bool,
    /// A message was not believed.
    has_untrue: bool,
}

type Change = (OrderId, Status, Moment);

/// What a transaction came to.
struct Committed {
    changed: Vec<Change>,
    to_publish: bool,
    has_untrue: bool,
}

impl<'a> Work<'a> {
    fn new(shop: &'a Shop, transaction: Transaction) -> Self {
        let (changed, beers, states) = (Vec::new(), BTreeSet::new(), HashMap::new());
        Work { shop, transaction, now: now(), changed, beers, states, to_publish: false, has_untrue: false }
    }

    async fn take(&mut self, request: Request) -> anyhow::Result<Reply> {
        match request {
            Request::Place { until: Some(until), .. } if until < Instant::now() => Ok(Reply::Nobody),
            Request::Place { order, key, at, until: _, reply } => {
                let placed = self.place(order, key.as_ref(), at).await?;
                Ok(Reply::Placed(reply, placed))
            }
            Request::Overdue => {
                self.give_up_overdue().await?;
                Ok(Reply::Nobody)
            }
            Request::News { news, done } => {
                self.news(news).await?;
                Ok(Reply::Done(done))
            }
        }
    }

    async fn commit(mut self) -> anyhow::Result<Committed> {
        for (order_id, (state, changed_at)) in &self.states {
            if let Some(at) = changed_at {
                orders::save_state(&mut self.transaction, order_id, state, *at).await?;
            }
        }
        for beer in &self.beers {
            let shelf = self.shop.known(|known| known.shelves.shelf(beer));
            write::save_beer(&mut self.transaction, beer.as_str(), &shelf).await?;
        }
        self.transaction.commit().await?;
        Ok(Committed { changed: self.changed, to_publish: self.to_publish, has_untrue: self.has_untrue })
    }

    /// `false` if there is an order with this id.
    async fn write_order(
        &mut self,
        order_id: &OrderId,
        order: &PlaceOrder,
        keyed: Keyed<'_>,
        at: Moment,
    ) -> anyhow::Result<bool> {
        let placed = Placed {
            order_id,
            keyed,
            customer: &order.customer,
            address: &order.address,
            lines: &order.lines,
            total: total(&order.lines),
            at,
        };
        if !orders::place(&mut self.transaction, &placed).await? {
            return Ok(false);
        }
        if let Some((state, _)) = self.states.get_mut(order_id) {
            state.placed = true;
            state.customer.clone_from(&order.customer);
            state.address.clone_from(&order.address);
        }
        let bottles = bottles(&order.lines);
        self.shop.learn(|known| {
            known.parcels.described(order_id, &order.customer, &order.address);
            known.newest.placed(listed(order_id, &order.customer, bottles.0, Status::Placed, at));
            known.count_orders(1);
            known.tempo.placed(order_id, at, Now::read());
        });
        // Not the id of the message: whoever placed it, an order is placed once.
        let event_id = EventId::new(format!("placed {order_id}"));
        self.hop(&event_id, order_id, at, (Service::Website, ORDERS.spec), &What::Placed).await?;
        self.shop.context.trail.note(order_id, "placed");
        self.changed.push((order_id.clone(), Status::Placed, at));
        self.take_up(order_id).await?;
        Ok(true)
    }

    async fn hop(
        &mut self,
        event_id: &EventId,
        order_id: &OrderId,
        at: Moment,
        (service, topic): (Service, &'static topics::TopicSpec),
        what: &What,
    ) -> anyhow::Result<bool> {
        let hop = Hop { event_id, order_id, at, service, topic: topic.name, what, stock: None, position: None };
        Ok(orders::add_hop(&mut self.transaction, &hop).await?)
    }

    async fn news(&mut self, news: News) -> anyhow::Result<()> {
        match news {
            News::Orders(batch) => {
                for received in batch {
                    let order_id = received.order_id();
                    match (&received.message, order_id) {
                        (Ok(order), Some(order_id)) => {
                            self.write_order(&order_id, order, Keyed::default(), received.at).await?;
                        }
                        (Err(undecodable), _) => self.quarantine(ORDERS.spec, &received, undecodable).await?,
                        (Ok(_), None) => {}
                    }
                }
            }
            News::Decisions(batch) => {
                for received in batch {
                    match &received.message {
                        Ok(decision) => self.decided(&received, decision).await?,
                        Err(undecodable) => self.quarantine(ORDER_DECISIONS.spec, &received, undecodable).await?,
                    }
                }
            }
            News::Updates(batch) => {
                for received in batch {
                    match &received.message {
                        Ok(update) => self.updated(&received, update).await?,
                        Err(undecodable) => self.quarantine(DELIVERY_UPDATES.spec, &received, undecodable).await?,
                    }
                }
            }
            News::Stock(batch) => {
                for received in batch {
                    match &received.message {
                        Ok(event) => self.happened(&received, event).await?,
                        Err(undecodable) => self.quarantine(STOCK_EVENTS.spec, &received, undecodable).await?,
                    }
                }
            }
            News::Levels(batch) => {
                for received in batch {
                    match &received.message {
                        Ok(level) => self.shown(&received, level).await?,
                        Err(undecodable) => self.quarantine(STOCK_LEVELS.spec, &received, undecodable).await?,
                    }
                }
            }
            News::Insights(batch) => {
                for received in batch {
                    match &received.message {
                        Ok(insight) => self.insight(insight, &received).await?,
                        Err(undecodable) => self.quarantine(INSIGHTS.spec, &received, undecodable).await?,
                    }
                }
            }
            News::Unreadable(batch) => {
                for unreadable in batch.into_iter().filter_map(|received| received.message.ok()) {
                    if write::save_unreadable(&mut self.transaction, &unreadable).await? {
                        self.shop.learn(|known| known.unreadable(unreadable));
                    }
                }
            }
        }
        Ok(())
    }

    async fn quarantine<M>(
        &mut self,
        topic: &'static topics::TopicSpec,
        received: &Received<M>,
        undecodable: &Undecodable,
    ) -> anyhow::Result<()> {
        let (position, now) = (received.position, self.now);
        self.to_publish = true;
        Ok(quarantine(&mut self.transaction, Service::Website, topic, position, undecodable, now).await?)
    }

    async fn insight(&mut self, insight: &Insight, received: &Received<Insight>) -> anyhow::Result<()> {
        let since = self.shop.learn(|known| known.insight(insight));
        write::save_insight(&mut self.transaction, insight, received.at, since).await?;
        if let Insight::Ledger(ledger) = insight {
            let decisions = ledger.read.iter().find(|read| read.topic == ORDER_DECISIONS.spec.name);
            if let Some(read) = decisions {
                write::note_counted(&mut self.transaction, read, ledger.at, &received.event_id).await?;
            }
        }
        Ok(())
    }
}

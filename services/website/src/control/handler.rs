//! The handler of the shop's writer: orders, what becomes of them, and the levels that customers see.
//!
//! It reads the orders of a batch first, judges the messages and applies them in memory, writes the changes when the batch is
//! concluded, and tells open pages after the commit.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, PoisonError, RwLock},
};

use events::{
    ids::{BeerId, EventId, Moment, OrderId, Service},
    topics::TopicSpec,
};
use serde_json::json;
use service::{Batch, Context, Outcome, idempotent_consumer::Handler};
use web::{
    http::live::LiveUpdates,
    order::view::{Status, What},
};

use crate::{
    control::request::{Answer, Work},
    read_model::{Level, ReadModel},
    store::{
        levels,
        orders::{self, Before, Hop, OrderState, Placed},
    },
};

mod facts;
mod placing;
mod waiting;

pub struct ShopHandler {
    context: Context,
    live: Arc<LiveUpdates>,
    read_model: Arc<RwLock<ReadModel>>,
    known: Known,
    news: News,
}

/// The orders of a batch: as they were read, and as the batch has changed them so far.
#[derive(Default)]
struct Known {
    states: HashMap<OrderId, OrderState>,
    hops: HashSet<EventId>,
    keys: HashMap<String, Before>,
}

/// The changes of a batch, to be written and told.
#[derive(Default)]
struct News {
    placed: Vec<Placed>,
    hops: Vec<Hop>,
    /// Orders whose state has changed, and when.
    changed: HashMap<OrderId, Moment>,
    levels: BTreeMap<BeerId, Level>,
    statuses: Vec<(OrderId, Status, Moment)>,
}

impl Handler for ShopHandler {
    type Work = Work;
    type Answer = Answer;

    /// Repeats are recognised by orders, hops and levels.
    fn id(_work: &Work) -> Option<String> {
        None
    }

    async fn prepare(&mut self, works: &[&Work], batch: &mut Batch) -> anyhow::Result<()> {
        let (mut events, mut keys) = (Vec::new(), Vec::new());
        for work in works {
            match work {
                Work::Place(new) => keys.extend(new.stored_key()?.map(|stored| stored.key)),
                Work::Decided(fact) => events.push(&fact.event_id),
                Work::Updated(fact) => events.push(&fact.event_id),
                Work::Ordered(_) | Work::Shown(_) | Work::GiveUpOverdue => {}
            }
        }
        let order_ids = works.iter().filter_map(|work| work.order_id()).collect();
        self.known = Known {
            states: orders::states(batch, &order_ids).await?,
            hops: orders::known_hops(batch, &events).await?,
            keys: orders::of_keys(batch, &keys).await?,
        };
        Ok(())
    }

    async fn handle(&mut self, work: &Work, batch: &mut Batch) -> anyhow::Result<Outcome<Answer>> {
        let outcome = self.take(work, batch).await?;
        if let (Outcome::Handled(_), Work::Ordered(_) | Work::Decided(_)) = (&outcome, work)
            && let Some(order_id) = work.order_id()
        {
            self.take_up(&order_id, batch).await?;
        }
        Ok(outcome)
    }

    async fn conclude(&mut self, batch: &mut Batch) -> anyhow::Result<()> {
        let News { placed, hops, changed, levels, .. } = &self.news;
        orders::place(batch, placed).await?;
        orders::add_hops(batch, hops).await?;
        let states = &self.known.states;
        let changed = changed.iter().filter_map(|(order_id, at)| Some((order_id, states.get(order_id)?, *at)));
        orders::save_states(batch, changed).await?;
        levels::save(batch, levels).await?;
        Ok(())
    }

    fn committed(&mut self) {
        let News { levels, statuses, .. } = std::mem::take(&mut self.news);
        if levels.is_empty() && statuses.is_empty() {
            return;
        }
        for (order_id, status, at) in statuses {
            self.live.order_changed(&order_id);
            self.live.tell(|| json!({"order_id": order_id, "status": status.name(), "at": at}).to_string());
        }
        self.live.changed();
    }
}

impl ShopHandler {
    pub fn new(context: &Context, live: &Arc<LiveUpdates>, read_model: &Arc<RwLock<ReadModel>>) -> Self {
        let (context, live, read_model) = (context.clone(), Arc::clone(live), Arc::clone(read_model));
        ShopHandler { context, live, read_model, known: Known::default(), news: News::default() }
    }

    async fn take(&mut self, work: &Work, batch: &mut Batch) -> anyhow::Result<Outcome<Answer>> {
        match work {
            Work::Place(new) => self.place(new, batch).await,
            Work::Ordered(fact) => Ok(self.ordered(fact, batch.trace)),
            Work::Decided(fact) => self.decided(fact, batch).await,
            Work::Updated(fact) => self.updated(fact, batch).await,
            Work::Shown(level) => Ok(self.shown(level)),
            Work::GiveUpOverdue => {
                self.give_up_overdue(batch).await?;
                Ok(Outcome::Handled(Answer::Written))
            }
        }
    }

    /// Changes the read model. It may run ahead of the database: if the batch fails the process ends, and the next one reads
    /// the database again.
    fn learn<R>(&self, change: impl FnOnce(&mut ReadModel) -> R) -> R {
        change(&mut self.read_model.write().unwrap_or_else(PoisonError::into_inner))
    }

    fn hop(
        &mut self,
        event_id: EventId,
        order_id: &OrderId,
        at: Moment,
        (service, topic): (Service, &'static TopicSpec),
        what: What,
    ) {
        self.known.hops.insert(event_id.clone());
        self.news.hops.push(Hop { event_id, order_id: order_id.clone(), at, service, topic: topic.name, what });
    }
}

impl Known {
    fn state(&mut self, order_id: &OrderId) -> &mut OrderState {
        self.states.entry(order_id.clone()).or_insert_with(OrderState::blank)
    }
}

//! Folds messages of the topics into the read model.

use events::{
    ids::{EventId, Moment, OrderId},
    insights::Insight,
    orders::bottles,
    received::Position,
    stock::{StockChange, StockEvent, StockLevel},
    topics::{ORDER_DECISIONS, STOCK_EVENTS, STOCK_LEVELS, TopicSpec},
    unreadable::{Disbelieved, ReasonCode, Unreadable},
};
use service::Now;
use web::order::view::What;

use crate::read_model::{
    model::ReadModel,
    newest::listed,
    orders::{Change, Message, News},
};

impl ReadModel {
    /// Folds a message about an order. Returns the changes of orders.
    pub fn tell(&mut self, message: Message, now: Now) -> Vec<Change> {
        let applied = self.orders.apply(message, now.at);
        applied.untrue.into_iter().for_each(|(topic, code)| self.disbelieve(topic, code));
        applied.changes.iter().for_each(|change| self.follow(change, now));
        self.orders.make_room().iter().for_each(|order_id| self.parcels.left(order_id));
        applied.changes
    }

    /// Folds an event of the log. Returns the changes of orders.
    pub fn tell_stock(
        &mut self,
        event: StockEvent,
        (event_id, at, position): (EventId, Moment, Position),
        now: Now,
    ) -> Vec<Change> {
        if let Err(code) = self.happened(&event, at) {
            self.disbelieve(STOCK_EVENTS.spec, code);
            return Vec::new();
        }
        match (&event.order_id, event.change) {
            (Some(order_id), StockChange::Reserved | StockChange::Released) => {
                let news = News::Stock(order_id.clone(), event);
                self.tell(Message { news, event_id, at, position, trace: None }, now)
            }
            _ => Vec::new(),
        }
    }

    /// Folds a level of stock-level. Returns the orders that got a hop.
    pub fn tell_level(&mut self, level: &StockLevel, event_id: &EventId) -> Vec<OrderId> {
        match self.shelves.shown(level) {
            Ok(true) => self.orders.shown(level, event_id),
            Ok(false) => Vec::new(),
            Err(code) => {
                self.disbelieve(STOCK_LEVELS.spec, code);
                Vec::new()
            }
        }
    }

    /// Folds an insight. Returns the orders that got a hop.
    pub fn tell_insight(&mut self, insight: &Insight, event_id: &EventId) -> Vec<OrderId> {
        self.insight(insight);
        let Insight::Ledger(ledger) = insight else { return Vec::new() };
        let decisions = ledger.read.iter().find(|read| read.topic == ORDER_DECISIONS.spec.name);
        decisions.map(|read| self.orders.counted(read, ledger.at, event_id)).unwrap_or_default()
    }

    /// Only the first report of a message counts.
    pub fn tell_unreadable(&mut self, unreadable: Unreadable) {
        if self.unreadable_seen.insert(&(&unreadable.topic, &unreadable.message_id)) {
            self.unreadable(unreadable);
        }
    }

    /// Gives up the messages whose cause is overdue. Returns whether there were any.
    pub fn give_up_overdue(&mut self, now: Now) -> bool {
        let untrue = self.orders.give_up_overdue(now.at);
        untrue.iter().for_each(|(topic, code)| self.disbelieve(topic, *code));
        !untrue.is_empty()
    }

    /// What the stage does not believe, by topic and reason.
    pub fn disbelieved(&self) -> Vec<Disbelieved> {
        let line = |((topic, code), count): (&(&str, ReasonCode), &u64)| Disbelieved {
            topic: (*topic).to_owned(),
            code: *code,
            count: *count,
        };
        self.untrue.iter().map(line).collect()
    }

    fn disbelieve(&mut self, topic: &'static TopicSpec, code: ReasonCode) {
        *self.untrue.entry((topic.name, code)).or_default() += 1;
        self.touch();
    }

    /// Applies the change of an order to its parcel, the newest orders and the sums.
    fn follow(&mut self, change: &Change, now: Now) {
        let Change { order_id, at, what, status, moved } = change;
        let Some(order) = self.orders.get(order_id) else { return };
        if *what == What::Placed {
            self.newest.placed(listed(order_id, &order.customer, bottles(&order.lines).0, *status, *at));
            self.count_orders(1);
            self.tempo.placed(order_id, *at, now);
            return;
        }
        if *moved {
            self.parcels.moved(order_id, &order.customer, &order.address, &order.progress, *at);
            self.newest.moved(order_id, *status);
        }
        self.parcels.tried(order_id, *at, what);
        match what {
            What::Accepted { .. } => self.count_decided(1, 0),
            What::Refused { .. } => self.count_decided(0, 1),
            What::Delivered { courier } => {
                self.parcels.delivered(courier, *at, now);
                self.tempo.delivered(order_id, *at, now);
            }
            _ => {}
        }
    }
}

//! The orders as the topics report them, each message judged before it is believed: the newest in detail, older ones
//! only by id. Pure.
//!
//! A finished order leaves when newer ones need its room. Later messages about it have no effect: they cannot be told
//! from repeats any more.

mod early;
mod links;
mod message;
mod order;

use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashMap, VecDeque},
};

use events::{
    delivery::DeliveryUpdate,
    ids::{EventId, Moment, OrderId},
    insights::ReadUpTo,
    stock::{StockChange, StockEvent, StockLevel},
    topics::TopicSpec,
    unreadable::ReasonCode,
};
use web::order::{
    progress::{Doubt, hop_of_decision, hop_of_update},
    view::{OrderView, Status, What},
};

use crate::read_model::{
    orders::{
        early::Waiting,
        links::{Links, Mark},
        order::{Awaits, Hop},
    },
    remembered::Remembered,
};
pub use early::Early;
pub use message::{Message, News};
pub use order::Order;

/// Orders in detail. Beyond that, finished ones leave, oldest first.
pub const DETAILED_MAX: usize = 10_000;
/// Orders in detail, finished or not.
pub const ORDERS_MAX: usize = 50_000;
/// Ids of orders that left. Beyond that, the first ones would count again if they were sent again.
pub const GONE_MAX: usize = 200_000;

/// Orders in one SQL statement.
const ROWS_MAX: usize = 500;

/// Rows of orders to store, each an array of an id and the order's JSON, in arrays of a few hundred.
pub type Unsaved = Vec<String>;

/// The effect of a message.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Applied {
    /// In order: reading an order applies what was read about it before.
    pub changes: Vec<Change>,
    pub untrue: Vec<(&'static TopicSpec, ReasonCode)>,
}

/// A change of an order.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub order_id: OrderId,
    pub at: Moment,
    pub what: What,
    pub status: Status,
    /// Whether its progress has changed.
    pub moved: bool,
}

#[derive(Debug, Default)]
pub struct Orders {
    known: HashMap<OrderId, Order>,
    /// The finished ones, by age.
    finished: BTreeSet<(Moment, OrderId)>,
    unfinished: BTreeSet<(Moment, OrderId)>,
    gone: Remembered<GONE_MAX>,
    early: Early,
    links: Links,
    /// Those with unsaved changes.
    changed: BTreeSet<OrderId>,
}

impl Waiting {
    fn untrue(&self) -> (&'static TopicSpec, ReasonCode) {
        (self.message.topic(), self.code)
    }
}

impl Orders {
    /// Applies a message if it is believed, and then those that waited for it.
    pub fn apply(&mut self, message: Message, now: Moment) -> Applied {
        let (mut applied, mut left) = (Applied::default(), VecDeque::from([message]));
        while let Some(message) = left.pop_front() {
            match self.judge(&message) {
                Ok(true) => {
                    let is_cause = matches!(message.news, News::Placed(..) | News::Decided(_));
                    let change = self.take(message);
                    if is_cause && let Some(change) = &change {
                        // Before the rest, which was read later.
                        self.early.take(&change.order_id).into_iter().rev().for_each(|early| left.push_front(early));
                    }
                    applied.changes.extend(change);
                }
                Ok(false) => {}
                Err(Doubt::Early(code)) => {
                    applied.untrue.extend(self.early.wait(message, code, now).map(|given_up| given_up.untrue()));
                }
                Err(Doubt::Untrue(code)) => applied.untrue.push((message.topic(), code)),
            }
        }
        applied
    }

    /// Makes finished orders leave if newer ones need their room; the others only when there are too many of them.
    /// Returns those that left.
    pub fn make_room(&mut self) -> Vec<OrderId> {
        let mut left = Vec::new();
        while self.known.len() > DETAILED_MAX {
            let is_full = self.known.len() > ORDERS_MAX;
            let oldest = self.finished.pop_first().or_else(|| if is_full { self.unfinished.pop_first() } else { None });
            let Some((_, order_id)) = oldest else { break };
            self.known.remove(&order_id);
            self.gone.insert(&order_id);
            self.changed.insert(order_id.clone());
            left.push(order_id);
        }
        left
    }

    /// Gives up messages whose cause is overdue: they are not believed.
    pub fn give_up_overdue(&mut self, now: Moment) -> Vec<(&'static TopicSpec, ReasonCode)> {
        self.early.give_up_overdue(now).iter().map(Waiting::untrue).collect()
    }

    /// A level of stock-level. Returns the orders that got a hop.
    pub fn shown(&mut self, level: &StockLevel, event_id: &EventId) -> Vec<OrderId> {
        let mark = Mark { at: level.at, event_id: event_id.clone(), level: level.level };
        let covered = self.links.shown(&level.beer, level.sequence, mark.clone());
        let add = |(sequence, order_id): (_, OrderId)| {
            self.known.get_mut(&order_id)?.shown(&level.beer, sequence, mark.clone());
            Some(order_id)
        };
        let orders: Vec<OrderId> = covered.into_iter().filter_map(add).collect();
        self.changed.extend(orders.iter().cloned());
        orders
    }

    /// The ledger has counted the decisions up to here. Returns the orders that got a hop.
    pub fn counted(&mut self, read: &ReadUpTo, at: Moment, event_id: &EventId) -> Vec<OrderId> {
        let mark = Mark { at, event_id: event_id.clone(), level: Default::default() };
        let covered = self.links.counted((read.ledger, read.entry), mark.clone());
        let add = |(_, order_id): (_, OrderId)| {
            self.known.get_mut(&order_id)?.counted(mark.clone());
            Some(order_id)
        };
        let orders: Vec<OrderId> = covered.into_iter().filter_map(add).collect();
        self.changed.extend(orders.iter().cloned());
        orders
    }

    /// An order, if it is known in detail.
    pub fn get(&self, order_id: &OrderId) -> Option<&Order> {
        self.known.get(order_id)
    }

    pub fn view(&self, order_id: &OrderId) -> Option<OrderView> {
        self.known.get(order_id).map(|order| order.view(order_id))
    }

    /// Whether a message has an effect; a repeat has none.
    fn judge(&self, message: &Message) -> Result<bool, Doubt> {
        let order_id = message.order_id();
        let known = self.known.get(order_id);
        if self.gone.contains(order_id) || known.is_some_and(|order| order.has(&message.event_id)) {
            return Ok(false);
        }
        match (&message.news, known) {
            (News::Placed(..), known) => Ok(known.is_none()),
            (_, None) => Err(Doubt::Early(ReasonCode::UnknownOrder)),
            (News::Decided(_), Some(order)) => order.progress.judge_decision().map(|()| true),
            (News::Updated(update), Some(order)) => order.progress.judge_update(update).map(|()| true),
            (News::Stock(..), Some(_)) => Ok(true),
        }
    }

    /// Applies a believed message. `None` if it is about no order.
    fn take(&mut self, message: Message) -> Option<Change> {
        let Message { news, event_id, at, position, trace } = message;
        if let News::Placed(order_id, order) = news {
            // Not the message's id: an order is placed once, however often it is sent.
            let event_id = EventId::new(format!("placed {order_id}"));
            self.unfinished.insert((at, order_id.clone()));
            self.known.insert(order_id.clone(), Order::placed(order, event_id, at, trace));
            self.changed.insert(order_id.clone());
            return Some(Change { order_id, at, what: What::Placed, status: Status::Placed, moved: true });
        }
        let (order_id, what, awaits) = match &news {
            News::Decided(decision) => {
                let place = (position.ledger, position.entry);
                (decision.order_id().clone(), hop_of_decision(decision), Some(Awaits::Ledger(place)))
            }
            News::Updated(update) => (update.order_id().clone(), hop_of_update(update), None),
            News::Stock(order_id, event) => (order_id.clone(), moved(event)?, Some(Awaits::Level(event.sequence))),
            News::Placed(..) => return None,
        };
        let order = self.known.get_mut(&order_id)?;
        let before = (order.progress.clone(), order.address.clone());
        order.add(Hop { at, event_id, what: what.clone(), awaits });
        match &news {
            News::Decided(decision) => order.progress.decided(decision),
            News::Updated(update) => {
                order.progress.delivery(update);
                if let DeliveryUpdate::Redriven { address, .. } = update {
                    order.address.clone_from(address);
                }
            }
            News::Stock(_, event) if event.change == StockChange::Released => order.progress.bottles_released(),
            _ => {}
        }
        let is_moved = before.0 != order.progress || before.1 != order.address;
        if is_moved {
            order.changed_at = at;
        }
        let status = order.progress.status;
        if status.is_finished() && !before.0.status.is_finished() {
            let by_age = (order.placed_at, order_id.clone());
            self.unfinished.remove(&by_age);
            self.finished.insert(by_age);
        }
        self.link(&order_id, &what, awaits);
        self.changed.insert(order_id.clone());
        Some(Change { order_id, at, what, status, moved: is_moved })
    }

    /// Adds the hop that covers this one, if that was read already.
    fn link(&mut self, order_id: &OrderId, what: &What, awaits: Option<Awaits>) {
        let Some(order) = self.known.get_mut(order_id) else { return };
        match (awaits, what) {
            (Some(Awaits::Level(sequence)), What::Reserved { beer, .. } | What::Released { beer, .. }) => {
                if let Some(mark) = self.links.await_level(beer, sequence, order_id) {
                    order.shown(beer, sequence, mark);
                }
            }
            (Some(Awaits::Ledger(place)), _) => {
                if let Some(mark) = self.links.await_ledger(place, order_id) {
                    order.counted(mark);
                }
            }
            _ => {}
        }
    }
}

/// The orders' part of the checkpoint.
impl Orders {
    /// The unsaved orders; of those that left, only the id. Counts as saved.
    ///
    /// # Errors
    /// If an order cannot be written as JSON.
    pub fn take_unsaved(&mut self) -> serde_json::Result<Unsaved> {
        let changed: Vec<OrderId> = std::mem::take(&mut self.changed).into_iter().collect();
        let row = |order_id| (order_id, self.known.get(order_id));
        changed.chunks(ROWS_MAX).map(|ids| serde_json::to_string(&ids.iter().map(row).collect::<Vec<_>>())).collect()
    }

    /// Restores a stored order; `None` is one that left. Call it for each, oldest first.
    pub fn restore(&mut self, order_id: OrderId, order: Option<Order>) {
        let Some(order) = order else {
            self.gone.insert(&order_id);
            return;
        };
        let by_age = (order.placed_at, order_id.clone());
        let is_finished = order.progress.status.is_finished();
        if is_finished {
            self.finished.insert(by_age)
        } else {
            self.unfinished.insert(by_age)
        };
        let hops: Vec<(What, Option<Awaits>)> =
            order.hops.iter().filter(|hop| hop.awaits.is_some()).map(|hop| (hop.what.clone(), hop.awaits)).collect();
        self.known.insert(order_id.clone(), order);
        for (what, awaits) in hops {
            self.link(&order_id, &what, awaits);
        }
    }

    /// Orders in detail, newest first.
    pub fn newest_first(&self) -> Vec<(&OrderId, &Order)> {
        let mut all: Vec<_> = self.known.iter().collect();
        all.sort_by_key(|(order_id, order)| Reverse((order.placed_at, *order_id)));
        all
    }

    /// Messages that wait for their cause, and those that cover hops not read yet.
    pub const fn beside(&self) -> (&Early, &Links) {
        (&self.early, &self.links)
    }

    /// Restores these two. Call it before any order is restored.
    pub fn restore_beside(&mut self, early: Early, links: Links) {
        (self.early, self.links) = (early, links);
    }
}

/// The hop of reserved or released bottles.
fn moved(event: &StockEvent) -> Option<What> {
    let (beer, bottles, level) = (event.beer.clone(), event.bottles, event.level);
    match event.change {
        StockChange::Reserved => Some(What::Reserved { beer, bottles, level }),
        StockChange::Released => Some(What::Released { beer, bottles, level }),
        StockChange::Counted | StockChange::Received => None,
    }
}

#[cfg(test)]
mod tests;

//! Messages that came before their cause. There is no order between topics, so a decision may be read before its order,
//! and an update before the decision. They wait here and are judged again when the cause comes.

use std::collections::{BTreeMap, HashMap};

use events::{
    ids::{Moment, OrderId},
    unreadable::ReasonCode,
};
use serde::{Deserialize, Serialize};
use web::order::progress::{CAUSE_WITHIN_MS, EARLY_MAX};

use crate::read_model::orders::message::Message;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Waiting {
    pub message: Message,
    /// What it waits for.
    pub code: ReasonCode,
    since: Moment,
}

/// In the order they came.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Waiting>", into = "Vec<Waiting>")]
pub struct Early {
    waiting: BTreeMap<u64, Waiting>,
    of_order: HashMap<OrderId, Vec<u64>>,
    next: u64,
}

impl Early {
    /// Makes a message wait, if it does not already. Returns the one that is given up for it.
    pub fn wait(&mut self, message: Message, code: ReasonCode, now: Moment) -> Option<Waiting> {
        let places = self.of_order.entry(message.order_id().clone()).or_default();
        let event_id = &message.event_id;
        if places.iter().filter_map(|place| self.waiting.get(place)).any(|known| known.message.event_id == *event_id) {
            return None;
        }
        places.push(self.next);
        self.waiting.insert(self.next, Waiting { message, code, since: now });
        self.next += 1;
        if self.waiting.len() > EARLY_MAX { self.give_up_first() } else { None }
    }

    /// Removes the messages that wait for this order, in the order they came.
    pub fn take(&mut self, order_id: &OrderId) -> Vec<Message> {
        let places = self.of_order.remove(order_id).unwrap_or_default();
        places.iter().filter_map(|place| self.waiting.remove(place)).map(|waiting| waiting.message).collect()
    }

    /// Gives up messages whose cause is overdue.
    pub fn give_up_overdue(&mut self, now: Moment) -> Vec<Waiting> {
        let since = now.plus_millis(-CAUSE_WITHIN_MS);
        let mut given_up = Vec::new();
        while self.waiting.first_key_value().is_some_and(|(_, first)| first.since < since) {
            given_up.extend(self.give_up_first());
        }
        given_up
    }

    fn give_up_first(&mut self) -> Option<Waiting> {
        let (place, first) = self.waiting.pop_first()?;
        let order_id = first.message.order_id();
        if let Some(places) = self.of_order.get_mut(order_id) {
            places.retain(|known| *known != place);
            if places.is_empty() {
                self.of_order.remove(order_id);
            }
        }
        Some(first)
    }
}

impl From<Vec<Waiting>> for Early {
    fn from(all: Vec<Waiting>) -> Self {
        let mut early = Early::default();
        for waiting in all {
            early.of_order.entry(waiting.message.order_id().clone()).or_default().push(early.next);
            early.waiting.insert(early.next, waiting);
            early.next += 1;
        }
        early
    }
}

impl From<Early> for Vec<Waiting> {
    fn from(early: Early) -> Self {
        early.waiting.into_values().collect()
    }
}

//! Wakes open streams when something changes: pages, followers of single orders, and the feed of the API.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use events::ids::OrderId;
use tokio::sync::{broadcast, watch};

use crate::http::admission::Streams;

/// Changes of orders buffered for a slow reader of the feed. A reader that is further behind gets a snapshot.
const FEED_MAX: usize = 1024;

/// What a follower of an order learns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Followed {
    pub version: u64,
    /// The courier who has taken the order, from the notification.
    pub on_its_way: Option<String>,
}

pub struct LiveUpdates {
    version: watch::Sender<u64>,
    /// Counts how often a service went missing or came back. A phone wakes only for this and for its own order.
    presence: watch::Sender<u64>,
    orders: Mutex<HashMap<OrderId, watch::Sender<Followed>>>,
    feed: broadcast::Sender<Arc<str>>,
    pub streams: Streams,
}

impl Default for LiveUpdates {
    fn default() -> Self {
        LiveUpdates {
            version: watch::Sender::new(0),
            presence: watch::Sender::new(0),
            orders: Mutex::default(),
            feed: broadcast::Sender::new(FEED_MAX),
            streams: Streams::default(),
        }
    }
}

impl LiveUpdates {
    /// Call when anything that a page shows has changed.
    pub fn changed(&self) {
        self.version.send_modify(|version| *version += 1);
    }

    pub fn version(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// Call when a service went missing or came back.
    pub fn presence_changed(&self) {
        self.presence.send_modify(|changes| *changes += 1);
    }

    /// Counts how often a service went missing or came back.
    pub fn presence(&self) -> watch::Receiver<u64> {
        self.presence.subscribe()
    }

    /// Call when one order has changed.
    pub fn order_changed(&self, order_id: &OrderId) {
        if let Some(follower) = self.followed().get(order_id) {
            follower.send_modify(|followed| followed.version += 1);
        }
    }

    /// Call when a courier has picked up an order, for the notice on its page.
    pub fn on_its_way(&self, order_id: &OrderId, courier: String) {
        if let Some(follower) = self.followed().get(order_id) {
            follower.send_modify(|followed| followed.on_its_way = Some(courier));
        }
    }

    pub fn follow(&self, order_id: &OrderId) -> watch::Receiver<Followed> {
        let mut followed = self.followed();
        followed.retain(|_, follower| follower.receiver_count() > 0);
        followed.entry(order_id.clone()).or_default().subscribe()
    }

    /// Publishes a change to the feed. Without a reader, `change` is not called.
    pub fn tell(&self, change: impl FnOnce() -> String) {
        if self.feed.receiver_count() > 0 {
            let _nobody = self.feed.send(change().into());
        }
    }

    /// Changes of all orders, as JSON.
    pub fn feed(&self) -> broadcast::Receiver<Arc<str>> {
        self.feed.subscribe()
    }

    fn followed(&self) -> MutexGuard<'_, HashMap<OrderId, watch::Sender<Followed>>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! Who wants to know when something changes: the streams of open pages, and the followers of single orders.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use events::ids::OrderId;
use tokio::sync::{broadcast, watch};

use crate::http::admission::Streams;

/// Most changes of orders that wait for a slow reader of the feed; then it is sent a snapshot instead.
const FEED_MAX: usize = 1024;

/// What a follower of an order is told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Followed {
    /// Counts the changes.
    pub version: u64,
    /// Who has taken it, as the notification says.
    pub on_its_way: Option<String>,
}

/// The bell of the website.
pub struct Live {
    version: watch::Sender<u64>,
    /// Counts how often somebody went missing or came back: a thousand phones need not wake for anything else.
    presence: watch::Sender<u64>,
    orders: Mutex<HashMap<OrderId, watch::Sender<Followed>>>,
    feed: broadcast::Sender<Arc<str>>,
    /// A place for each stream.
    pub streams: Streams,
}

impl Default for Live {
    fn default() -> Self {
        Live {
            version: watch::Sender::new(0),
            presence: watch::Sender::new(0),
            orders: Mutex::default(),
            feed: broadcast::Sender::new(FEED_MAX),
            streams: Streams::default(),
        }
    }
}

impl Live {
    /// Something that a page may show has changed.
    pub fn changed(&self) {
        self.version.send_modify(|version| *version += 1);
    }

    /// Counts the changes.
    pub fn version(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// Somebody is missing, or back.
    pub fn presence_changed(&self) {
        self.presence.send_modify(|changes| *changes += 1);
    }

    /// Counts how often somebody went missing or came back.
    pub fn presence(&self) -> watch::Receiver<u64> {
        self.presence.subscribe()
    }

    /// One order has changed.
    pub fn order_changed(&self, order_id: &OrderId) {
        if let Some(follower) = self.followed().get(order_id) {
            follower.send_modify(|followed| followed.version += 1);
        }
    }

    /// A courier has taken an order: its customer wants to know, if they look.
    pub fn on_its_way(&self, order_id: &OrderId, courier: String) {
        if let Some(follower) = self.followed().get(order_id) {
            follower.send_modify(|followed| followed.on_its_way = Some(courier));
        }
    }

    /// Follows one order.
    pub fn follow(&self, order_id: &OrderId) -> watch::Receiver<Followed> {
        let mut followed = self.followed();
        followed.retain(|_, follower| follower.receiver_count() > 0);
        followed.entry(order_id.clone()).or_default().subscribe()
    }

    /// Tells the feed; nobody may be listening.
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

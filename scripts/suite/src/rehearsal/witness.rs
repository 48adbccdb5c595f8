//! A witness of every order: what the stage's feed has reported of it since the rehearsal began.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::Result;
use tokio::task::JoinHandle;

use crate::{Feed, Stage, feed::Event};

/// A position in the witness's list of orders, to ask for later ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    placed: usize,
    decided: usize,
}

#[derive(Debug, Default)]
struct Told {
    placed: Vec<String>,
    decided: Vec<String>,
    statuses: HashMap<String, Vec<String>>,
}

impl Told {
    fn take(&mut self, event: &Event) {
        let (Some(id), Some(status)) = (event.data["order_id"].as_str(), event.data["status"].as_str()) else { return };
        match status {
            "placed" => self.placed.push(id.to_owned()),
            "accepted" | "refused" => self.decided.push(id.to_owned()),
            _ => {}
        }
        self.statuses.entry(id.to_owned()).or_default().push(status.to_owned());
    }
}

/// Watches the feed as long as it lives.
pub(super) struct Witness {
    told: Arc<Mutex<Told>>,
    watching: JoinHandle<()>,
}

impl Witness {
    pub(super) async fn open(stage: &Stage) -> Result<Self> {
        let mut feed = Feed::open(stage, "/api/live").await?;
        let told = Arc::new(Mutex::new(Told::default()));
        let writing = Arc::clone(&told);
        let watching = tokio::spawn(async move {
            while let Ok(Some(event)) = feed.next().await {
                if event.name == "order" {
                    lock(&writing).take(&event);
                }
            }
        });
        Ok(Witness { told, watching })
    }

    pub(super) fn mark(&self) -> Mark {
        let told = lock(&self.told);
        Mark { placed: told.placed.len(), decided: told.decided.len() }
    }

    /// The orders placed since then, in that order.
    pub(super) fn placed_since(&self, mark: Mark) -> Vec<String> {
        lock(&self.told).placed.get(mark.placed..).unwrap_or_default().to_vec()
    }

    /// The orders decided since then, in that order.
    pub(super) fn decided_since(&self, mark: Mark) -> Vec<String> {
        lock(&self.told).decided.get(mark.decided..).unwrap_or_default().to_vec()
    }

    /// The statuses an order had, in that order.
    pub(super) fn statuses(&self, order_id: &str) -> Vec<String> {
        lock(&self.told).statuses.get(order_id).cloned().unwrap_or_default()
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

fn lock(told: &Mutex<Told>) -> MutexGuard<'_, Told> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}

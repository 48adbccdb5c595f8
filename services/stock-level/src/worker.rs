//! A worker takes events, works on them, submits them to the writer, and acknowledges them.

use std::sync::Arc;

use bus::Consumer;
use events::{
    ids::Service,
    received::{Position, Received},
    settings::StageSettings,
    stage::Staff,
    stock::StockEvent,
    topics::{STOCK_EVENTS, SubscriptionType},
};
use service::{idempotent_consumer::WriterHandle, now, presence::PresenceState};
use tokio::{
    sync::{Semaphore, watch},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use crate::{
    handler::{LevelHandler, Taken},
    work::time_for,
};

/// Most events a worker takes at once where they come in order and need no work; otherwise it holds one at a time.
const AT_ONCE_IN_ORDER: usize = 256;

pub(crate) struct Worker {
    pub(crate) name: Arc<str>,
    pub(crate) subscription_type: SubscriptionType,
    pub(crate) consumer: Consumer<StockEvent>,
    pub(crate) writer: WriterHandle<LevelHandler>,
    /// A worker that holds events has one permit.
    pub(crate) hands: Arc<Semaphore>,
    pub(crate) settings: watch::Receiver<Arc<StageSettings>>,
    pub(crate) stop: CancellationToken,
    pub(crate) presence: PresenceState,
}

impl Worker {
    /// Works until told to stop. What it holds by then is finished and acknowledged; if the task is aborted instead, as in a
    /// crash, it is delivered again.
    pub(crate) async fn work(mut self) {
        let _listed = Listed::new(self.presence.clone(), self.name.to_string());
        while self.take_and_submit().await.is_some() {}
        self.consumer.close().await;
    }

    /// One round; `None` after the last one.
    async fn take_and_submit(&mut self) -> Option<()> {
        let settings = Arc::clone(&self.settings.borrow_and_update());
        let paused = settings.choices.paused.contains(&Service::StockLevel);
        let work_ms = settings.choices.stock_level.work_ms;
        let singly = self.subscription_type != SubscriptionType::Failover || work_ms != [0, 0];
        let at_once = if singly { 1 } else { AT_ONCE_IN_ORDER };
        let events = tokio::select! {
            biased;
            () = self.stop.cancelled() => return None,
            changed = self.settings.changed() => return changed.ok(),
            events = self.consumer.receive(at_once), if !paused => events,
        };
        let hands = Arc::clone(&self.hands);
        let _in_hand = tokio::select! {
            biased;
            () = self.stop.cancelled() => return None,
            permit = hands.acquire() => permit.ok()?,
        };
        let taken_at = now();
        if singly {
            work_on(&events, work_ms).await;
        }
        let positions: Vec<Position> = events.iter().map(|event| event.position).collect();
        let taken = events.into_iter().map(|received| {
            let (position, worker, at) = (received.position, Arc::clone(&self.name), taken_at);
            received.map(|event| Taken { event, position, worker, at, singly })
        });
        self.writer.submit(STOCK_EVENTS.spec, taken.collect()).await;
        self.consumer.acknowledge(&positions).await;
        Some(())
    }
}

/// Takes as long as these events need.
async fn work_on(events: &[Received<StockEvent>], work_ms: [u32; 2]) {
    let time =
        events.iter().filter_map(|received| received.message.as_ref().ok()).map(|event| time_for(event, work_ms)).sum();
    if work_ms != [0, 0] {
        sleep(time).await;
    }
}

/// A worker's entry in the presence, from its beginning to its end, however it ends.
struct Listed {
    presence: PresenceState,
    name: String,
}

impl Listed {
    fn new(presence: PresenceState, name: String) -> Self {
        presence.staff(|Staff { workers, .. }| {
            workers.push(name.clone());
            // So that worker-10 comes after worker-9.
            workers.sort_by_key(|name| (name.len(), name.clone()));
        });
        Listed { presence, name }
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.presence.staff(|staff| staff.workers.retain(|name| *name != self.name));
    }
}

//! Presence: a service says twice a second that it is there, so that a page can say when it is not.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bus::Outgoing;
use events::{
    ids::EventId,
    stage::{CourierState, PRESENCE_EVERY_MS, Presence, ServiceState},
    topics::PRESENCE,
};
use tokio::time::MissedTickBehavior;
use tracing::debug;

use crate::{Context, Serving, clock};

/// What a service has to say beside that it is there.
#[derive(Clone, Default)]
pub struct Board {
    couriers: Arc<Mutex<Vec<CourierState>>>,
}

impl Board {
    /// Changes what is said of the couriers.
    pub fn couriers<R>(&self, change: impl FnOnce(&mut Vec<CourierState>) -> R) -> R {
        change(&mut self.couriers.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Says it every half second, until it is dropped. What is lost is lost: the next one comes soon.
///
/// # Errors
/// If a presence cannot be written as JSON, which none can fail to be.
pub fn announce(context: Context) -> Serving {
    Box::pin(announce_for_ever(context))
}

async fn announce_for_ever(context: Context) -> anyhow::Result<()> {
    let mut publisher = context.bus.publisher();
    let mut tick = tokio::time::interval(Duration::from_millis(PRESENCE_EVERY_MS));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let now = clock::now();
        let presence = Presence {
            service: context.service,
            episode: context.bus.place().episode,
            settings_version: context.settings.as_ref().map_or(0, |settings| settings.version),
            state: ServiceState::Running,
            started_at: context.started_at,
            at: now,
            couriers: context.board.couriers(|couriers| couriers.clone()),
        };
        let id = EventId::new(format!("{}-presence-{}", context.service, now.micros()));
        let message = Outgoing::new(PRESENCE, context.service.name(), id, now, &presence)?;
        if let Err(error) = publisher.publish(&[message]).await {
            debug!(%error, "presence not announced");
        }
    }
}

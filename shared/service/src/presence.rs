//! Presence: a service announces itself twice per second, so that a page can tell when it is gone.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bus::{Outgoing, with_causes};
use events::{
    ids::EventId,
    stage::{PRESENCE_EVERY_MS, Presence, ServiceState, Staff},
    topics::PRESENCE,
    unreadable::Disbelieved,
};
use tokio::time::MissedTickBehavior;
use tracing::debug;

use crate::{Context, ServiceFuture, clock};

/// What a service announces besides being there.
#[derive(Clone, Default)]
pub struct PresenceState {
    said: Arc<Mutex<Said>>,
}

#[derive(Default)]
struct Said {
    /// The episode it runs in; `None` while it moves to the next.
    episode: Option<u32>,
    paused: bool,
    staff: Staff,
    disbelieved: Vec<Disbelieved>,
}

impl PresenceState {
    /// Sets the episode it runs in.
    pub fn runs_in(&self, episode: Option<u32>) {
        self.change(|said| said.episode = episode);
    }

    pub fn paused(&self, paused: bool) {
        self.change(|said| said.paused = paused);
    }

    pub fn is_paused(&self) -> bool {
        self.change(|said| said.paused)
    }

    /// Changes its couriers or workers.
    pub fn staff<R>(&self, change: impl FnOnce(&mut Staff) -> R) -> R {
        self.change(|said| change(&mut said.staff))
    }

    /// Sets what is not believed; returns the previous value.
    pub fn disbelieves(&self, disbelieved: Vec<Disbelieved>) -> Vec<Disbelieved> {
        self.change(|said| std::mem::replace(&mut said.disbelieved, disbelieved))
    }

    pub fn disbelieved(&self) -> Vec<Disbelieved> {
        self.change(|said| said.disbelieved.clone())
    }

    fn change<R>(&self, change: impl FnOnce(&mut Said) -> R) -> R {
        change(&mut self.said.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Announces the service every half second, until it is dropped. A lost message is not repeated: the next one follows soon.
///
/// # Errors
/// If a presence cannot be written as JSON, which cannot happen.
pub fn announce(context: Context) -> ServiceFuture {
    Box::pin(announce_for_ever(context))
}

async fn announce_for_ever(context: Context) -> anyhow::Result<()> {
    let mut publisher = context.bus.publisher();
    let mut tick = tokio::time::interval(Duration::from_millis(PRESENCE_EVERY_MS));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let now = clock::now();
        let presence = context.presence.change(|said| Presence {
            service: context.service,
            episode: said.episode.unwrap_or(0),
            settings_version: context.stage.settings().version,
            state: match (said.episode, said.paused) {
                (None, _) => ServiceState::Starting,
                (Some(_), false) => ServiceState::Running,
                (Some(_), true) => ServiceState::Paused,
            },
            started_at: context.started_at,
            at: now,
            staff: said.staff.clone(),
            standing_still: context.bus.standing_still().into_iter().map(str::to_owned).collect(),
            disbelieved: said.disbelieved.clone(),
        });
        let id = EventId::new(format!("{}-presence-{}", context.service, now.micros()));
        let message = Outgoing::new(PRESENCE, context.service.name(), id, now, &presence)?;
        if let Err(error) = publisher.publish(&[message]).await {
            debug!(error = %with_causes(&error), "presence not announced");
        }
    }
}

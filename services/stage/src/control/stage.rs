//! The stage, for one episode, and what outlives the episodes.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use axum::http::HeaderMap;
use events::{delivery::DeliveryRequest, ids::Service, topics::DELIVERY_REQUESTS};
use service::{Context, Now, now};
use store::{OutboxHandle, Store, enqueue};
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};
use tracing::warn;
use web::{
    http::{cookies::Cookies, live::LiveUpdates, page_stream::FragmentCache, site::Site, visitor::Reader},
    pure::{address::Address, layout::Alive},
};

use crate::{
    control::{
        broker_monitor::BrokerMonitor, control_error::ControlError, director::Director, entrance::Entrance, lead::Lead,
        presenter::Authenticator, shop::Shop,
    },
    pure::page::Page,
    read_model::ReadModel,
};

/// The pause before another attempt to delete earlier episodes.
const FORGET_AGAIN_AFTER: Duration = Duration::from_secs(10);
/// How long the stage may take to catch up after a crash.
pub const UP_TO_DATE_WITHIN: Duration = Duration::from_secs(5);
/// How long a request may wait for the lock of the database.
const WRITTEN_WITHIN: Duration = Duration::from_secs(5);

/// What outlives an episode.
pub struct Backstage {
    pub presenter: Arc<Authenticator>,
    pub director: Director,
    pub entrance: Arc<Entrance>,
    cookies: Cookies,
    open: watch::Sender<Option<Arc<Stage>>>,
}

impl Backstage {
    pub fn new(
        presenter: Arc<Authenticator>,
        director: Director,
        entrance: Arc<Entrance>,
        cookies: Cookies,
    ) -> Arc<Self> {
        Arc::new(Backstage { presenter, director, entrance, cookies, open: watch::Sender::new(None) })
    }

    /// Makes this the open stage; `None` closes it.
    pub fn opens(&self, stage: Option<Arc<Stage>>) {
        self.open.send_replace(stage);
    }

    /// The stage of this episode, once it is open.
    pub async fn stage_of(&self, episode: u32) -> Arc<Stage> {
        let mut open = self.open.subscribe();
        let is_it =
            |open: &Option<Arc<Stage>>| open.as_ref().is_some_and(|stage| stage.context.bus.scope().episode == episode);
        match open.wait_for(is_it).await.map(|open| open.clone()) {
            Ok(Some(stage)) => stage,
            _ => std::future::pending().await,
        }
    }
}

/// The stage of one episode.
pub struct Stage {
    pub context: Context,
    /// Where orders are placed.
    pub shop: Arc<Shop>,
    pub backstage: Arc<Backstage>,
    /// The checkpoint, and the requests in the outbox.
    pub store: Store,
    pub outbox: OutboxHandle,
    /// Tells open streams what changed.
    pub live: Arc<LiveUpdates>,
    pub broker_monitor: Arc<BrokerMonitor>,
    /// The pages as their readers last saw them.
    pub fragments: FragmentCache<(Page, Reader)>,
    pub read_model: RwLock<ReadModel>,
    /// By then, everything after the last checkpoint is read again.
    pub up_to_date_by: Instant,
}

impl Site for Stage {
    fn cookies(&self) -> &Cookies {
        &self.backstage.cookies
    }

    fn public_address(&self) -> Option<&Address> {
        None
    }

    fn alive(&self) -> Alive {
        Stage::alive(self)
    }

    fn is_presenter(&self, headers: &HeaderMap) -> bool {
        self.backstage.presenter.sent(headers)
    }
}

impl Stage {
    /// Reads the read model.
    pub fn known<R>(&self, read: impl FnOnce(&ReadModel) -> R) -> R {
        read(&self.read_model.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the read model.
    pub fn learn<R>(&self, change: impl FnOnce(&mut ReadModel) -> R) -> R {
        change(&mut self.read_model.write().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn alive(&self) -> Alive {
        let pulsar = self.context.bus.is_connected();
        self.known(|known| known.alive(pulsar, Now::read()))
    }

    /// What a led window is told; `None` if this one is not led.
    pub fn lead(&self, is_led: bool) -> Option<Lead> {
        is_led.then(|| Lead::new(self.context.stage.follow()))
    }

    /// Stores a request to delivery. It is safe when this returns.
    ///
    /// # Errors
    /// If it cannot be stored in time. Then nothing is asked.
    pub async fn request(&self, request: DeliveryRequest) -> Result<(), ControlError> {
        let begun = timeout(WRITTEN_WITHIN, self.store.begin()).await;
        let mut transaction = begun.map_err(|_| ControlError::Locked)??;
        let order_id = request.order_id();
        transaction.trace = self.known(|known| known.orders.get(order_id)?.trace);
        enqueue(&mut transaction, DELIVERY_REQUESTS, order_id.as_str(), now(), &request)?;
        transaction.commit().await?;
        self.outbox.wake();
        Ok(())
    }

    /// Returns when all services run in this episode and the shop has beers to sell. It does not wait for paused
    /// services.
    pub async fn everybody_moved(&self) {
        let mut version = self.live.version();
        loop {
            let paused = self.context.stage.settings().choices.paused.clone();
            let sells = self.known(|known| known.shelves.all_shown()) || !paused.is_empty();
            if self.not_moved().is_empty() && sells {
                return;
            }
            if version.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Services that do not report that they run in this episode.
    pub fn not_moved(&self) -> Vec<Service> {
        let here = self.alive().services;
        Service::DEMO.into_iter().filter(|service| !here.contains(service)).collect()
    }

    /// Deletes the earlier episodes, once every service reports that it runs in this one.
    pub async fn forget_earlier_episodes(&self) {
        let episode = self.context.bus.scope().episode;
        loop {
            let mut version = self.live.version();
            while !self.not_moved().is_empty() {
                if version.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
            match self.backstage.director.forget_earlier(episode).await {
                Ok(()) => std::future::pending().await,
                Err(error) => warn!(%error, "the earlier episodes are not deleted yet"),
            }
            tokio::time::sleep(FORGET_AGAIN_AFTER).await;
        }
    }

    /// Returns when this service reports that it knows the current settings.
    pub async fn has_heard(&self, service: Service) {
        let mut changes = self.live.version();
        while self.known(|known| known.settings_version(service)) != self.backstage.director.settings().version {
            if changes.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

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

/// How long to wait after the broker could not delete what belonged to earlier episodes.
const FORGET_AGAIN_AFTER: Duration = Duration::from_secs(10);
/// How long the stage may take after a crash to know everything again.
pub const UP_TO_DATE_WITHIN: Duration = Duration::from_secs(5);
/// How long a request may wait for the lock of the database. After that nothing is asked.
const WRITTEN_WITHIN: Duration = Duration::from_secs(5);

/// What outlives an episode.
pub struct Backstage {
    /// Who may do more than order.
    pub presenter: Arc<Authenticator>,
    /// The presenter's hand: settings, commands, questions.
    pub director: Director,
    /// The address phones come in by.
    pub entrance: Arc<Entrance>,
    cookies: Cookies,
    open: watch::Sender<Option<Arc<Stage>>>,
}

impl Backstage {
    /// No stage is open yet.
    pub fn new(
        presenter: Arc<Authenticator>,
        director: Director,
        entrance: Arc<Entrance>,
        cookies: Cookies,
    ) -> Arc<Self> {
        Arc::new(Backstage { presenter, director, entrance, cookies, open: watch::Sender::new(None) })
    }

    /// From now on this stage is the one of the episode that runs; none, while there is no such episode.
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

/// What the stage is made of.
pub struct Stage {
    pub context: Context,
    /// Orders are placed there.
    pub shop: Arc<Shop>,
    pub backstage: Arc<Backstage>,
    /// Its checkpoint, and the requests that are on their way.
    pub store: Store,
    pub outbox: OutboxHandle,
    /// Who wants to know.
    pub live: Arc<LiveUpdates>,
    /// What the broker says of itself.
    pub broker_monitor: Arc<BrokerMonitor>,
    /// The pages as their readers were shown them.
    pub fragments: FragmentCache<(Page, Reader)>,
    pub read_model: RwLock<ReadModel>,
    /// By then everything was read again that was read after the last checkpoint.
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
    /// Reads what is known.
    pub fn known<R>(&self, read: impl FnOnce(&ReadModel) -> R) -> R {
        read(&self.read_model.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes what is known.
    pub fn learn<R>(&self, change: impl FnOnce(&mut ReadModel) -> R) -> R {
        change(&mut self.read_model.write().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn alive(&self) -> Alive {
        let pulsar = self.context.bus.is_connected();
        self.known(|known| known.alive(pulsar, Now::read()))
    }

    /// Tells a window where the speaker is, if it is to know.
    pub fn lead(&self, is_led: bool) -> Option<Lead> {
        is_led.then(|| Lead::new(self.context.stage.follow()))
    }

    /// Stores a request to delivery; it is safe when this returns.
    ///
    /// # Errors
    /// If it cannot be stored in time. Then nothing is asked.
    pub async fn request(&self, request: DeliveryRequest) -> Result<(), ControlError> {
        let begun = timeout(WRITTEN_WITHIN, self.store.begin()).await;
        let mut transaction = begun.map_err(|_| ControlError::Locked)??;
        let order_id = request.order_id();
        enqueue(&mut transaction, DELIVERY_REQUESTS, order_id.as_str(), now(), Some(order_id), &request)?;
        transaction.commit().await?;
        self.outbox.wake();
        Ok(())
    }

    /// Returns when all services run in this episode and the shop has beers to sell. What is paused is not waited for.
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

    /// Services that do not say that they run in this episode.
    pub fn not_moved(&self) -> Vec<Service> {
        let here = self.alive().services;
        Service::DEMO.into_iter().filter(|service| !here.contains(service)).collect()
    }

    /// Deletes what belonged to the episodes before this one, once every service has said that it runs in this one.
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
                Err(error) => warn!(%error, "the episodes before are not deleted yet"),
            }
            tokio::time::sleep(FORGET_AGAIN_AFTER).await;
        }
    }

    /// Returns when this service has said that it knows the settings as they are.
    pub async fn has_heard(&self, service: Service) {
        let mut changes = self.live.version();
        while self.known(|known| known.settings_version(service)) != self.backstage.director.settings().version {
            if changes.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

//! What all parts of the website share.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use events::{
    beers::Beer,
    delivery::DeliveryRequest,
    ids::{Moment, OrderId, Service},
    orders::PlaceOrder,
};
use service::{Context, Now};
use store::{OutboxHandle, Store, StoreError};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout},
};
use tracing::warn;

use crate::{app::door::House, order::view::{Alive, OrderView, Status}, shop::{control::{request::Letter, spans::Spans}, pages::order::is_finished, store::read}, stage::{control::broker_monitor::Observatory, read_model::{Known, stock::StockView}}, web::http::{live::Live, sse::Renderings}};

/// Most letters that wait at the desk.
pub const AT_THE_DESK_MAX: usize = 1_000;

/// How long to wait after the broker could not delete what belonged to earlier episodes.
const FORGET_AGAIN_AFTER: Duration = Duration::from_secs(10);

/// Episodes before this one whose orders still have a page.
const EPISODES_REMEMBERED: usize = 5;

/// The website, for one episode.
pub struct Site {
    /// Everything around it.
    pub context: Context,
    /// Its books.
    pub store: Store,
    /// Its outbox.
    pub outbox: OutboxHandle,
    /// Whoever writes into the books, writes here.
    pub desk: mpsc::Sender<Letter>,
    /// What outlives the episode: the door, the presenter, the director.
    pub house: Arc<House>,
    /// Where finished orders are sent as spans, if anybody collects them.
    pub spans: Option<Spans>,
    /// Who wants to know.
    pub live: Live,
    /// What the broker says of itself.
    pub observatory: Observatory,
    /// What they were shown.
    pub renderings: Renderings,
    known: RwLock<Known>,
}

/// How long an order or a request may wait for the desk: another program may hold the lock of the books. After that
/// nothing is done about it.
const TAKEN_WITHIN: Duration = Duration::from_secs(5);
/// How long the desk may take for what it took in time.
const WRITTEN_WITHIN: Duration = Duration::from_secs(6);

/// The desk does not answer: another program holds the lock of the books, the website is about to stop, or its disk is
/// full.
#[derive(Debug, thiserror::Error)]
#[error("the books cannot be written to")]
pub struct DeskClosed;

/// The key was used for another order before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this key was used for another order")]
pub struct KeyReused;

/// Why an order was not placed.
#[derive(Debug, thiserror::Error)]
pub enum NotPlaced {
    /// It could not be written.
    #[error(transparent)]
    DeskClosed(#[from] DeskClosed),
    /// Its key is another order's.
    #[error(transparent)]
    KeyReused(#[from] KeyReused),
}

/// What tells that an order was sent again. Keys of clients and tokens of forms are never the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// A client's `Idempotency-Key`: it is for one order only.
    Client(String),
    /// The token of a form: sent again with the same order it is the same one, with another it is a new one.
    Form(String),
}

impl Site {
    /// A website with what it knew before.
    pub fn new(
        context: Context,
        store: Store,
        outbox: OutboxHandle,
        desk: mpsc::Sender<Letter>,
        house: Arc<House>,
        spans: Option<Spans>,
        known: Known,
    ) -> Arc<Self> {
        let (live, observatory) = (Live::default(), Observatory::default());
        let (renderings, known) = (Renderings::default(), RwLock::new(known));
        Arc::new(Site { context, store, outbox, desk, house, spans, live, observatory, renderings, known })
    }

    /// Reads what is known.
    pub fn known<R>(&self, read: impl FnOnce(&Known) -> R) -> R {
        read(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes what is known.
    pub fn learn<R>(&self, change: impl FnOnce(&mut Known) -> R) -> R {
        change(&mut self.known.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// Who is there.
    pub fn alive(&self) -> Alive {
        let pulsar = self.context.bus.is_connected();
        let mut alive = self.known(|known| known.alive(pulsar, Now::read()));
        let own = self.context.bus.standing_still().into_iter().map(|topic| (Service::Website, topic));
        alive.standing_still.extend(own);
        alive
    }

    /// `/stage/stock`, with the explanation of one beer if that is asked for.
    pub fn stock(&self, explained: Option<&'static Beer>) -> StockView {
        let folding = self.context.stage.settings().choices.stock_level;
        self.known(|known| known.stock(folding, explained, Now::read()))
    }

    /// Puts an order into the books; it is safe when this returns. The same key twice is the same order.
    ///
    /// # Errors
    /// If the books cannot be written to in time, or the key is another order's. Then nothing was placed.
    pub async fn place(&self, order: PlaceOrder, key: Option<Key>, at: Moment) -> Result<OrderId, NotPlaced> {
        let (reply, answer) = oneshot::channel();
        let until = Some(Instant::now() + TAKEN_WITHIN);
        self.bring(Letter::Place { order, key, at, until, reply }, answer).await?.map_err(NotPlaced::from)
    }

    /// Puts a request to delivery into the books; it is safe when this returns.
    ///
    /// # Errors
    /// If the books cannot be written to in time. Then nothing is asked.
    pub async fn request(&self, request: DeliveryRequest) -> Result<(), DeskClosed> {
        let (reply, answer) = oneshot::channel();
        self.bring(Letter::Request { request, until: Instant::now() + TAKEN_WITHIN, reply }, answer).await
    }

    async fn bring<A>(&self, letter: Letter, answer: oneshot::Receiver<A>) -> Result<A, DeskClosed> {
        let answered = async {
            self.desk.send(letter).await.map_err(|_| DeskClosed)?;
            answer.await.map_err(|_| DeskClosed)
        };
        timeout(WRITTEN_WITHIN, answered).await.map_err(|_| DeskClosed)?
    }

    /// Puts an order into the books without waiting for its id, only for room at the desk.
    ///
    /// # Errors
    /// If the books cannot be written to.
    pub async fn hand_in(&self, order: PlaceOrder, at: Moment) -> Result<(), DeskClosed> {
        let (reply, _nobody_waits) = oneshot::channel();
        self.desk.send(Letter::Place { order, key: None, at, until: None, reply }).await.map_err(|_| DeskClosed)
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
        Service::ALL.into_iter().filter(|service| !here.contains(service)).collect()
    }

    /// Deletes what belonged to the episodes before this one, once every service has said that it runs in this one.
    pub async fn forget_earlier_episodes(&self) {
        let episode = self.context.bus.place().episode;
        loop {
            let mut version = self.live.version();
            while !self.not_moved().is_empty() {
                if version.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
            match self.house.director.forget_earlier(episode).await {
                Ok(()) => std::future::pending().await,
                Err(error) => warn!(%error, "the episodes before are not deleted yet"),
            }
            tokio::time::sleep(FORGET_AGAIN_AFTER).await;
        }
    }

    /// Returns when this service has said that it knows the settings as they are.
    pub async fn has_heard(&self, service: Service) {
        let mut changes = self.live.version();
        while self.known(|known| known.settings_version(service)) != self.house.director.settings().version {
            if changes.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// An order of this episode, or of one before it whose books are still there: what was under way then has ended.
    ///
    /// # Errors
    /// If the books cannot be read.
    pub async fn order(&self, order_id: &OrderId) -> Result<Option<OrderView>, StoreError> {
        if let Some(order) = books::order(&self.store, order_id).await? {
            return Ok(Some(order));
        }
        let (folder, service) = (&self.context.data_dir, self.context.service.name());
        let before = (1..self.context.bus.place().episode).rev().take(EPISODES_REMEMBERED);
        for episode in before {
            let Some(store) = Store::peek(folder, service, episode) else { continue };
            // Of an older version of this suite it may be; then it says nothing.
            let found = books::order(&store, order_id).await;
            store.close().await;
            if let Ok(Some(mut order)) = found {
                if !is_finished(order.status) {
                    order.status = Status::Ended;
                }
                return Ok(Some(order));
            }
        }
        Ok(None)
    }
}

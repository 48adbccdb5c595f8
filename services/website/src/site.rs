//! What all parts of the website share.

use std::sync::{Arc, PoisonError, RwLock};

use events::{
    ids::{Moment, OrderId},
    orders::PlaceOrder,
};
use service::{Context, now};
use store::{OutboxHandle, Store};
use tokio::sync::{mpsc, oneshot};

use crate::{desk::Letter, house::House, known::Known, live::Live, streams::Renderings, views::Alive};

/// Most letters that wait at the desk.
pub const AT_THE_DESK_MAX: usize = 1_000;

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
    /// Who wants to know.
    pub live: Live,
    /// What they were shown.
    pub renderings: Renderings,
    known: RwLock<Known>,
}

/// The desk does not answer: the website is about to stop, or its disk is full.
#[derive(Debug, thiserror::Error)]
#[error("the books cannot be written to")]
pub struct DeskClosed;

impl Site {
    /// A website with what it knew before.
    pub fn new(
        context: Context,
        store: Store,
        outbox: OutboxHandle,
        desk: mpsc::Sender<Letter>,
        house: Arc<House>,
        known: Known,
    ) -> Arc<Self> {
        let (live, renderings, known) = (Live::default(), Renderings::default(), RwLock::new(known));
        Arc::new(Site { context, store, outbox, desk, house, live, renderings, known })
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
        self.known(|known| known.alive(pulsar, now()))
    }

    /// Puts an order into the books; it is safe when this returns. The same key twice is the same order.
    ///
    /// # Errors
    /// If the books cannot be written to.
    pub async fn place(&self, order: PlaceOrder, key: Option<String>, at: Moment) -> Result<OrderId, DeskClosed> {
        let (reply, answer) = oneshot::channel();
        self.desk.send(Letter::Place { order, key, at, reply }).await.map_err(|_| DeskClosed)?;
        answer.await.map_err(|_| DeskClosed)
    }
}

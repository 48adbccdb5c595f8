//! The shop, for one episode.

use std::{
    net::SocketAddr,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use axum::{
    extract::{ConnectInfo, FromRequestParts, OptionalFromRequestParts, rejection::ExtensionRejection},
    http::request::Parts,
};
use events::{
    ids::{Moment, OrderId, Service},
    orders::PlaceOrder,
};
use service::{Context, idempotent_consumer::WriterHandle};
use store::{Store, StoreError};
use tokio::time::{Instant, timeout};
use tracing::{Span, field::display};
use web::{
    http::{cookies::Cookies, live::LiveUpdates, page_stream::FragmentCache, site::Site, trace, visitor::Reader},
    order::{
        names::{NamesCustomers, redacted},
        view::{OrderView, Status},
    },
    pure::{address::Address, layout::Alive},
};

use crate::{
    control::{
        customers::Customers,
        handler::ShopHandler,
        request::{Answer, Key, KeyReused, NewOrder, NotPlaced, Work, WriterClosed},
    },
    pure::{form::Offer, order_rate::Orderer},
    read_model::ReadModel,
    store::read,
};

/// How many earlier episodes still show their orders.
const EPISODES_REMEMBERED: usize = 5;
/// How long an order may wait for the writer: another program may hold the lock of the database. After that it is not
/// placed.
const TAKEN_WITHIN: Duration = Duration::from_secs(5);
/// How long the writer may take for an order that it took in time.
const WRITTEN_WITHIN: Duration = Duration::from_secs(6);

/// What the shop is made of.
pub struct Shop {
    pub context: Context,
    pub store: Store,
    /// The one writer of the database.
    pub writer: WriterHandle<ShopHandler>,
    /// They outlive the episode.
    pub customers: Arc<Customers>,
    /// Tells open streams what changed.
    pub live: Arc<LiveUpdates>,
    pub read_model: Arc<RwLock<ReadModel>>,
    /// The page with the beers, as it was last rendered.
    pub fragments: FragmentCache<Reader>,
}

impl Site for Shop {
    fn cookies(&self) -> &Cookies {
        &self.customers.cookies
    }

    fn public_address(&self) -> Option<&Address> {
        self.customers.public.as_ref()
    }

    fn alive(&self) -> Alive {
        Shop::alive(self)
    }
}

impl FromRequestParts<Arc<Shop>> for Orderer {
    type Rejection = ExtensionRejection;

    async fn from_request_parts(parts: &mut Parts, shop: &Arc<Shop>) -> Result<Self, ExtensionRejection> {
        let ConnectInfo(peer) = ConnectInfo::<SocketAddr>::from_request_parts(parts, shop).await?;
        Ok(shop.customers.orderer(&parts.headers, peer))
    }
}

impl OptionalFromRequestParts<Arc<Shop>> for Orderer {
    type Rejection = ExtensionRejection;

    async fn from_request_parts(parts: &mut Parts, shop: &Arc<Shop>) -> Result<Option<Self>, ExtensionRejection> {
        let ConnectInfo(peer) = ConnectInfo::<SocketAddr>::from_request_parts(parts, shop).await?;
        Ok(shop.customers.counted(&parts.headers, peer))
    }
}

impl Shop {
    /// Reads what is known.
    pub fn known<R>(&self, read: impl FnOnce(&ReadModel) -> R) -> R {
        read(&self.read_model.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether Pulsar is there, and on which topics the shop gets none of the messages that wait. The shop does not know how
    /// the other services are.
    pub fn alive(&self) -> Alive {
        let standing_still = self.context.bus.standing_still().into_iter().map(|topic| (Service::Website, topic));
        let pulsar = self.context.bus.is_connected();
        Alive { pulsar, services: vec![Service::Website], standing_still: standing_still.collect() }
    }

    /// All beers, in the order of the catalogue, as customers see them.
    pub fn offers(&self) -> Vec<Offer> {
        self.known(ReadModel::offers)
    }

    /// A view as everybody may see it: with names shortened, if they are to be hidden.
    pub fn redacted<View: NamesCustomers>(&self, view: View) -> View {
        redacted(view, &self.context.stage.settings().choices)
    }

    /// Stores an order. It is safe when this returns. The same key twice is the same order.
    ///
    /// # Errors
    /// If it cannot be stored in time, or the key belongs to another order. Then nothing was placed.
    pub async fn place(&self, order: PlaceOrder, key: Option<Key>, at: Moment) -> Result<OrderId, NotPlaced> {
        let new = NewOrder { order_id: OrderId::random(), order, key, at, trace: trace::current() };
        match self.write(Work::Place(new)).await? {
            Some(Answer::Placed(order_id)) => {
                Span::current().record("beers.order_id", display(&order_id));
                Ok(order_id)
            }
            Some(Answer::KeyReused) => Err(KeyReused.into()),
            Some(Answer::Written) | None => Err(WriterClosed.into()),
        }
    }

    async fn write(&self, work: Work) -> Result<Option<Answer>, WriterClosed> {
        let written = self.writer.request(work, Instant::now() + TAKEN_WITHIN);
        timeout(WRITTEN_WITHIN, written).await.map_err(|_| WriterClosed)?.map_err(|_| WriterClosed)
    }

    /// An order of this episode, or of an earlier one whose database still exists. What was under way there has ended.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn order(&self, order_id: &OrderId) -> Result<Option<OrderView>, StoreError> {
        if let Some(order) = read::order(&self.store, order_id).await? {
            return Ok(Some(order));
        }
        let (folder, service) = (&self.context.data_dir, self.context.service.name());
        let before = (1..self.context.bus.scope().episode).rev().take(EPISODES_REMEMBERED);
        for episode in before {
            let Some(store) = Store::peek(folder, service, episode) else { continue };
            // An older version of this suite may have written it; then it cannot be read.
            let found = read::order(&store, order_id).await;
            store.close().await;
            if let Ok(Some(mut order)) = found {
                if !order.status.is_finished() {
                    order.status = Status::Ended;
                }
                return Ok(Some(order));
            }
        }
        Ok(None)
    }

    /// An order as everybody may see it, or unchanged for the browser that ordered it.
    ///
    /// # Errors
    /// As [`Shop::order`].
    pub async fn order_shown(&self, order_id: &OrderId, is_own: bool) -> Result<Option<OrderView>, StoreError> {
        let order = self.order(order_id).await?;
        Ok(if is_own { order } else { order.map(|order| self.redacted(order)) })
    }
}

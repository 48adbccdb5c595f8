//! The website as a whole: what outlives an episode, and what each episode opens.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, RwLock},
};

use axum::{Router, http::HeaderValue};
use service::{
    Context, ServiceFuture, TaskGroup, environment,
    idempotent_consumer::{AcknowledgeAfter, Writer},
};
use tracing::info;
use web::{
    http::{
        addresses::{self, HTTP_PORT},
        cookies::Cookies,
        live::LiveUpdates,
        page_stream::FragmentCache,
        process::{self, Episodes},
        server::policy,
        stage_key::StageKey,
    },
    pure::{address::Address, format},
};

use crate::{
    app::routes,
    control::{consume, customers::Customers, handler::ShopHandler, shop::Shop},
    read_model::ReadModel,
    store::{levels, orders::TABLES, waiting},
};

/// Runs the website on `HTTP_PORT` until it is told to stop. It opens without a broker as well.
///
/// # Errors
/// If the port is taken, or the database fails.
pub fn run(context: Context) -> ServiceFuture {
    Box::pin(async move {
        let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, HTTP_PORT.number()?));
        format::show_times_in(environment::zone()?);
        run_on(context, address).await
    })
}

/// Runs the website at this address.
///
/// # Errors
/// As [`run`].
pub fn run_on(context: Context, address: SocketAddr) -> ServiceFuture {
    Box::pin(async move {
        // First of all, so that a port that is taken is reported at once.
        let listener = process::listen(address, HTTP_PORT.variable).await?;
        let lasting = Lasting::new(&context)?;
        process::serve(context, listener, TaskGroup::default(), lasting).await
    })
}

/// What outlives an episode.
struct Lasting {
    customers: Arc<Customers>,
    stage: Address,
}

impl Lasting {
    fn new(context: &Context) -> anyhow::Result<Self> {
        let (cookies, key) = (Cookies::of_suite(&context.data_dir)?, StageKey::kept_in(&context.data_dir)?);
        let customers = Arc::new(Customers::new(cookies, key, addresses::public()?));
        Ok(Lasting { customers, stage: addresses::stage()? })
    }
}

impl Episodes for Lasting {
    type Site = Shop;

    async fn open(&self, context: Context) -> anyhow::Result<(Arc<Shop>, TaskGroup)> {
        let mut tasks = TaskGroup::default();
        let store = context.open_store(&TABLES).await?;
        let outbox = context.start_outbox(&mut tasks, &store);
        outbox.wake();
        let read_model = ReadModel::new(levels::load(&store).await?, waiting::count(&store).await?);
        let (read_model, live) = (Arc::new(RwLock::new(read_model)), Arc::new(LiveUpdates::default()));
        let handler = ShopHandler::new(&context, &live, &read_model);
        // A customer waits for the commit only: then the order is safe, with or without a broker.
        let (mut at_work, writer) = Writer::new(&context, &store, &outbox, AcknowledgeAfter::Commit, handler);
        tasks.start(async move { at_work.work().await });
        info!(episode = context.bus.scope().episode, "the shop is open");
        let shop = Arc::new(Shop {
            context,
            store,
            writer,
            customers: Arc::clone(&self.customers),
            live,
            read_model,
            fragments: FragmentCache::default(),
        });
        consume::start(&shop, &mut tasks);
        Ok((shop, tasks))
    }

    /// Only the stage shows the shop in a frame.
    fn policy(&self) -> HeaderValue {
        let ancestors = self.stage.names_of_this_machine();
        policy(&[], &ancestors.iter().map(Address::url).collect::<Vec<_>>())
    }

    fn routes(&self, shop: &Arc<Shop>) -> Router {
        routes::routes(shop, &self.stage)
    }

    async fn close(&self, shop: &Shop) {
        shop.store.close().await;
    }
}

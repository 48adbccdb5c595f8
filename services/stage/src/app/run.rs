//! The stage as a whole: what outlives an episode, and what each episode opens.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, RwLock},
};

use anyhow::Context as _;
use axum::{Router, http::HeaderValue};
use service::{Context, Now, ServiceFuture, TaskGroup, environment};
use tokio::time::Instant;
use web::{
    http::{
        addresses::{self, STAGE_PORT},
        cookies::Cookies,
        page_stream::FragmentCache,
        process::{self, Episodes},
        server::policy,
        stage_key::StageKey,
    },
    pure::{address::Address, format},
};

use crate::{
    app::routes,
    control::{
        broker_monitor, consume, crowd,
        director::Director,
        entrance::{self, Entrance},
        presenter::Authenticator,
        shop::Shop,
        stage::{Backstage, Stage, UP_TO_DATE_WITHIN},
    },
    store::checkpoint::{self, Checkpoint},
};

/// Lets other machines reach the stage and its sign-in.
const STAGE_HOST: &str = "STAGE_HOST";

/// Runs the stage on `STAGE_PORT` until it is told to stop. It opens without a broker as well.
///
/// # Errors
/// If the port is taken, or the database fails.
pub fn run(context: Context) -> ServiceFuture {
    Box::pin(async move {
        let address = SocketAddr::new(host()?, STAGE_PORT.number()?);
        format::show_times_in(environment::zone()?);
        run_on(context, address, addresses::shop()?).await
    })
}

/// Only this machine, unless `STAGE_HOST` says otherwise.
fn host() -> anyhow::Result<IpAddr> {
    let host = environment::text(STAGE_HOST);
    let all_or_none = [Ipv4Addr::LOCALHOST, Ipv4Addr::UNSPECIFIED];
    let host = all_or_none.into_iter().find(|known| host.as_ref().is_none_or(|host| host == &known.to_string()));
    host.map(IpAddr::V4).with_context(|| format!("{STAGE_HOST} must be 127.0.0.1 or 0.0.0.0"))
}

/// Runs the stage at this address, with the shop at that one.
///
/// # Errors
/// As [`run`].
pub fn run_on(context: Context, address: SocketAddr, shop: Address) -> ServiceFuture {
    Box::pin(open_on(context, address, shop))
}

async fn open_on(context: Context, address: SocketAddr, shop: Address) -> anyhow::Result<()> {
    // First of all, so that a port that is taken is reported at once.
    let listener = process::listen(address, STAGE_PORT.variable).await?;
    let lasting = Lasting::new(&context, listener.local_addr()?.port(), &shop)?;
    let mut around = TaskGroup::default();
    let backstage = Arc::clone(&lasting.backstage);
    around.start(backstage.director.questions.listen());
    around.start(async move {
        backstage.director.keep_certain().await;
        Ok(())
    });
    process::serve(context, listener, around, lasting).await
}

/// What outlives an episode.
struct Lasting {
    backstage: Arc<Backstage>,
    shop: Arc<Shop>,
}

impl Lasting {
    /// A stage that listens on this port and is not open yet.
    fn new(context: &Context, port: u16, shop: &Address) -> anyhow::Result<Self> {
        let cookies = Cookies::of_suite(&context.data_dir)?;
        let presenter = Arc::new(Authenticator::from_environment(&context.data_dir, cookies.clone())?);
        let director = Director::new(context.clone())?;
        let entrance = Arc::new(Entrance::from_environment(port)?);
        let shop = Arc::new(Shop::at(shop, StageKey::kept_in(&context.data_dir)?)?);
        Ok(Lasting { backstage: Backstage::new(presenter, director, entrance, cookies), shop })
    }
}

impl Episodes for Lasting {
    type Site = Stage;

    async fn open(&self, context: Context) -> anyhow::Result<(Arc<Stage>, TaskGroup)> {
        let mut tasks = TaskGroup::default();
        let store = context.open_store(&checkpoint::TABLES).await?;
        let outbox = context.start_outbox(&mut tasks, &store);
        outbox.wake();
        let (checkpoint, read_model, positions) = Checkpoint::load(&store, Now::read()).await?;
        let stage = Arc::new(Stage {
            context: context.clone(),
            shop: Arc::clone(&self.shop),
            backstage: Arc::clone(&self.backstage),
            store,
            outbox,
            live: Arc::default(),
            broker_monitor: Arc::default(),
            fragments: FragmentCache::default(),
            read_model: RwLock::new(read_model),
            up_to_date_by: Instant::now() + UP_TO_DATE_WITHIN,
        });
        consume::start(&stage, checkpoint, positions, &mut tasks)?;
        tasks.start(crowd::come(Arc::clone(&stage)));
        tasks.start(broker_monitor::watch(context, Arc::clone(&stage.broker_monitor), Arc::clone(&stage.live)));
        tasks.start(entrance::keep_trying(Arc::clone(&self.backstage.entrance), Arc::clone(&stage.live)));
        let tidy = Arc::clone(&stage);
        tasks.start(async move {
            tidy.forget_earlier_episodes().await;
            Ok(())
        });
        self.backstage.opens(Some(Arc::clone(&stage)));
        Ok((stage, tasks))
    }

    fn policy(&self) -> HeaderValue {
        policy(&[], &[])
    }

    fn routes(&self, stage: &Arc<Stage>) -> Router {
        routes::routes(stage)
    }

    async fn close(&self, stage: &Stage) {
        self.backstage.opens(None);
        stage.store.close().await;
    }
}

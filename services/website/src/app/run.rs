//! The website as a whole: one episode after another.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::{Arc, RwLock},
    time::Duration,
};

use anyhow::Context as _;
use bus::uncancelled;
use events::{ids::Moment, orders::PlaceOrder, settings::StageSettings, topics::STAGE};
use futures_util::future::BoxFuture;
use service::{
    Context, HttpPort, Now, ServiceFuture, TaskGroup, connections, environment,
    idempotent_consumer::{AcknowledgeAfter, Writer},
    presence, stage,
};
use tokio::{net::TcpListener, time::Instant};
use tracing::{info, warn};
use web::{
    http::{
        admission::{RESERVED, STREAMS_MAX},
        cookies::Cookies,
        live::LiveUpdates,
        page_stream::FragmentCache,
    },
    pure::format,
};

use crate::{
    app::door::Door,
    shop::{
        control::{
            consume,
            customers::Customers,
            handler::ShopHandler,
            shop::Shop,
            spans::{self, Collector},
        },
        read_model::ReadModel,
        store::{levels, orders::TABLES, waiting},
    },
    stage::{
        control::{
            broker_monitor, consume as stage_consume, crowd,
            customers::{NotTaken, PlaceOrders},
            director::Director,
            entrance::Entrance,
            presenter::Authenticator,
            stage::{Backstage, Stage, UP_TO_DATE_WITHIN},
        },
        store::checkpoint::{self, Checkpoint},
    },
};

/// The port of the shop.
pub const HTTP_PORT: HttpPort = HttpPort { variable: "HTTP_PORT", default: 8000 };

/// How long the broker is asked which episode runs before the website opens with the one it remembers.
const ASK_WITHIN: Duration = Duration::from_millis(1500);
/// How long requests under way may take when the website ends.
const DRAIN_WITHIN: Duration = Duration::from_secs(3);

/// Connections: every stream that may be open, and half as many for all else. One address has no more than two thirds of
/// them. Below the 4,096 files that `docker-compose.yml` lets the website open.
const CONNECTIONS: connections::Limits =
    connections::Limits { connections: (STREAMS_MAX + RESERVED) / 2 * 3, of_an_address: STREAMS_MAX + RESERVED };

/// The website at work on `HTTP_PORT` until it is told to stop. It opens without a broker as well.
///
/// # Errors
/// If the port is taken, or the database fails.
pub fn run(context: Context) -> ServiceFuture {
    Box::pin(open_as_set(context))
}

async fn open_as_set(context: Context) -> anyhow::Result<()> {
    let port = HTTP_PORT.number()?;
    format::show_times_in(environment::zone()?);
    run_on(context, SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))).await
}

/// The website at work at this address.
///
/// # Errors
/// As [`run`].
pub fn run_on(context: Context, address: SocketAddr) -> ServiceFuture {
    Box::pin(open_on(context, address))
}

async fn open_on(context: Context, address: SocketAddr) -> anyhow::Result<()> {
    // Before anything else: a port that is taken is said at once.
    let port = address.port();
    let listener =
        TcpListener::bind(address).await.with_context(|| format!("port {port} (HTTP_PORT) cannot be listened on"))?;
    if context.episode_id.is_empty()
        && let Some(settings) = which_episode(&context).await
    {
        context.stage.change(settings);
    }
    let mut around = TaskGroup::default();
    around.start(stage::listen(context.clone()));
    around.start(presence::announce(context.clone()));
    let lasting = Lasting::new(&context, listener.local_addr()?.port())?;
    let backstage = Arc::clone(&lasting.backstage);
    around.start(backstage.director.questions.listen());
    around.start(async move {
        backstage.director.keep_certain().await;
        Ok(())
    });
    let routes = lasting.door.routes(&context);
    let (mut serving, stop) = (TaskGroup::default(), context.shutdown.clone());
    serving.start(async move {
        connections::serve(CONNECTIONS, listener, routes, stop).await;
        Ok(())
    });
    let ended = tokio::select! {
        ended = serving.ended() => ended,
        ended = around.run_until(&context.shutdown) => ended,
        ended = in_episodes(&context, &lasting) => ended,
    };
    context.shutdown.cancel();
    if tokio::time::timeout(DRAIN_WITHIN, serving.ended()).await.is_err() {
        warn!("not every request was answered in time");
    }
    ended
}

/// The episode the broker names, if it answers soon; else the one that ran last; else none is known.
async fn which_episode(context: &Context) -> Option<StageSettings> {
    let bus = context.bus.clone();
    let asking = uncancelled(async move { stage::current(&bus).await });
    match tokio::time::timeout(ASK_WITHIN, asking).await {
        Ok(Ok(Some(settings))) => Some(settings),
        _ => remembered(context),
    }
}

fn memory(context: &Context) -> PathBuf {
    context.data_dir.join("website-episode.json")
}

fn remembered(context: &Context) -> Option<StageSettings> {
    serde_json::from_str(&fs::read_to_string(memory(context)).ok()?).ok()
}

fn remember(context: &Context, settings: &StageSettings) -> anyhow::Result<()> {
    let path = memory(context);
    fs::create_dir_all(&context.data_dir).with_context(|| context.data_dir.display().to_string())?;
    fs::write(&path, serde_json::to_vec(settings)?).with_context(|| path.display().to_string())
}

/// One episode after another, until told to stop.
async fn in_episodes(context: &Context, lasting: &Lasting) -> anyhow::Result<()> {
    while !context.shutdown.is_cancelled() {
        let settings = context.stage.settings();
        if !settings.episode_id.is_empty() {
            remember(context, &settings)?;
        }
        let episode = context.in_episode(&settings);
        let (shop, stage, tasks) = open(lasting, episode.clone()).await?;
        lasting.door.open(Arc::clone(&shop), Arc::clone(&stage));
        context.presence.runs_in(Some(episode.bus.scope().episode));
        tokio::select! {
            ended = tasks.run_until(&episode.shutdown) => ended?,
            next = episode.episode_over() => info!(episode = next.episode, "another episode has begun"),
        }
        context.presence.runs_in(None);
        lasting.door.close();
        episode.shutdown.cancel();
        shop.store.close().await;
        stage.store.close().await;
    }
    Ok(())
}

/// What outlives an episode.
struct Lasting {
    customers: Arc<Customers>,
    backstage: Arc<Backstage>,
    /// Who collects traces, if anybody does.
    collector: Option<Collector>,
    door: Arc<Door>,
}

impl Lasting {
    /// A website that is not open yet, whose door is at this port.
    fn new(context: &Context, port: u16) -> anyhow::Result<Self> {
        let cookies = Cookies::of_suite(&context.data_dir)?;
        let presenter = Arc::new(Authenticator::from_environment(&context.data_dir, cookies.clone())?);
        let director = Director::new(context.clone())?;
        let entrance = Arc::new(Entrance::from_environment(port)?);
        let customers = Arc::new(Customers::new(cookies.clone(), entrance.public().cloned()));
        let backstage = Backstage::new(presenter, director, entrance, cookies);
        let (collector, door) = (spans::collector(&context.metrics)?, Door::new(Arc::clone(&backstage)));
        Ok(Lasting { customers, backstage, collector, door })
    }
}

/// The shop and the stage of one episode, with the tasks that keep them going.
async fn open(lasting: &Lasting, context: Context) -> anyhow::Result<(Arc<Shop>, Arc<Stage>, TaskGroup)> {
    let mut tasks = TaskGroup::default();
    let shop = open_shop(lasting, context.clone(), &mut tasks).await?;
    let stage = open_stage(lasting, context, &shop, &mut tasks).await?;
    Ok((shop, stage, tasks))
}

async fn open_shop(lasting: &Lasting, context: Context, tasks: &mut TaskGroup) -> anyhow::Result<Arc<Shop>> {
    let store = context.open_store(&TABLES).await?;
    let outbox = context.start_outbox(tasks, &store);
    outbox.wake();
    let read_model = ReadModel::new(levels::load(&store).await?, waiting::count(&store).await?);
    let (read_model, live) = (Arc::new(RwLock::new(read_model)), Arc::new(LiveUpdates::default()));
    let spans = lasting.collector.clone().map(|collector| spans::start(collector, &store, tasks));
    let handler = ShopHandler::new(&context, &live, spans, &read_model);
    // A customer waits for the commit only: the order is safe, whatever becomes of the broker.
    let (mut at_work, writer) = Writer::new(&context, &store, &outbox, AcknowledgeAfter::Commit, handler);
    tasks.start(async move { at_work.work().await });
    info!(episode = context.bus.scope().episode, "the shop is open");
    let shop = Arc::new(Shop {
        context,
        store,
        writer,
        customers: Arc::clone(&lasting.customers),
        presenter: Arc::clone(&lasting.backstage.presenter),
        live,
        read_model,
        fragments: FragmentCache::default(),
    });
    consume::start(&shop, tasks);
    Ok(shop)
}

async fn open_stage(
    lasting: &Lasting,
    context: Context,
    shop: &Arc<Shop>,
    tasks: &mut TaskGroup,
) -> anyhow::Result<Arc<Stage>> {
    let store = context.open_store_of(STAGE.name, &checkpoint::TABLES).await?;
    let outbox = context.start_outbox(tasks, &store);
    outbox.wake();
    let (checkpoint, read_model, positions) = Checkpoint::load(&store, Now::read()).await?;
    let stage = Arc::new(Stage {
        context: context.clone(),
        shop: Arc::<Shop>::clone(shop),
        backstage: Arc::clone(&lasting.backstage),
        store,
        outbox,
        live: Arc::new(LiveUpdates::sharing(&shop.live.streams)),
        broker_monitor: Arc::default(),
        fragments: FragmentCache::default(),
        read_model: RwLock::new(read_model),
        up_to_date_by: Instant::now() + UP_TO_DATE_WITHIN,
    });
    stage_consume::start(&stage, checkpoint, positions, tasks)?;
    tasks.start(crowd::come(Arc::clone(&stage)));
    tasks.start(broker_monitor::watch(context, Arc::clone(&stage.broker_monitor), Arc::clone(&stage.live)));
    let tidy = Arc::clone(&stage);
    tasks.start(async move {
        tidy.forget_earlier_episodes().await;
        Ok(())
    });
    Ok(stage)
}

impl PlaceOrders for Shop {
    fn place(&self, order: PlaceOrder, at: Moment) -> BoxFuture<'_, Result<(), NotTaken>> {
        Box::pin(async move { self.hand_in(order, at).await.map_err(|_| NotTaken) })
    }
}

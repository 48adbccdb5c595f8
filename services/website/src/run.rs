//! The website as a whole: one episode after another.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use events::stage::StageSettings;
use service::{Context, Serving, Tasks, environment, episode, presence};
use tokio::{net::TcpListener, sync::mpsc};
use tracing::{info, warn};

use crate::{
    books, consume, desk, http,
    presenter::Presenter,
    site::{AT_THE_DESK_MAX, Site},
    store::TABLES,
};

/// How long the broker is asked which episode runs before the website opens with the one it remembers.
const ASK_WITHIN: Duration = Duration::from_millis(1500);
/// How long requests under way may take when the website ends.
const DRAIN_WITHIN: Duration = Duration::from_secs(3);

/// The website at work on `HTTP_PORT` until it is told to stop. It opens without a broker as well.
///
/// # Errors
/// If the port is taken, or the database fails.
pub fn run(context: Context) -> Serving {
    Box::pin(open_as_set(context))
}

async fn open_as_set(context: Context) -> anyhow::Result<()> {
    let port = environment::number("HTTP_PORT", 8000_u16, 1..=u16::MAX)?;
    run_on(context, SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))).await
}

/// The website at work at this address.
///
/// # Errors
/// As [`run`].
pub fn run_on(context: Context, address: SocketAddr) -> Serving {
    Box::pin(open_on(context, address))
}

async fn open_on(context: Context, address: SocketAddr) -> anyhow::Result<()> {
    // Before anything else: a port that is taken is said at once.
    let mut listener = Some(listen(address).await?);
    let mut settings = match context.settings.clone() {
        Some(settings) => Some((*settings).clone()),
        None => which_episode(&context).await,
    };
    loop {
        if let Some(settings) = &settings {
            remember(&context, settings)?;
        }
        let in_episode = context.in_episode(settings.take());
        let open = match listener.take() {
            Some(listener) => listener,
            None => listen(address).await?,
        };
        settings = serve(in_episode, open).await?;
        if settings.is_none() {
            return Ok(());
        }
    }
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let port = address.port();
    TcpListener::bind(address).await.with_context(|| format!("port {port} (HTTP_PORT) cannot be listened on"))
}

/// The episode the broker names, if it answers soon; else the one that ran last; else none is known.
async fn which_episode(context: &Context) -> Option<StageSettings> {
    let bus = context.bus.clone();
    let asking = tokio::spawn(async move { episode::current(&bus).await });
    match tokio::time::timeout(ASK_WITHIN, asking).await {
        Ok(Ok(Ok(Some(settings)))) => Some(settings),
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

/// One episode. Returns the settings of the next one, or none if the website is told to stop.
async fn serve(context: Context, listener: TcpListener) -> anyhow::Result<Option<StageSettings>> {
    let store = context.open_store(&TABLES).await?;
    let mut tasks = Tasks::default();
    let outbox = context.start_outbox(&mut tasks, &store);
    outbox.wake();
    let (letters, waiting) = mpsc::channel(AT_THE_DESK_MAX);
    let presenter = Presenter::from_environment(&context.data_dir)?;
    let known = books::load(&store).await?;
    let site = Site::new(context.clone(), store.clone(), outbox, letters, presenter, known);
    tasks.start(desk::work(Arc::clone(&site), waiting));
    consume::start(&site, &mut tasks);
    tasks.start(presence::announce(context.clone()));
    let routes = http::routes(Arc::clone(&site));
    let stop = context.shutdown.clone().cancelled_owned();
    let serving = tokio::spawn(axum::serve(listener, routes).with_graceful_shutdown(stop).into_future());
    info!(episode = context.bus.place().episode, "the shop is open");
    let working = tasks.run_until(&context.shutdown);
    let next = tokio::select! {
        ended = working => {
            ended?;
            None
        }
        next = episode::ended(&context) => Some(next?),
    };
    context.shutdown.cancel();
    if tokio::time::timeout(DRAIN_WITHIN, serving).await.is_err() {
        warn!("not every request was answered in time");
    }
    store.close().await;
    Ok(next)
}

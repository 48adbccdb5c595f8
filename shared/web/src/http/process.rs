//! A site as a process: it opens at once, with or without a broker, and moves from one episode to the next by itself.

use std::{fs, future::Future, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context as _;
use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware,
    response::{IntoResponse as _, Response},
};
use bus::uncancelled;
use events::settings::StageSettings;
use service::{Context, TaskGroup, connections, health, presence, stage};
use tokio::{net::TcpListener, sync::watch};
use tower::util::ServiceExt as _;
use tracing::{info, warn};

use crate::http::{
    admission::{RESERVED, STREAMS_MAX},
    server::add_headers,
};

/// How long the site asks the broker for the present episode before it opens with the last one it knows.
const ASK_WITHIN: Duration = Duration::from_millis(1500);
/// How long requests may still take when the site stops.
const DRAIN_WITHIN: Duration = Duration::from_secs(3);
/// How long a request may wait between two episodes.
const OPEN_WITHIN: Duration = Duration::from_secs(5);

/// Connections: one for every stream that may be open, and half as many again for everything else. One address gets at
/// most two thirds of them. Below the 4,096 files that `docker-compose.yml` lets a site open.
const CONNECTIONS: connections::Limits =
    connections::Limits { connections: (STREAMS_MAX + RESERVED) / 2 * 3, of_an_address: STREAMS_MAX + RESERVED };

/// The work of a site in each episode. It outlives them.
pub trait Episodes: Send + Sync + 'static {
    /// The site of one episode.
    type Site: Send + Sync;

    /// Opens the site of an episode, with its tasks.
    fn open(&self, context: Context) -> impl Future<Output = anyhow::Result<(Arc<Self::Site>, TaskGroup)>> + Send;

    /// The content security policy of its pages.
    fn policy(&self) -> HeaderValue;

    fn routes(&self, site: &Arc<Self::Site>) -> Router;

    /// Called when the episode is over and its tasks have ended.
    fn close(&self, site: &Self::Site) -> impl Future<Output = ()> + Send;
}

/// Listens at this address; `setting` is the variable that names its port.
pub async fn listen(address: SocketAddr, setting: &str) -> anyhow::Result<TcpListener> {
    let taken = || format!("cannot listen on port {} ({setting})", address.port());
    TcpListener::bind(address).await.with_context(taken)
}

/// Runs a site until it is told to stop, with the tasks around it.
pub async fn serve(
    context: Context,
    listener: TcpListener,
    mut around: TaskGroup,
    episodes: impl Episodes,
) -> anyhow::Result<()> {
    if context.episode_id.is_empty()
        && let Some(settings) = which_episode(&context).await
    {
        context.stage.change(settings);
    }
    around.start(stage::listen(context.clone()));
    around.start(presence::announce(context.clone()));
    let door = Door::default();
    let routes = door.routes(&context, episodes.policy());
    let (mut serving, stop) = (TaskGroup::default(), context.shutdown.clone());
    serving.start(async move {
        connections::serve(CONNECTIONS, listener, routes, stop).await;
        Ok(())
    });
    let ended = tokio::select! {
        ended = serving.ended() => ended,
        ended = around.run_until(&context.shutdown) => ended,
        ended = in_episodes(&context, &door, &episodes) => ended,
    };
    context.shutdown.cancel();
    if tokio::time::timeout(DRAIN_WITHIN, serving.ended()).await.is_err() {
        warn!("some requests were not answered in time");
    }
    ended
}

/// Runs one episode after another until told to stop.
async fn in_episodes(context: &Context, door: &Door, episodes: &impl Episodes) -> anyhow::Result<()> {
    while !context.shutdown.is_cancelled() {
        let settings = context.stage.settings();
        if !settings.episode_id.is_empty() {
            remember(context, &settings)?;
        }
        let episode = context.in_episode(&settings);
        let (site, tasks) = episodes.open(episode.clone()).await?;
        door.open(episodes.routes(&site));
        context.presence.runs_in(Some(episode.bus.scope().episode));
        tokio::select! {
            ended = tasks.run_until(&episode.shutdown) => ended?,
            next = episode.episode_over() => info!(episode = next.episode, "another episode has begun"),
        }
        context.presence.runs_in(None);
        door.close();
        episode.shutdown.cancel();
        episodes.close(&site).await;
    }
    Ok(())
}

/// The episode that the broker names, if it answers soon; else the last one; `None` if there was none.
async fn which_episode(context: &Context) -> Option<StageSettings> {
    let bus = context.bus.clone();
    let asking = uncancelled(async move { stage::current(&bus).await });
    match tokio::time::timeout(ASK_WITHIN, asking).await {
        Ok(Ok(Some(settings))) => Some(settings),
        _ => remembered(context),
    }
}

fn memory(context: &Context) -> PathBuf {
    context.data_dir.join(format!("{}-episode.json", context.service))
}

fn remembered(context: &Context) -> Option<StageSettings> {
    serde_json::from_str(&fs::read_to_string(memory(context)).ok()?).ok()
}

fn remember(context: &Context, settings: &StageSettings) -> anyhow::Result<()> {
    let path = memory(context);
    fs::create_dir_all(&context.data_dir).with_context(|| context.data_dir.display().to_string())?;
    fs::write(&path, serde_json::to_vec(settings)?).with_context(|| path.display().to_string())
}

/// Leads to the site of the present episode. Between two episodes a request waits for a moment.
#[derive(Clone, Default)]
struct Door {
    inside: watch::Sender<Option<Router>>,
}

impl Door {
    fn open(&self, routes: Router) {
        self.inside.send_replace(Some(routes));
    }

    fn close(&self) {
        self.inside.send_replace(None);
    }

    async fn inside(&self) -> Router {
        let mut inside = self.inside.subscribe();
        match inside.wait_for(Option::is_some).await.map(|open| open.clone()) {
            Ok(Some(routes)) => routes,
            _ => std::future::pending().await,
        }
    }

    /// All routes, whatever the episode.
    fn routes(&self, context: &Context, policy: HeaderValue) -> Router {
        let health = health::routes(context.health.clone(), context.metrics.clone());
        let headers = middleware::from_fn_with_state(policy, add_headers);
        Router::new().merge(health).fallback(enter).layer(headers).with_state(self.clone())
    }
}

async fn enter(State(door): State<Door>, request: Request) -> Response {
    match tokio::time::timeout(OPEN_WITHIN, door.inside()).await {
        Ok(routes) => routes.oneshot(request).await.into_response(),
        Err(_) => {
            let again = [(header::REFRESH, "3")];
            (StatusCode::SERVICE_UNAVAILABLE, again, "This site opens in a moment.").into_response()
        }
    }
}

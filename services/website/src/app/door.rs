//! The door: what is served across episodes. It leads to the website of the episode that runs; while one episode ends
//! and the next begins, whoever comes waits at the door for a moment.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Request, State},
    http::{StatusCode, header},
    middleware,
    response::{IntoResponse as _, Response},
};
use service::{Context, health};
use tokio::sync::watch;
use tower::util::ServiceExt as _;
use web::http::server::add_headers;

use crate::{
    app::routes,
    shop::control::shop::Shop,
    stage::control::stage::{Backstage, Stage},
};

/// How long one waits at the door.
const WAIT_AT_MOST: Duration = Duration::from_secs(5);

/// The door of the website.
pub struct Door {
    backstage: Arc<Backstage>,
    inside: watch::Sender<Option<Router>>,
}

impl Door {
    /// A door that is not open yet.
    pub fn new(backstage: Arc<Backstage>) -> Arc<Self> {
        Arc::new(Door { backstage, inside: watch::Sender::new(None) })
    }

    /// Opens the door to the website of an episode.
    pub fn open(&self, shop: Arc<Shop>, stage: Arc<Stage>) {
        self.inside.send_replace(Some(routes::routes(shop, Arc::clone(&stage))));
        self.backstage.opens(Some(stage));
    }

    /// Closes it: this episode is over.
    pub fn close(&self) {
        self.backstage.opens(None);
        self.inside.send_replace(None);
    }

    /// The routes of the website whose door is open.
    async fn routes_inside(&self) -> Router {
        let mut inside = self.inside.subscribe();
        match inside.wait_for(Option::is_some).await.map(|open| open.clone()) {
            Ok(Some(routes)) => routes,
            _ => std::future::pending().await,
        }
    }

    /// All that is served, whatever the episode.
    pub fn routes(self: &Arc<Self>, context: &Context) -> Router {
        let health = health::routes(context.health.clone(), context.metrics.clone());
        Router::new().merge(health).fallback(enter).layer(middleware::from_fn(add_headers)).with_state(Arc::clone(self))
    }
}

async fn enter(State(door): State<Arc<Door>>, request: Request) -> Response {
    match tokio::time::timeout(WAIT_AT_MOST, door.routes_inside()).await {
        Ok(routes) => routes.oneshot(request).await.into_response(),
        Err(_) => {
            let again = [(header::REFRESH, "3")];
            (StatusCode::SERVICE_UNAVAILABLE, again, "The shop opens in a moment.").into_response()
        }
    }
}

//! The house: what outlives an episode. Its door leads to the website of the episode that runs; while one episode ends
//! and the next begins, whoever comes waits at the door for a moment.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

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

use crate::{shop::control::{customers::Browsers, shop::Site, spans::{self, Collector}}, stage::control::{director::Director, entrance::Entrance, presenter::Presenter}, web::http::{cookies::Cookies, visitor}};

/// How long one waits at the door.
const WAIT_AT_MOST: Duration = Duration::from_secs(5);

/// The website across its episodes.
pub struct House {
    /// What browsers keep.
    pub cookies: Cookies,
    /// Who may do more than order.
    pub presenter: Presenter,
    /// The presenter's hand: settings, commands, questions.
    pub director: Director,
    /// The address phones come in by.
    pub entrance: Entrance,
    /// The browsers that ordered.
    pub browsers: Mutex<Browsers>,
    /// Who collects traces, if anybody does.
    pub collector: Option<Collector>,
    context: Context,
    inside: watch::Sender<Option<Inside>>,
}

#[derive(Clone)]
struct Inside {
    site: Arc<Site>,
    routes: Router,
}

impl House {
    /// A house that is not open yet, whose door is at this port.
    ///
    /// # Errors
    /// If the presenter's token cannot be kept, or a setting cannot be used.
    pub fn new(context: Context, port: u16) -> anyhow::Result<Arc<Self>> {
        let cookies = Cookies::of_suite(&context.data_dir)?;
        let presenter = Presenter::from_environment(&context.data_dir, cookies.clone())?;
        let director = Director::new(context.clone())?;
        let entrance = Entrance::from_environment(port)?;
        let collector = spans::collector(&context.metrics)?;
        Ok(Arc::new(House {
            cookies,
            presenter,
            director,
            entrance,
            browsers: Mutex::default(),
            collector,
            context,
            inside: watch::Sender::new(None),
        }))
    }

    /// Opens the door to the website of an episode.
    pub fn open(&self, site: Arc<Site>) {
        let routes = http::routes(Arc::clone(&site));
        self.inside.send_replace(Some(Inside { site, routes }));
    }

    /// Closes it: this episode is over.
    pub fn close(&self) {
        self.inside.send_replace(None);
    }

    /// The website of this episode, once its door is open.
    pub async fn site_of(&self, episode: u32) -> Arc<Site> {
        let mut inside = self.inside.subscribe();
        let is_it = |inside: &Option<Inside>| {
            inside.as_ref().is_some_and(|inside| inside.site.context.bus.place().episode == episode)
        };
        let found = inside.wait_for(is_it).await.map(|inside| inside.as_ref().map(|inside| Arc::clone(&inside.site)));
        match found {
            Ok(Some(site)) => site,
            _ => std::future::pending().await,
        }
    }

    /// The routes of the website whose door is open.
    async fn routes_inside(&self) -> Router {
        let mut inside = self.inside.subscribe();
        let open = inside.wait_for(Option::is_some).await;
        let routes = open.ok().and_then(|inside| inside.as_ref().map(|inside| inside.routes.clone()));
        match routes {
            Some(routes) => routes,
            None => std::future::pending().await,
        }
    }

    /// All that is served, whatever the episode.
    pub fn routes(self: &Arc<Self>) -> Router {
        let health = health::routes(self.context.health.clone(), self.context.metrics.clone());
        Router::new()
            .merge(health)
            .fallback(enter)
            .layer(middleware::from_fn(http::add_headers))
            .with_state(Arc::clone(self))
    }
}

async fn enter(State(house): State<Arc<House>>, request: Request) -> Response {
    match tokio::time::timeout(WAIT_AT_MOST, house.routes_inside()).await {
        Ok(routes) => routes.oneshot(request).await.into_response(),
        Err(_) => {
            let again = [(header::REFRESH, "3")];
            (StatusCode::SERVICE_UNAVAILABLE, again, "The shop opens in a moment.").into_response()
        }
    }
}

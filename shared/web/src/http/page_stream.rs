//! The stream of a page that is the same for every reader, and the cache of its fragments.

use std::{
    collections::HashMap,
    convert::Infallible,
    fmt::Debug,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::response::sse::Event;
use events::settings::StageSettings;
use futures_util::{Stream, StreamExt as _};
use tokio::sync::watch;

use crate::{
    http::sse::{self, Sent},
    pure::layout::Fragment,
};

/// A rendering depends on the counter of changes and the version of the settings.
pub type Version = (u64, u64);

type Rendered = (Version, Arc<Vec<Fragment>>);

/// The last rendering of each page, so that a page is rendered once for a room full of readers.
pub struct FragmentCache<Page>(Mutex<HashMap<Page, Rendered>>);

impl<Page> Default for FragmentCache<Page> {
    fn default() -> Self {
        FragmentCache(Mutex::default())
    }
}

impl<Page: Copy + Debug + Eq + Hash> FragmentCache<Page> {
    /// The fragments of a page in this version, rendered at most once; `None` if rendering fails.
    pub fn of(
        &self,
        page: Page,
        version: Version,
        render: impl FnOnce() -> askama::Result<Vec<Fragment>>,
    ) -> Option<Arc<Vec<Fragment>>> {
        let mut rendered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of_version, fragments)) = rendered.get(&page)
            && *of_version == version
        {
            return Some(Arc::clone(fragments));
        }
        let fragments = match render() {
            Ok(fragments) => Arc::new(fragments),
            Err(error) => {
                tracing::warn!(?page, %error, "a page cannot be rendered");
                return None;
            }
        };
        rendered.insert(page, (version, Arc::clone(&fragments)));
        Some(fragments)
    }
}

/// Signals that a page may be stale.
pub struct Changes {
    /// Counts changes of the read model.
    pub version: watch::Receiver<u64>,
    /// Some pages show the presenter's choices.
    pub settings: watch::Receiver<Arc<StageSettings>>,
}

impl Changes {
    /// Marks the present version as seen and returns it.
    pub fn seen(&mut self) -> Version {
        (*self.version.borrow_and_update(), self.settings.borrow_and_update().version)
    }
}

/// All fragments of a page, then changed ones, at most once per `every`, and the events of `more`, by name, as they
/// come. Ends when they do.
pub fn page(
    mut changes: Changes,
    every: Duration,
    more: impl Stream<Item = (&'static str, String)> + Send + 'static,
    render: impl Fn(Version) -> Option<Arc<Vec<Fragment>>> + Send + 'static,
) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    sse::channel(move |sender| async move {
        let mut sent = Sent::default();
        let mut heartbeat = sse::heartbeat();
        let mut pace = sse::pace(every);
        let mut stale = true;
        tokio::pin!(more);
        loop {
            tokio::select! {
                _ = pace.tick(), if stale => {
                    stale = false;
                    let fragments = render(changes.seen())?;
                    if let Some(news) = sent.news(&fragments) {
                        sender.event("fragments", &news).await?;
                        heartbeat.reset();
                    }
                }
                changed = changes.version.changed(), if !stale => {
                    changed.ok()?;
                    stale = true;
                }
                changed = changes.settings.changed(), if !stale => {
                    changed.ok()?;
                    stale = true;
                }
                event = more.next() => {
                    let (name, data) = event?;
                    sender.event(name, &data).await?;
                }
                _ = heartbeat.tick() => sender.heartbeat().await?,
            }
        }
    })
}

//! What the broker reports: topics, subscriptions, backlogs, segments. It is asked once a second, only while somebody
//! looks, and at once when somebody begins to look.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bus::{Admin, AdminError, with_causes};
use events::topics::{TOPICS, TopicSpec};
use service::{Context, now};
use tokio::{
    sync::Notify,
    time::{Instant, MissedTickBehavior, sleep_until, timeout},
};
use web::http::live::LiveUpdates;

use crate::read_model::broker::{Bookies, Details, Look, Seen, Stored, TopicStats};

/// How often the broker is asked.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// The limit for one look, which takes about twenty requests.
const ANSWERED_WITHIN: Duration = Duration::from_secs(3);
/// How long a look counts as current, from its beginning.
const FRESH_FOR: Duration = Duration::from_secs(2);
/// A page that asks for itself again and again instead of keeping a stream open counts as open for this long.
const POLLED_FOR: Duration = Duration::from_secs(5);
/// How many messages at the end of a topic are shown.
const LAST_MESSAGES: u64 = 5;

#[derive(Default)]
pub struct BrokerMonitor {
    /// The number of open pages per topic; `None` for those that show no topic in detail.
    looking: Mutex<HashMap<Option<&'static str>, usize>>,
    /// Until when the polling pages of a topic count as open.
    polled: Mutex<HashMap<Option<&'static str>, Instant>>,
    last: Mutex<Look>,
    /// The first page of a topic was opened.
    begun: Notify,
}

/// An open page, until this is dropped.
pub struct Looking {
    monitor: Arc<BrokerMonitor>,
    topic: Option<&'static str>,
}

impl BrokerMonitor {
    pub fn last(&self) -> Look {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn looking(&self) -> MutexGuard<'_, HashMap<Option<&'static str>, usize>> {
        self.looking.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a page that was rendered without a stream.
    pub fn polled(&self, topic: Option<&'static TopicSpec>) {
        let until = Instant::now() + POLLED_FOR;
        let mut polled = self.polled.lock().unwrap_or_else(PoisonError::into_inner);
        if polled.insert(topic.map(|topic| topic.name), until).is_none() {
            self.begun.notify_one();
        }
    }

    /// What is looked at now.
    fn looked_at(&self) -> HashSet<Option<&'static str>> {
        let mut polled = self.polled.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        polled.retain(|_, until| *until > now);
        self.looking().keys().chain(polled.keys()).copied().collect()
    }

    fn note(&self, look: Look) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = look;
    }
}

impl Looking {
    /// Counts an open page, and the topic that it shows in detail.
    pub fn at(monitor: &Arc<BrokerMonitor>, topic: Option<&'static TopicSpec>) -> Self {
        let topic = topic.map(|topic| topic.name);
        let lookers = {
            let mut looking = monitor.looking();
            let lookers = looking.entry(topic).or_default();
            *lookers += 1;
            *lookers
        };
        if lookers == 1 {
            monitor.begun.notify_one();
        }
        Looking { monitor: Arc::clone(monitor), topic }
    }
}

impl Drop for Looking {
    fn drop(&mut self) {
        let mut looking = self.monitor.looking();
        if let Some(lookers) = looking.get_mut(&self.topic) {
            *lookers -= 1;
            if *lookers == 0 {
                looking.remove(&self.topic);
            }
        }
    }
}

/// Asks while the episode lasts, whenever somebody looks.
///
/// # Errors
/// If no HTTP client can be made.
pub async fn watch(context: Context, monitor: Arc<BrokerMonitor>, live: Arc<LiveUpdates>) -> anyhow::Result<()> {
    let admin = Admin::new(context.bus.broker())?;
    let mut tick = tokio::time::interval(ASK_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut fresh_until = Instant::now() + FRESH_FOR;
    let mut seen_at = fresh_until;
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = monitor.begun.notified() => tick.reset(),
        }
        let topics = monitor.looked_at();
        if topics.is_empty() {
            // The last look would pass for a current one.
            monitor.note(Look::Nothing);
            continue;
        }
        let topics: Vec<&'static str> = topics.into_iter().flatten().collect();
        let began = Instant::now();
        let asking = timeout(ANSWERED_WITHIN, ask(&admin, &context, &topics));
        tokio::pin!(asking);
        let answer = tokio::select! {
            answer = &mut asking => answer,
            // A silent broker stays silent until it answers.
            () = sleep_until(fresh_until), if matches!(monitor.last(), Look::Seen(..)) => {
                monitor.note(Look::Nothing);
                live.changed();
                asking.await
            }
        };
        fresh_until = began + FRESH_FOR;
        let look = match answer {
            Ok(Ok(mut seen)) => {
                if let Look::Seen(before, _) = monitor.last() {
                    seen.count_rates(&before, seen_at.elapsed());
                }
                seen_at = Instant::now();
                Look::Seen(Arc::new(seen), now())
            }
            Ok(Err(error)) => Look::Silent(with_causes(&error).to_string()),
            Err(_) => Look::Silent("it takes too long to answer".to_owned()),
        };
        monitor.note(look);
        live.changed();
    }
}

async fn ask(admin: &Admin, context: &Context, closely: &[&'static str]) -> Result<Seen, AdminError> {
    let place = context.bus.scope();
    let clusters: Vec<String> = admin.get("clusters").await?;
    let mut seen = Seen {
        tenants: admin.get("tenants").await?,
        namespaces: admin.get(&format!("namespaces/{}", place.tenant)).await?,
        bookies: admin.get::<Bookies>("bookies/all").await?.bookies.into_iter().map(|bookie| bookie.id).collect(),
        ..Seen::default()
    };
    for cluster in clusters {
        seen.brokers.extend(admin.get::<Vec<String>>(&format!("brokers/{cluster}")).await?);
    }
    for topic in TOPICS {
        let path = topic.admin_path(&place.tenant, place.episode);
        let stats: TopicStats = admin.get(&format!("{path}/stats")).await?;
        seen.topics.push(stats.of(topic));
        if closely.contains(&topic.name) && topic.stored {
            seen.details.insert(topic.name, details(admin, &path).await?);
        }
    }
    Ok(seen)
}

async fn details(admin: &Admin, path: &str) -> Result<Details, AdminError> {
    let stored: Stored = admin.get(&format!("{path}/internalStats?metadata=true")).await?;
    let mut details = Details { segments: stored.segments(), ..Details::default() };
    for back in 1..=LAST_MESSAGES.min(stored.number_of_entries) {
        details.messages.extend(admin.examine(path, back).await?);
    }
    Ok(details)
}

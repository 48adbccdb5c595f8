//! The rebuild that the audience watches: beside the live analysis, with progress, one at a time.

use std::collections::BTreeMap;

use bus::Bus;
use events::{
    ids::Moment,
    insights::{GivenUp, Insight, Rebuild},
};
use service::{Context, now};
use store::Store;
use tokio::{
    sync::{mpsc, watch},
    time::{Duration, Instant, MissedTickBehavior, interval},
};
use tracing::{info, warn};

use crate::{
    insights::InsightPublisher,
    rebuild::{Rebuilt, TopicRead, rebuild},
    store::{Snapshot, end_rebuild, note_rebuild},
};

/// Pause between two publications of progress: ten per second.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);

/// Rebuilds on request. A request during a rebuild is answered by that rebuild.
///
/// # Errors
/// If the database fails. A rebuild that fails is reported, and changes nothing.
pub(crate) async fn rebuild_when_asked(
    context: Context,
    store: Store,
    mut asked: mpsc::Receiver<()>,
) -> anyhow::Result<()> {
    let mut publisher = InsightPublisher::new(&context.bus);
    if end_rebuild(&store).await? {
        let broken_off = gave_up(Rebuild::default(), GivenUp::ProcessEnded);
        publisher.tell_in_the_end(&broken_off).await?;
    }
    while asked.recv().await.is_some() {
        let began_at = now();
        note_rebuild(&store, began_at).await?;
        let result = rebuild_and_tell(&context.bus, &store, began_at, &mut publisher).await?;
        // Before the result is published: a request by someone who has seen it is a new one.
        while asked.try_recv().is_ok() {}
        publisher.tell_in_the_end(&result).await?;
        end_rebuild(&store).await?;
    }
    Ok(())
}

/// One rebuild: publishes its progress and returns its result.
async fn rebuild_and_tell(
    bus: &Bus,
    store: &Store,
    began_at: Moment,
    publisher: &mut InsightPublisher,
) -> anyhow::Result<Insight> {
    let snapshot = Snapshot::take(store).await?;
    let total = snapshot.checkpoint.values().map(|reached| reached.messages).sum();
    let progress = watch::Sender::new(Rebuild { at: began_at, running: true, total, ..Rebuild::default() });
    let mut pace = Pace::default();
    let on_read = |read: TopicRead| progress.send_modify(|rebuild| pace.note(read, rebuild));
    let mut rebuilding = Box::pin(rebuild(bus, snapshot, on_read));
    let mut tick = interval(PROGRESS_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let rebuilt = loop {
        tokio::select! {
            rebuilt = &mut rebuilding => break rebuilt,
            _ = tick.tick() => {
                let so_far = progress.borrow().clone();
                publisher.tell(vec![Insight::Rebuild(so_far)], now()).await?;
            }
        }
    };
    let so_far = progress.borrow().clone();
    Ok(match rebuilt {
        Ok(rebuilt) => finished(so_far, rebuilt),
        Err(error) => gave_up(so_far, GivenUp::Failed { error: format!("{error:#}") }),
    })
}

/// How far all topics together are read, and how fast.
struct Pace {
    began: Instant,
    read: BTreeMap<&'static str, u64>,
}

impl Default for Pace {
    fn default() -> Self {
        Pace { began: Instant::now(), read: BTreeMap::new() }
    }
}

impl Pace {
    fn note(&mut self, read: TopicRead, rebuild: &mut Rebuild) {
        self.read.insert(read.topic, read.messages);
        rebuild.at = now();
        rebuild.events = self.read.values().sum();
        let all = TopicRead { topic: "all", messages: rebuild.events, took: self.began.elapsed() };
        rebuild.events_per_second = all.rate();
    }
}

fn finished(so_far: Rebuild, rebuilt: Rebuilt) -> Insight {
    let identical = rebuilt.is_identical();
    info!(events = so_far.events, identical, rows = rebuilt.rows, differing = rebuilt.differing, "rebuilt");
    let Rebuilt { differing, differences, .. } = rebuilt;
    let identical = Some(identical);
    Insight::Rebuild(Rebuild { at: now(), running: false, identical, differing, differences, ..so_far })
}

fn gave_up(so_far: Rebuild, why: GivenUp) -> Insight {
    warn!(?why, "a rebuild was given up");
    Insight::Rebuild(Rebuild { at: now(), running: false, given_up: Some(why), ..so_far })
}

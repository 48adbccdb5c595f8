//! The rebuild: folds all topics again, from the first message to the checkpoint, with the same core, and compares the result
//! byte for byte with what the live analysis has stored; the time machine's memory too, fact by fact.

use std::{collections::BTreeSet, io, time::Duration};

use anyhow::{Context as _, ensure};
use bus::{Bus, Until};
use events::{
    decisions::OrderDecision,
    delivery::DeliveryUpdate,
    insights::{DIFFERENCES_MAX, Difference},
    orders::PlaceOrder,
    stock::StockEvent,
};
use service::Context;
use tokio::{task::yield_now, time::Instant};

use crate::{
    analysis::{Analysed, Analysis, Key, Reached},
    store::{Snapshot, TABLES},
    timeline::Timeline,
};

/// The result of a rebuild.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilt {
    pub topics: Vec<TopicRead>,
    pub rows: u64,
    pub differing: u64,
    /// The first differences, at most [`DIFFERENCES_MAX`].
    pub differences: Vec<Difference>,
}

/// A topic that was read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopicRead {
    pub topic: &'static str,
    /// How many messages it has up to the checkpoint.
    pub messages: u64,
    /// How long it took.
    pub took: Duration,
}

/// Reads the topics up to the checkpoint of this snapshot and compares. `progress` is called after each batch with the number
/// of messages read so far. The live analysis is not disturbed: replays leave no subscription.
///
/// # Errors
/// If the broker or the database cannot be read.
pub async fn rebuild(
    bus: &Bus,
    mut snapshot: Snapshot,
    mut progress: impl FnMut(TopicRead) + Send,
) -> anyhow::Result<Rebuilt> {
    let mut analysis = Analysis::default();
    let topics = vec![
        replay::<PlaceOrder>(bus, &snapshot, &mut analysis, &mut progress).await?,
        replay::<OrderDecision>(bus, &snapshot, &mut analysis, &mut progress).await?,
        replay::<StockEvent>(bus, &snapshot, &mut analysis, &mut progress).await?,
        replay::<DeliveryUpdate>(bus, &snapshot, &mut analysis, &mut progress).await?,
    ];
    let mut rebuilt = Rebuilt { topics, rows: 0, differing: 0, differences: Vec::new() };
    rebuilt.compare(&analysis, &mut snapshot).await?;
    Ok(rebuilt)
}

async fn replay<M: Analysed>(
    bus: &Bus,
    snapshot: &Snapshot,
    analysis: &mut Analysis,
    progress: &mut (impl FnMut(TopicRead) + Send),
) -> anyhow::Result<TopicRead> {
    let began = Instant::now();
    let topic = M::topic();
    let mut read = TopicRead { topic: topic.spec.name, messages: 0, took: Duration::ZERO };
    // Nothing of it is counted yet.
    let Some(end) = snapshot.checkpoint.get(read.topic) else { return Ok(read) };
    let mut replay = bus.replay(topic, Until::Position(end.last));
    while let Some(batch) = replay.next().await? {
        for received in &batch {
            analysis.read(received);
        }
        // Only the live analysis stores these.
        drop((analysis.take_changes(), analysis.take_news()));
        read.messages = replay.messages_read();
        read.took = began.elapsed();
        progress(read);
        // The live analysis shares this thread.
        yield_now().await;
    }
    Ok(read)
}

impl Rebuilt {
    /// Whether everything is identical.
    pub fn is_identical(&self) -> bool {
        self.differing == 0
    }

    /// Messages read, and how long that took.
    pub fn total(&self) -> TopicRead {
        let messages = self.topics.iter().map(|read| read.messages).sum();
        TopicRead { topic: "all", messages, took: self.topics.iter().map(|read| read.took).sum() }
    }

    async fn compare(&mut self, analysis: &Analysis, snapshot: &mut Snapshot) -> anyhow::Result<()> {
        for (topic, reached) in &snapshot.checkpoint {
            if analysis.checkpoint().get(topic) != Some(reached) {
                let Reached { last, messages } = *reached;
                self.differ(Difference::Messages { topic: (*topic).to_owned(), messages, last: last.to_string() });
            }
        }
        self.compare_past(&snapshot.timeline().await?, analysis.timeline());
        let mut matched = 0;
        let mut page = snapshot.page(None).await?;
        while !page.is_empty() {
            for (subject, name, stored) in &page {
                self.rows += 1;
                let key = Key::stored(subject, name);
                let facts = key.as_ref().map(|key| analysis.facts(key)).transpose()?.flatten();
                matched += usize::from(facts.is_some());
                match facts {
                    Some(facts) if facts == *stored => {}
                    Some(rebuilt) => self.differ(Difference::Row {
                        row: format!("{subject} {name}"),
                        stored: stored.clone(),
                        rebuilt,
                    }),
                    None => {
                        self.differ(Difference::OnlyStored { row: format!("{subject} {name}"), stored: stored.clone() })
                    }
                }
            }
            yield_now().await;
            page = snapshot.page(page.last()).await?;
        }
        // Almost always there are none, and a set of all keys would be as large as the analysis.
        if matched < analysis.keys().count() {
            self.compare_keys(analysis, snapshot).await?;
        }
        Ok(())
    }

    fn compare_past(&mut self, stored: &Timeline, rebuilt: &Timeline) {
        if stored != rebuilt {
            let [stored, rebuilt] = [stored, rebuilt].map(|timeline| timeline.len() as u64);
            self.differ(Difference::Past { stored, rebuilt });
        }
    }

    /// Reports the rows that exist only in the rebuilt analysis.
    async fn compare_keys(&mut self, analysis: &Analysis, snapshot: &mut Snapshot) -> anyhow::Result<()> {
        let mut only_rebuilt: BTreeSet<Key> = analysis.keys().collect();
        let mut page = snapshot.page(None).await?;
        while !page.is_empty() {
            for key in page.iter().filter_map(|(subject, name, _)| Key::stored(subject, name)) {
                only_rebuilt.remove(&key);
            }
            page = snapshot.page(page.last()).await?;
        }
        for key in only_rebuilt {
            self.rows += 1;
            self.differ(Difference::OnlyRebuilt { row: key.to_string() });
        }
        Ok(())
    }

    fn differ(&mut self, difference: Difference) {
        self.differing += 1;
        if self.differences.len() < DIFFERENCES_MAX {
            self.differences.push(difference);
        }
    }
}

impl TopicRead {
    pub fn rate(&self) -> u64 {
        let micros = self.took.as_micros().max(1);
        u64::try_from(u128::from(self.messages) * 1_000_000 / micros).unwrap_or(u64::MAX)
    }
}

impl std::fmt::Display for TopicRead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (messages, seconds, rate) = (self.messages, self.took.as_secs_f64(), self.rate());
        write!(f, "{messages} events in {seconds:.2} s, {rate} events/s")
    }
}

/// The command `inventory-analysis rebuild`: reports what it reads and whether the result is identical, beside the running
/// service.
///
/// # Errors
/// If it is not identical, or something cannot be read.
pub async fn rebuild_and_say(context: Context) -> anyhow::Result<()> {
    let file = context.data_dir.join(format!("{}-{}.sqlite", context.service, context.bus.scope().episode));
    ensure!(file.exists(), "{} is not there: nothing was analysed yet", file.display());
    let store = context.open_store(&TABLES).await?;
    let snapshot = Snapshot::take(&store).await?;
    let rebuilt = rebuild(&context.bus, snapshot, |_| {}).await?;
    let mut out = io::stdout().lock();
    say(&mut out, &rebuilt).context("standard output")?;
    ensure!(rebuilt.is_identical(), "not identical: {} of {} rows differ", rebuilt.differing, rebuilt.rows);
    Ok(())
}

fn say(out: &mut impl io::Write, rebuilt: &Rebuilt) -> io::Result<()> {
    for read in &rebuilt.topics {
        writeln!(out, "{:<18}{read}", read.topic)?;
    }
    for difference in &rebuilt.differences {
        writeln!(out, "{difference}")?;
    }
    if rebuilt.is_identical() {
        writeln!(out, "identical: {}", rebuilt.total())?;
    }
    Ok(())
}

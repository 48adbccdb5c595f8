//! stock-level on a test bed of its own, with a log that the test writes and the levels as a page would show them. For the
//! tests of the modes and for `examples/bursts.rs`.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use anyhow::{Context as _, Result};
use bus::{Consumer, ConsumerOptions, Outgoing, Publisher};
use events::{
    beers::{BEERS, Beer},
    ids::{BeerId, EventId, Service},
    quantities::{Bottles, Sequence},
    settings::{Fold, Folding},
    stage::{Answer, Question, StageAnswer},
    stock::{StockChange, StockEvent, StockLevel},
    topics::{ANSWERS, STOCK_EVENTS, STOCK_LEVELS, SubscriptionType},
};
use service::{
    now,
    presence::PresenceState,
    stage::ControlMessage,
    testing::{LIMIT, Running, TestBed},
};
use tokio::time::{Instant, timeout};

/// The first stock of each beer: enough for any number of bursts.
const FIRST_STOCK: u32 = 1_000_000;
/// Events per beer in a burst, in a row.
const IN_A_ROW: usize = 5;
/// The writer of levels that come from no worker.
const DESK: &str = "desk";
/// An answer may get lost; the question is repeated after this long. On a busy machine an answer takes seconds, and a repeated
/// question folds twice.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(10);
const LEVELS_AT_ONCE: usize = 500;

/// Three workers, and events that take 5 to 60 ms to handle: act 5.
pub fn act_5(subscription: SubscriptionType, fold: Fold) -> Folding {
    Folding { subscription, workers: 3, fold, work_ms: [5, 60] }
}

/// A running stock-level, its log and its levels.
pub struct Floor {
    pub bed: TestBed,
    /// What it says of itself.
    pub presence: PresenceState,
    /// The last level of each beer.
    pub shown: BTreeMap<BeerId, StockLevel>,
    /// Which events the workers handled so far.
    handled: BTreeSet<(BeerId, Sequence)>,
    service: Running,
    log: BTreeMap<BeerId, StockEvent>,
    publisher: Publisher,
    levels: Consumer<StockLevel>,
    answers: Consumer<StageAnswer>,
}

/// A burst, fully handled.
pub struct Burst {
    /// From the first event published to the last one written.
    pub took: Duration,
    /// The levels written, in order.
    pub writes: Vec<StockLevel>,
    /// Beers whose last level differs from the log's.
    pub wrong: usize,
}

impl Floor {
    /// Starts stock-level in this mode, and waits until it has handled the first count of all beers.
    pub async fn open(folding: Folding) -> Result<Self> {
        let bed = TestBed::new().await?;
        bed.choose(|choices| choices.stock_level = folding);
        let mut presence = PresenceState::default();
        let service = bed.start(Service::StockLevel, |context| {
            presence = context.presence.clone();
            stock_level::run(context)
        });
        let levels = bed.bus.consumer(STOCK_LEVELS, Service::Website, ConsumerOptions::default())?;
        let answers = bed.bus.consumer(ANSWERS, Service::Stage, ConsumerOptions::default())?;
        let publisher = bed.bus.publisher();
        let (log, shown, handled) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        let mut floor = Floor { bed, presence, shown, handled, service, log, publisher, levels, answers };
        let first: Vec<StockEvent> = BEERS.iter().map(|beer| floor.next(beer)).collect();
        floor.publish(&first).await?;
        floor.handled(&first).await?;
        Ok(floor)
    }

    pub fn choose(&self, folding: Folding) {
        self.bed.choose(|choices| choices.stock_level = folding);
    }

    /// The next event of this beer, to be published.
    pub fn next(&mut self, beer: &Beer) -> StockEvent {
        let id = beer.beer_id();
        let next = match self.log.get(&id) {
            None => StockEvent {
                change: StockChange::Counted,
                beer: id.clone(),
                sequence: Sequence(1),
                bottles: Bottles(FIRST_STOCK),
                level: Bottles(FIRST_STOCK),
                order_id: None,
            },
            Some(last) => StockEvent {
                change: StockChange::Reserved,
                sequence: last.sequence.next(),
                bottles: Bottles(1),
                level: Bottles(last.level.0 - 1),
                ..last.clone()
            },
        };
        self.log.insert(id, next.clone());
        next
    }

    /// Publishes events as the warehouse does.
    pub async fn publish(&mut self, events: &[StockEvent]) -> Result<()> {
        let outgoing = |event: &StockEvent| {
            let id = EventId::new(format!("test-{}-{}", event.beer, event.sequence));
            Ok(Outgoing::new(STOCK_EVENTS, event.beer.as_str(), id, now(), event)?)
        };
        let messages = events.iter().map(outgoing).collect::<Result<Vec<_>>>()?;
        Ok(self.publisher.publish(&messages).await?)
    }

    /// Publishes five events in a row for each beer but the scarce one, and returns the levels written until all are handled.
    pub async fn burst(&mut self) -> Result<Burst> {
        let started = Instant::now();
        let mut events = Vec::new();
        for beer in BEERS.iter().filter(|beer| !beer.scarce) {
            events.extend((0..IN_A_ROW).map(|_| self.next(beer)));
        }
        self.publish(&events).await?;
        let writes = self.handled(&events).await?;
        Ok(Burst { took: started.elapsed(), writes, wrong: self.wrong() })
    }

    /// The levels written until all of these events are handled.
    pub async fn handled(&mut self, events: &[StockEvent]) -> Result<Vec<StockLevel>> {
        let mut writes = Vec::new();
        for event in events {
            while !self.handled.contains(&(event.beer.clone(), event.sequence)) {
                writes.extend(self.written().await.with_context(|| format!("not handled: {event:?}"))?);
            }
        }
        Ok(writes)
    }

    /// The next levels, in the order of writing.
    pub async fn written(&mut self) -> Result<Vec<StockLevel>> {
        let received = timeout(LIMIT, self.levels.receive(LEVELS_AT_ONCE)).await.context("no level came")?;
        let positions: Vec<_> = received.iter().map(|received| received.position).collect();
        self.levels.acknowledge(&positions).await;
        let levels: Vec<StockLevel> = received.into_iter().filter_map(|received| received.message.ok()).collect();
        for level in &levels {
            if level.worker != DESK {
                self.handled.insert((level.beer.clone(), level.event));
            }
            let before = self.shown.insert(level.beer.clone(), level.clone());
            let written = before.map_or(0, |before| before.written);
            anyhow::ensure!(level.written > written, "published in the order of writing: {level:?} after {written}");
        }
        Ok(levels)
    }

    /// How many beers have a level that differs from the log's.
    pub fn wrong(&self) -> usize {
        let shown = |beer: &BeerId| self.shown.get(beer).map(|shown| shown.level);
        self.log.iter().filter(|(beer, event)| shown(beer) != Some(event.level)).count()
    }

    /// Whether all events of each beer are handled, according to the levels.
    pub fn is_settled(&self) -> bool {
        let settled = |beer: &BeerId| self.shown.get(beer).map(|shown| shown.settled);
        self.log.iter().all(|(beer, event)| settled(beer) == Some(event.sequence))
    }

    /// Asks for a fresh fold, and reads the levels it wrote.
    pub async fn fold_afresh(&mut self) -> Result<()> {
        let deadline = Instant::now() + LIMIT;
        while Instant::now() < deadline {
            let correlation_id = format!("ask-{}", now().micros());
            self.bed
                .send(ControlMessage::Asked { correlation_id: correlation_id.clone(), question: Question::FoldAfresh });
            let Ok(answers) = timeout(ASK_AGAIN_AFTER, self.answers.receive(1)).await else { continue };
            let is_done =
                |answer: &StageAnswer| answer.correlation_id == correlation_id && answer.answer == Answer::Done;
            if answers.iter().filter_map(|received| received.message.as_ref().ok()).any(is_done) {
                return self.take_in_what_desk_wrote().await;
            }
        }
        anyhow::bail!("no answer")
    }

    /// Reads levels until those of all beers are folded afresh.
    pub async fn take_in_what_desk_wrote(&mut self) -> Result<()> {
        let mut left: BTreeSet<BeerId> = self.log.keys().cloned().collect();
        while !left.is_empty() {
            for level in self.written().await?.into_iter().filter(|level| level.worker == DESK) {
                left.remove(&level.beer);
            }
        }
        Ok(())
    }

    pub async fn close(self) -> Result<()> {
        self.service.stop().await
    }
}

//! The pure core: everything that is aggregated, and what each message does to it.
//!
//! No clock, no database, no randomness, no waiting. Each topic is folded in its own order; the folds of different
//! topics commute, and what is told twice changes nothing. So the same messages give the same aggregates, however they
//! were interleaved and however often the process was killed meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use bus::{Position, Received};
use events::{
    decisions::OrderDecision,
    delivery::DeliveryUpdate,
    ids::{BeerId, EventId, Moment, OrderId},
    insights::MinuteOfSales,
    orders::PlaceOrder,
    stock::StockEvent,
    topics::{DELIVERY_UPDATES, Entry, ORDER_DECISIONS, ORDERS, STOCK_EVENTS, Topic},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    case::Case,
    order::{Decision, Order},
    sales::{Takings, Totals},
    shelf::Shelf,
    standing::Standing,
    timeline::{Fact, Kind, Timeline, moves},
};

/// Everything aggregated, and how far each topic is counted in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Analysis {
    orders: BTreeMap<OrderId, Order>,
    shelves: BTreeMap<BeerId, Shelf>,
    takings: Takings,
    timeline: Timeline,
    checkpoint: Checkpoint,
    changed: BTreeSet<Key>,
    /// What of the timeline is not stored yet.
    unstored: Timeline,
}

/// How far each topic is counted, by its name.
pub type Checkpoint = BTreeMap<&'static str, Reached>;

/// How far a topic is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reached {
    /// The last message that is.
    pub last: Position,
    /// How many messages there are up to it.
    pub messages: u64,
}

/// What a row of the aggregates is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// A beer.
    Beer(BeerId),
    /// A minute of sales.
    Minute(i64),
    /// An order.
    Order(OrderId),
    /// The totals of sales.
    Totals,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It told something new.
    Counted,
    /// It was told before.
    Repeated,
    /// It cannot be read.
    Unreadable,
    /// It is not behind the checkpoint: the broker sent it again.
    Redelivered,
}

/// A topic the analysis reads, and what its messages do.
pub trait Analysed: DeserializeOwned + Sized + 'static {
    /// Which topic.
    fn topic() -> Topic<Self>;

    /// What a message does. `false` if it tells nothing new.
    fn fold(&self, received: &Received<Self>, analysis: &mut Analysis) -> bool;

    /// The order a message decides, if it is one that does: where the log says that an order was counted.
    fn decides(&self) -> Option<&OrderId> {
        None
    }
}

impl Analysed for PlaceOrder {
    fn topic() -> Topic<Self> {
        ORDERS
    }

    fn fold(&self, received: &Received<Self>, analysis: &mut Analysis) -> bool {
        received.order_id().is_some_and(|order_id| analysis.place(order_id, received.at))
    }
}

impl Analysed for OrderDecision {
    fn topic() -> Topic<Self> {
        ORDER_DECISIONS
    }

    fn fold(&self, received: &Received<Self>, analysis: &mut Analysis) -> bool {
        analysis.decide(self, received.at)
    }

    fn decides(&self) -> Option<&OrderId> {
        Some(self.order_id())
    }
}

impl Analysed for StockEvent {
    fn topic() -> Topic<Self> {
        STOCK_EVENTS
    }

    fn fold(&self, received: &Received<Self>, analysis: &mut Analysis) -> bool {
        analysis.stock(self, received.at)
    }
}

impl Analysed for DeliveryUpdate {
    fn topic() -> Topic<Self> {
        DELIVERY_UPDATES
    }

    fn fold(&self, received: &Received<Self>, analysis: &mut Analysis) -> bool {
        analysis.deliver(self, &received.event_id, received.at)
    }
}

/// The topics it reads.
pub fn topics() -> [&'static Entry; 4] {
    [ORDERS.entry, ORDER_DECISIONS.entry, STOCK_EVENTS.entry, DELIVERY_UPDATES.entry]
}

impl Analysis {
    /// Counts a message, if it lies behind the checkpoint of its topic.
    pub fn read<M: Analysed>(&mut self, received: &Received<M>) -> Outcome {
        let name = M::topic().entry.name;
        let before = self.checkpoint.get(name);
        if before.is_some_and(|reached| received.position <= reached.last) {
            return Outcome::Redelivered;
        }
        let messages = before.map_or(0, |reached| reached.messages) + 1;
        self.checkpoint.insert(name, Reached { last: received.position, messages });
        match &received.message {
            Ok(message) if message.fold(received, self) => Outcome::Counted,
            Ok(_) => Outcome::Repeated,
            Err(_) => Outcome::Unreadable,
        }
    }

    /// An order was placed.
    pub fn place(&mut self, order_id: OrderId, at: Moment) -> bool {
        let order = self.orders.entry(order_id.clone()).or_default();
        if !order.place(at) {
            return false;
        }
        let decided = order.decision.map(|decision| decision.at);
        self.changed.insert(Key::Order(order_id));
        self.enter(Fact::Of(Kind::Placed, at));
        self.enter_answer(Some(at), decided);
        true
    }

    /// An order was decided. Sales count the first decision about it.
    pub fn decide(&mut self, decision: &OrderDecision, at: Moment) -> bool {
        let order_id = decision.order_id();
        let (decided, fact) = match decision {
            OrderDecision::Accepted { lines, total_cents, .. } => {
                (Decision { at, accepted: true, lines: Case::of(lines) }, Fact::Accepted(at, *total_cents))
            }
            OrderDecision::Refused { .. } => {
                (Decision { at, accepted: false, lines: Case::default() }, Fact::Of(Kind::Refused, at))
            }
        };
        let order = self.orders.entry(order_id.clone()).or_default();
        let placed_at = order.placed_at;
        self.changed.insert(Key::Order(order_id.clone()));
        if !order.decide(decided) {
            return false;
        }
        let minutes = self.takings.count(decision, at);
        self.changed.extend(minutes.into_iter().map(Key::Minute));
        self.changed.insert(Key::Totals);
        self.enter(fact);
        self.enter_answer(placed_at, Some(at));
        true
    }

    /// Something happened to the stock of a beer.
    pub fn stock(&mut self, event: &StockEvent, at: Moment) -> bool {
        let shelf = self.shelves.entry(event.beer.clone()).or_default();
        let Some(counted) = shelf.take(event, at) else { return false };
        self.changed.insert(Key::Beer(event.beer.clone()));
        for stocked in counted {
            let event = &stocked.event;
            self.enter(Fact::Level(&event.beer, stocked.at, event.level));
            let Some(order_id) = stocked.order_id() else { continue };
            let order = self.orders.entry(order_id.clone()).or_default();
            order.stock(event.change, &event.beer, event.bottles, stocked.at);
            self.changed.insert(Key::Order(order_id.clone()));
        }
        true
    }

    /// Something happened to a parcel.
    pub fn deliver(&mut self, update: &DeliveryUpdate, event_id: &EventId, at: Moment) -> bool {
        let order_id = update.order_id();
        let order = self.orders.entry(order_id.clone()).or_default();
        let place = |order: &Order| order.delivery.as_ref().map(|delivery| (delivery.standing(), delivery.at));
        let (from, since) = place(order).unwrap_or((Standing::UnderWay, at));
        if !order.deliver(update, event_id, at) {
            return false;
        }
        let to = place(order).map_or(from, |(to, _)| to);
        self.changed.insert(Key::Order(order_id.clone()));
        moves(from, to, at.max(since)).for_each(|fact| self.enter(fact));
        true
    }

    /// An order waits no longer once it is known to be placed and decided.
    fn enter_answer(&mut self, placed_at: Option<Moment>, decided_at: Option<Moment>) {
        if let (Some(placed_at), Some(decided_at)) = (placed_at, decided_at) {
            self.enter(Fact::Of(Kind::Answered, placed_at.max(decided_at)));
        }
    }

    fn enter(&mut self, fact: Fact<'_>) {
        self.timeline.enter(fact);
        self.unstored.enter(fact);
    }

    /// All orders.
    pub fn orders(&self) -> impl Iterator<Item = (&OrderId, &Order)> {
        self.orders.iter()
    }

    /// All beers.
    pub fn shelves(&self) -> impl Iterator<Item = (&BeerId, &Shelf)> {
        self.shelves.iter()
    }

    /// One beer, if an event of it was read.
    pub fn shelf(&self, beer: &BeerId) -> Option<&Shelf> {
        self.shelves.get(beer)
    }

    /// What was sold.
    pub fn takings(&self) -> &Takings {
        &self.takings
    }

    /// What happened when.
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// How far each topic is counted.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The keys of all rows there are.
    pub fn keys(&self) -> impl Iterator<Item = Key> {
        let beers = self.shelves.keys().cloned().map(Key::Beer);
        let minutes = self.takings.minutes.keys().copied().map(Key::Minute);
        let orders = self.orders.keys().cloned().map(Key::Order);
        let totals = (self.takings.totals != Totals::default()).then_some(Key::Totals);
        beers.chain(minutes).chain(orders).chain(totals)
    }

    /// The keys of the rows that changed since this was asked last; of a row that went too.
    pub fn take_changes(&mut self) -> BTreeSet<Key> {
        std::mem::take(&mut self.changed)
    }

    /// What happened that was not known when this was asked last.
    pub fn take_news(&mut self) -> Timeline {
        std::mem::take(&mut self.unstored)
    }

    /// A row as it is stored and compared; `None` if there is none.
    ///
    /// # Errors
    /// If it cannot be written as JSON, which none can fail to be.
    pub fn facts(&self, key: &Key) -> serde_json::Result<Option<String>> {
        fn json<F: Serialize>(facts: Option<&F>) -> serde_json::Result<Option<String>> {
            facts.map(serde_json::to_string).transpose()
        }
        match key {
            Key::Beer(beer) => json(self.shelves.get(beer)),
            Key::Minute(minute) => json(self.takings.minutes.get(minute)),
            Key::Order(order_id) => json(self.orders.get(order_id)),
            Key::Totals => json(Some(&self.takings.totals).filter(|totals| **totals != Totals::default())),
        }
    }

    /// Puts a stored row back.
    ///
    /// # Errors
    /// If it is not such a row.
    pub fn restore(&mut self, key: Key, facts: &str) -> serde_json::Result<()> {
        match key {
            Key::Beer(beer) => drop(self.shelves.insert(beer, serde_json::from_str(facts)?)),
            Key::Minute(minute) => {
                self.takings.minutes.insert(minute, serde_json::from_str::<MinuteOfSales>(facts)?);
            }
            Key::Order(order_id) => drop(self.orders.insert(order_id, serde_json::from_str(facts)?)),
            Key::Totals => self.takings.totals = serde_json::from_str(facts)?,
        }
        Ok(())
    }

    /// Puts what happened back.
    pub fn restore_timeline(&mut self, timeline: Timeline) {
        self.timeline = timeline;
    }

    /// Puts the stored checkpoint back.
    pub fn restore_checkpoint(&mut self, checkpoint: Checkpoint) {
        self.checkpoint = checkpoint;
    }
}

impl Key {
    /// The kind of row, as stored.
    pub fn subject(&self) -> &'static str {
        match self {
            Key::Beer(_) => "beer",
            Key::Minute(_) => "minute",
            Key::Order(_) => "order",
            Key::Totals => "totals",
        }
    }

    /// Which row of its kind, as stored.
    pub fn name(&self) -> String {
        match self {
            Key::Beer(beer) => beer.to_string(),
            Key::Minute(minute) => minute.to_string(),
            Key::Order(order_id) => order_id.to_string(),
            Key::Totals => String::new(),
        }
    }

    /// The key of a stored row, if it is one.
    pub fn stored(subject: &str, name: &str) -> Option<Self> {
        match subject {
            "beer" => Some(Key::Beer(BeerId::new(name))),
            "minute" => Some(Key::Minute(name.parse().ok()?)),
            "order" => Some(Key::Order(name.parse().ok()?)),
            "totals" => Some(Key::Totals),
            _ => None,
        }
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.subject(), self.name())
    }
}

//! The pure core: all aggregates, and what each message does to them.
//!
//! No clock, no database, no randomness, no waiting. Each topic is folded in its own order; the folds of different
//! topics commute, and repeats change nothing. So the same messages give the same aggregates, however they
//! are interleaved and however often the process is killed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use events::{
    beers,
    decisions::OrderDecision,
    delivery::DeliveryUpdate,
    ids::{BeerId, EventId, Moment, OrderId},
    insights::MinuteOfSales,
    orders::PlaceOrder,
    received::{Position, Received},
    stock::StockEvent,
    topics::{DELIVERY_UPDATES, ORDER_DECISIONS, ORDERS, STOCK_EVENTS, Topic, TopicSpec},
    unreadable::ReasonCode,
};
use serde::{Serialize, de::DeserializeOwned};

pub use crate::key::Key;
use crate::{
    case::Case,
    order::{Decision, EARLY_STEPS_MAX, Order},
    sales::{Sale, Takings, Totals},
    shelf::{Shelf, Taken},
    status::Status,
    timeline::{Fact, Kind, Timeline, moves},
};

/// All aggregates, and how far each topic is counted in them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Analysis {
    orders: BTreeMap<OrderId, Order>,
    shelves: BTreeMap<BeerId, Shelf>,
    takings: Takings,
    timeline: Timeline,
    checkpoint: Checkpoint,
    /// Orders that were heard of before they were placed, oldest first.
    unplaced: VecDeque<OrderId>,
    changed: BTreeSet<Key>,
    /// The part of the timeline that is not stored yet.
    unstored: Timeline,
}

/// How far each topic is counted, by its name.
pub type Checkpoint = BTreeMap<&'static str, Reached>;

/// How far a topic is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reached {
    /// The last message that is counted.
    pub last: Position,
    /// How many messages there are up to it.
    pub messages: u64,
}

/// Most orders that are known but not placed. Beyond that the oldest are forgotten.
pub const UNPLACED_MAX: usize = 10_000;

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It told something new.
    Counted,
    /// It is a repeat.
    Repeated,
    /// It is well formed and untrue: it changes no figure.
    Untrue(ReasonCode),
    /// It cannot be read.
    Unreadable,
    /// It lies before the checkpoint: the broker sent it again.
    Redelivered,
}

/// A topic the analysis reads, and what its messages do.
pub trait Analysed: DeserializeOwned + Sized + 'static {
    fn topic() -> Topic<Self>;

    /// What a message does.
    fn fold(&self, received: &Received<Self>, analysis: &mut Analysis) -> Outcome;

    /// The order a message decides, if it does: the log then says that this order was counted.
    fn decides(&self) -> Option<&OrderId> {
        None
    }
}

impl Analysed for PlaceOrder {
    fn topic() -> Topic<Self> {
        ORDERS
    }

    fn fold(&self, received: &Received<Self>, analysis: &mut Analysis) -> Outcome {
        let is_new = received.order_id().is_some_and(|order_id| analysis.place(order_id, received.at));
        if is_new { Outcome::Counted } else { Outcome::Repeated }
    }
}

impl Analysed for OrderDecision {
    fn topic() -> Topic<Self> {
        ORDER_DECISIONS
    }

    fn fold(&self, received: &Received<Self>, analysis: &mut Analysis) -> Outcome {
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

    fn fold(&self, received: &Received<Self>, analysis: &mut Analysis) -> Outcome {
        analysis.stock(self, received.at)
    }
}

impl Analysed for DeliveryUpdate {
    fn topic() -> Topic<Self> {
        DELIVERY_UPDATES
    }

    fn fold(&self, received: &Received<Self>, analysis: &mut Analysis) -> Outcome {
        analysis.deliver(self, &received.event_id, received.at)
    }
}

/// The topics that are read.
pub fn topics() -> [&'static TopicSpec; 4] {
    [ORDERS.spec, ORDER_DECISIONS.spec, STOCK_EVENTS.spec, DELIVERY_UPDATES.spec]
}

impl Analysis {
    /// Counts a message, if it lies after the checkpoint of its topic.
    pub fn read<M: Analysed>(&mut self, received: &Received<M>) -> Outcome {
        let name = M::topic().spec.name;
        let before = self.checkpoint.get(name);
        if before.is_some_and(|reached| received.position <= reached.last) {
            return Outcome::Redelivered;
        }
        let messages = before.map_or(0, |reached| reached.messages) + 1;
        self.checkpoint.insert(name, Reached { last: received.position, messages });
        match &received.message {
            Ok(message) => message.fold(received, self),
            Err(_) => Outcome::Unreadable,
        }
    }

    /// An order was placed.
    pub fn place(&mut self, order_id: OrderId, at: Moment) -> bool {
        let order = self.orders.entry(order_id.clone()).or_default();
        if !order.place(at) {
            return false;
        }
        let decided = order.decision.zip(order.take_early_sale());
        self.changed.insert(Key::Order(order_id.clone()));
        self.enter(Fact::Of(Kind::Placed, at));
        if let Some((decision, sale)) = decided {
            self.sell(&order_id, at, decision.at, sale);
        }
        true
    }

    /// An order was decided. Sales count the first decision, once the order is known to be placed.
    pub fn decide(&mut self, decision: &OrderDecision, at: Moment) -> Outcome {
        let order_id = decision.order_id();
        let decided = match decision {
            OrderDecision::Accepted { lines, .. } => Decision { at, accepted: true, lines: Case::of(lines) },
            OrderDecision::Refused { .. } => Decision { at, accepted: false, lines: Case::default() },
        };
        let order = self.known_or_unplaced(order_id);
        if !order.decide(decided) {
            let differs = order.differs(decided);
            self.changed.insert(Key::Order(order_id.clone()));
            return if differs { Outcome::Untrue(ReasonCode::SecondDecision) } else { Outcome::Repeated };
        }
        let sale = Sale::of(decision);
        let placed_at = order.placed_at;
        if placed_at.is_none() {
            order.early().early_sale = Some(sale);
        }
        self.changed.insert(Key::Order(order_id.clone()));
        if let Some(placed_at) = placed_at {
            self.sell(order_id, placed_at, at, sale);
        }
        Outcome::Counted
    }

    /// An order is known to be placed and decided: now its decision counts, and what became of its parcel.
    fn sell(&mut self, order_id: &OrderId, placed_at: Moment, decided_at: Moment, sale: Sale) {
        let minutes = self.takings.count(sale, decided_at);
        self.changed.extend(minutes.into_iter().map(Key::Minute));
        self.changed.insert(Key::Totals);
        // It no longer waits; and nothing of it counts in the past before both had happened.
        let since = placed_at.max(decided_at);
        self.enter(Fact::Of(Kind::Answered, since));
        if !sale.accepted {
            return self.enter(Fact::Of(Kind::Refused, since));
        }
        self.enter(Fact::Accepted(since, sale.cents));
        let steps = self.orders.get_mut(order_id).map(Order::take_early_steps).unwrap_or_default();
        steps.into_iter().for_each(|(kind, at)| self.enter(Fact::Of(kind, at.max(since))));
    }

    /// The stock of a beer changed.
    pub fn stock(&mut self, event: &StockEvent, at: Moment) -> Outcome {
        if beers::find(&event.beer).is_none() {
            return Outcome::Untrue(ReasonCode::UnknownBeer);
        }
        let shelf = self.shelves.entry(event.beer.clone()).or_default();
        let taken = shelf.take(event, at);
        if taken != Taken::Again {
            self.changed.insert(Key::Beer(event.beer.clone()));
        }
        let counted = match taken {
            Taken::Counted(counted) => counted,
            Taken::Again => return Outcome::Repeated,
            Taken::Untrue(code) => return Outcome::Untrue(code),
        };
        for stocked in counted {
            let event = &stocked.event;
            self.enter(Fact::Level(&event.beer, stocked.at, event.level));
            let Some(order_id) = stocked.order_id() else { continue };
            let order = self.known_or_unplaced(order_id);
            order.stock(event.change, &event.beer, event.bottles, stocked.at);
            self.changed.insert(Key::Order(order_id.clone()));
        }
        Outcome::Counted
    }

    pub fn deliver(&mut self, update: &DeliveryUpdate, event_id: &EventId, at: Moment) -> Outcome {
        let order_id = update.order_id();
        let order = self.known_or_unplaced(order_id);
        let place = |order: &Order| order.delivery.as_ref().map(|delivery| (delivery.status(), delivery.at));
        let (from, since) = place(order).unwrap_or((Status::UnderWay, at));
        let was_delivered = order.is_delivered_otherwise(update, event_id);
        if !order.deliver(update, event_id, at) {
            return if was_delivered { Outcome::Untrue(ReasonCode::SecondOutcome) } else { Outcome::Repeated };
        }
        let to = place(order).map_or(from, |(to, _)| to);
        let steps = moves(from, to, at.max(since));
        if let Some(sold) = order.sold_since() {
            steps.for_each(|(kind, at)| self.enter(Fact::Of(kind, at.max(sold))));
        } else {
            let early = &mut order.early().early_steps;
            early.extend(steps.take(EARLY_STEPS_MAX.saturating_sub(early.len())));
        }
        self.changed.insert(Key::Order(order_id.clone()));
        if was_delivered { Outcome::Untrue(ReasonCode::SecondOutcome) } else { Outcome::Counted }
    }

    /// The facts of an order, which may not be placed yet: of too many such orders the oldest is forgotten.
    fn known_or_unplaced(&mut self, order_id: &OrderId) -> &mut Order {
        if !self.orders.contains_key(order_id) {
            self.unplaced.push_back(order_id.clone());
            while self.unplaced.len() > UNPLACED_MAX
                && let Some(first) = self.unplaced.pop_front()
            {
                if self.orders.get(&first).is_some_and(|order| order.placed_at.is_none()) {
                    self.orders.remove(&first);
                    self.changed.insert(Key::Order(first));
                }
            }
        }
        self.orders.entry(order_id.clone()).or_default()
    }

    fn enter(&mut self, fact: Fact<'_>) {
        self.timeline.enter(fact);
        self.unstored.enter(fact);
    }

    pub fn orders(&self) -> impl Iterator<Item = (&OrderId, &Order)> {
        self.orders.iter()
    }

    pub fn shelves(&self) -> impl Iterator<Item = (&BeerId, &Shelf)> {
        self.shelves.iter()
    }

    /// One beer, if an event of it was read.
    pub fn shelf(&self, beer: &BeerId) -> Option<&Shelf> {
        self.shelves.get(beer)
    }

    pub fn takings(&self) -> &Takings {
        &self.takings
    }

    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// How far each topic is counted.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The keys of all rows.
    pub fn keys(&self) -> impl Iterator<Item = Key> {
        let beers = self.shelves.keys().cloned().map(Key::Beer);
        let minutes = self.takings.minutes.keys().copied().map(Key::Minute);
        let orders = self.orders.keys().cloned().map(Key::Order);
        let totals = (self.takings.totals != Totals::default()).then_some(Key::Totals);
        beers.chain(minutes).chain(orders).chain(totals)
    }

    /// The keys of the rows that changed since the last call, deleted rows included.
    pub fn take_changes(&mut self) -> BTreeSet<Key> {
        std::mem::take(&mut self.changed)
    }

    /// What happened since the last call.
    pub fn take_news(&mut self) -> Timeline {
        std::mem::take(&mut self.unstored)
    }

    /// A row as it is stored and compared; `None` if there is none.
    ///
    /// # Errors
    /// If it cannot be written as JSON, which no row can fail to be.
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

    /// Restores a stored row.
    ///
    /// # Errors
    /// If it is not such a row.
    pub fn restore(&mut self, key: Key, facts: &str) -> serde_json::Result<()> {
        match key {
            Key::Beer(beer) => drop(self.shelves.insert(beer, serde_json::from_str(facts)?)),
            Key::Minute(minute) => {
                self.takings.minutes.insert(minute, serde_json::from_str::<MinuteOfSales>(facts)?);
            }
            Key::Order(order_id) => {
                let order: Order = serde_json::from_str(facts)?;
                if order.placed_at.is_none() {
                    self.unplaced.push_back(order_id.clone());
                }
                self.orders.insert(order_id, order);
            }
            Key::Totals => self.takings.totals = serde_json::from_str(facts)?,
        }
        Ok(())
    }

    /// Restores the stored timeline.
    pub fn restore_timeline(&mut self, timeline: Timeline) {
        self.timeline = timeline;
    }

    /// Restores the stored checkpoint.
    pub fn restore_checkpoint(&mut self, checkpoint: Checkpoint) {
        self.checkpoint = checkpoint;
    }
}

//! The ledger: every order and every bottle accounted for.
//!
//! A pure function of the facts and of a [`Watch`]: it keeps no counters, so nothing can drift. `waiting` and
//! `under_way` are counted order by order, not subtracted.
//!
//! It is unbalanced for one of these reasons only:
//! - A proven contradiction: no message that may still come can explain it.
//! - A sum that can never be off: of the bottles by the log, of accepted orders by where they are.
//! - A sum that may be off while something is parked, and is off while nothing is.
//! - Something overdue: a fact still parked, or a gap in the log still open, after 30 s; an order still undecided
//!   after 30 s although a later one is decided, or although the warehouse has decided nothing for 30 s.
//!   So a warehouse that works through a queue does not unbalance it, and a lost order does.
//!
//! Not a reason: messages about an order that was never placed and for which no bottle moved. They wait for the order for
//! 30 s and then leave the ledger; services that rely on them count them as untrue.
//! Nor an accepted order that waits long: its parcel lies in the queue while all couriers are busy, is with a
//! courier, or waits for the next attempt. Nor what we may have missed ourselves: the 30 s
//! begin when we were last behind (see [`Watch::steady_since`]), and not while the settings pause us or the
//! warehouse.

use events::{
    contradictions::{CONTRADICTIONS_MAX, Contradiction, ContradictionKind},
    ids::{Moment, OrderId},
    insights::{BottleSums, Ledger, ON_THE_WAY_MAX, OnTheWay, ReadUpTo, WaitsFor},
};

use crate::{
    analysis::Analysis,
    order::Order,
    status::{Status, Waiting},
};

/// After this long something that is missing is overdue.
pub const OVERDUE_AFTER_MS: i64 = 30_000;

/// When the ledger is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watch {
    pub now: Moment,
    /// Since when we are connected, up to date, and neither we nor the warehouse are paused. Something missing
    /// from before is not overdue yet: it may be on its way to us.
    pub steady_since: Moment,
}

impl Watch {
    fn is_overdue(&self, since: Moment) -> bool {
        self.now.micros_since(since.max(self.steady_since)) > OVERDUE_AFTER_MS * 1000
    }
}

/// The ledger at this moment.
pub fn ledger(analysis: &Analysis, watch: Watch) -> Ledger {
    let mut drawn = Drawn::new(analysis, watch);
    for (order_id, order) in analysis.orders() {
        drawn.count(order_id, order);
    }
    drawn.look_at_the_log(analysis);
    drawn.finish(analysis)
}

/// Something on its way: whether it is in time, what it is, since when, and for which order.
type Listed<'a> = (bool, Waiting, &'a OrderId);

/// A ledger being computed.
struct Drawn<'a> {
    watch: Watch,
    ledger: Ledger,
    on_the_way: Vec<Listed<'a>>,
    contradictions: Vec<Contradiction>,
    /// Bottles accepted orders asked for.
    accepted_bottles: u64,
    parked: usize,
    is_overdue: bool,
    /// When the warehouse decided last.
    decided_at: Moment,
    /// When the youngest decided order was placed.
    decided_up_to: Moment,
}

impl<'a> Drawn<'a> {
    fn new(analysis: &Analysis, watch: Watch) -> Self {
        let mut drawn = Drawn {
            watch,
            ledger: Ledger { at: watch.now, bottles: bottles(analysis), ..Ledger::default() },
            on_the_way: Vec::new(),
            contradictions: Vec::new(),
            accepted_bottles: 0,
            parked: 0,
            is_overdue: false,
            decided_at: Moment::default(),
            decided_up_to: Moment::default(),
        };
        // A decision about an order that was never placed counts nowhere.
        let decided = |order: &Order| Some((order.placed_at?, order.decision?));
        for (placed_at, decision) in analysis.orders().filter_map(|(_, order)| decided(order)) {
            drawn.decided_at = drawn.decided_at.max(decision.at);
            drawn.decided_up_to = drawn.decided_up_to.max(placed_at);
            drawn.accepted_bottles += decision.lines.bottles();
            drawn.ledger.orders.accepted += u64::from(decision.accepted);
        }
        drawn.ledger.deliveries.accepted = drawn.ledger.orders.accepted;
        drawn
    }

    fn count(&mut self, order_id: &'a OrderId, order: &Order) {
        self.count_standing(order);
        if let Some(parked) = order.parked() {
            let is_overdue = self.watch.is_overdue(parked.0);
            if is_overdue && order.is_hearsay() {
                return;
            }
            self.parked += 1;
            self.list(is_overdue, parked, order_id);
        } else if let Some(waiting) = order.on_its_way() {
            let is_overdue = order.status() == Status::Waiting && self.is_missed(waiting.0);
            self.list(is_overdue, waiting, order_id);
        }
        let contradictions = if order.is_hearsay() { Vec::new() } else { order.contradictions() };
        for (at, what) in contradictions {
            self.contradict(Contradiction { at, order_id: Some(order_id.clone()), what });
        }
    }

    fn list(&mut self, is_overdue: bool, waiting: Waiting, order_id: &'a OrderId) {
        self.is_overdue |= is_overdue;
        self.on_the_way.push((!is_overdue, waiting, order_id));
    }

    fn count_standing(&mut self, order: &Order) {
        let (orders, deliveries) = (&mut self.ledger.orders, &mut self.ledger.deliveries);
        orders.placed += u64::from(order.placed_at.is_some());
        let place = match order.status() {
            Status::Unknown => return,
            Status::Waiting => &mut orders.waiting,
            Status::Refused => &mut orders.refused,
            Status::UnderWay => &mut deliveries.under_way,
            Status::Delivered => &mut deliveries.delivered,
            Status::Stranded => &mut deliveries.stranded,
            Status::Returned => &mut deliveries.returned,
        };
        *place += 1;
    }

    /// Whether an order placed at this time should have been decided by now.
    fn is_missed(&self, placed_at: Moment) -> bool {
        let was_passed_over = placed_at < self.decided_up_to;
        self.watch.is_overdue(placed_at) && (was_passed_over || self.watch.is_overdue(self.decided_at))
    }

    /// Contradictions and gaps in the log of stock.
    fn look_at_the_log(&mut self, analysis: &'a Analysis) {
        for (beer, shelf) in analysis.shelves() {
            let not_listed = shelf.contradictions_found.saturating_sub(shelf.contradictions.len() as u64);
            self.ledger.contradictions_found += not_listed;
            for contradiction in &shelf.contradictions {
                self.contradict(contradiction.clone());
            }
            let Some((missing, first)) = shelf.gap() else { continue };
            self.parked += shelf.parked.len();
            if let Some(order_id) = first.order_id() {
                let waiting = (first.at, WaitsFor::EarlierEvent);
                self.list(self.watch.is_overdue(first.at), waiting, order_id);
            }
            if self.watch.is_overdue(first.at) {
                let order_id = first.order_id().cloned();
                let what = ContradictionKind::EventsMissing {
                    beer: beer.clone(),
                    first: missing,
                    last: first.event.sequence.previous(),
                };
                self.contradict(Contradiction { at: first.at, order_id, what });
            }
        }
    }

    fn contradict(&mut self, contradiction: Contradiction) {
        self.ledger.contradictions_found += 1;
        self.contradictions.push(contradiction);
    }

    fn finish(mut self, analysis: &Analysis) -> Ledger {
        self.ledger.balanced = self.ledger.contradictions_found == 0
            && !self.is_overdue
            && self.always_holds()
            && (self.parked > 0 || self.holds_at_rest());
        self.contradictions.sort_by_key(|contradiction| contradiction.at);
        self.contradictions.truncate(CONTRADICTIONS_MAX);
        self.ledger.contradictions = self.contradictions;
        self.ledger.on_the_way = first_of(self.on_the_way);
        self.ledger.read = analysis
            .checkpoint()
            .iter()
            .map(|(topic, reached)| ReadUpTo {
                topic: (*topic).to_owned(),
                ledger: reached.last.ledger,
                entry: reached.last.entry,
                messages: reached.messages,
            })
            .collect();
        self.ledger
    }

    /// Sums that always hold, whatever was read first.
    fn always_holds(&self) -> bool {
        let (bottles, deliveries) = (&self.ledger.bottles, &self.ledger.deliveries);
        let went_in = bottles.counted + bottles.received + bottles.released;
        went_in == bottles.reserved + bottles.on_shelf
            && deliveries.accepted
                == deliveries.delivered + deliveries.under_way + deliveries.stranded + deliveries.returned
    }

    /// Sums over topics that are read independently: off while one topic is ahead.
    fn holds_at_rest(&self) -> bool {
        let (bottles, orders) = (&self.ledger.bottles, &self.ledger.orders);
        bottles.reserved == self.accepted_bottles && orders.placed == orders.accepted + orders.refused + orders.waiting
    }
}

/// All bottles, by the log.
fn bottles(analysis: &Analysis) -> BottleSums {
    let mut sums = BottleSums::default();
    for (_, shelf) in analysis.shelves() {
        sums.counted += shelf.sums.counted;
        sums.received += shelf.sums.received;
        sums.reserved += shelf.sums.reserved;
        sums.released += shelf.sums.released;
        sums.on_shelf += u64::from(shelf.level.0);
    }
    sums
}

/// First what is overdue, which is why the ledger is unbalanced, then the oldest of what is on its way; there may be thousands.
fn first_of(mut all: Vec<Listed<'_>>) -> Vec<OnTheWay> {
    if all.len() > ON_THE_WAY_MAX {
        all.select_nth_unstable(ON_THE_WAY_MAX);
        all.truncate(ON_THE_WAY_MAX);
    }
    all.sort_unstable();
    let listed =
        all.into_iter().map(|(_, (since, what), order_id)| OnTheWay { order_id: order_id.clone(), what, since });
    listed.collect()
}

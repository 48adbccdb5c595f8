//! Who was gone, how long, and when every order was accounted for again. Pure: the caller passes what is heard and
//! when.
//!
//! A service is gone when it is silent for too long, or when its next report comes from another process; the broker is
//! gone while the stage's own connection is. While the broker is gone nothing can be heard, and silence does not count.

use std::collections::{BTreeMap, VecDeque};

use events::{
    ids::{Moment, Service},
    insights::{Ledger, ON_THE_WAY_MAX, OnTheWay, WaitsFor},
    stage::PRESENCE_GONE_AFTER_MS,
};
use serde::{Deserialize, Serialize};
use service::Now;

pub const OUTAGES_MAX: usize = 10;

/// What parcels wait for that are in place, however long it takes: a long queue is no loss.
const AT_THEIR_PLACE: [WaitsFor; 3] = [WaitsFor::Courier, WaitsFor::CourierAgain, WaitsFor::Attempt];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Who {
    Service(Service),
    /// The connection to the broker.
    Broker,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    pub who: Who,
    /// When it was last heard or connected.
    pub gone_at: Moment,
    /// `None` while it is gone.
    pub back_at: Option<Moment>,
    pub new_process: bool,
    /// When every order from before its return was accounted for: the ledger had read them and was balanced, and they
    /// were decided, not still with a courier from then, and without facts that do not fit together yet. Never before
    /// `back_at`.
    pub settled_at: Option<Moment>,
    /// How many orders were known at its return.
    orders_then: u64,
}

#[derive(Debug, Default)]
pub struct Outages {
    heard: BTreeMap<Service, Now>,
    /// The start of the process that was heard last, also if an earlier process of the stage heard it.
    processes: BTreeMap<Service, Moment>,
    /// When the broker was last seen connected; `None` before the first time.
    connected_at: Option<Now>,
    /// When it was connected again after it was gone.
    reconnected_at: Option<Now>,
    outages: VecDeque<Outage>,
}

impl Outages {
    /// A process with this start reports for a service; `orders` are known by now. Returns whether an absence ends.
    pub fn heard(&mut self, service: Service, started_at: Moment, now: Now, orders: u64) -> bool {
        let who = Who::Service(service);
        let is_new = self.processes.insert(service, started_at).is_some_and(|before| before != started_at);
        let Some(before) = self.heard.insert(service, now) else {
            // The first report that this process hears ends an absence that the one before noticed.
            let was_gone = self.is_gone(who);
            self.back(who, is_new, now, orders);
            return was_gone;
        };
        if !self.is_gone(who) {
            // The first reports may come before `look` has noticed that the broker is back.
            let was_silent = !self.is_gone(Who::Broker) && is_too_long(self.audible_since(before), now);
            if !is_new && !was_silent {
                return false;
            }
            let gone_at = if is_new { before } else { self.audible_since(before) };
            self.gone(who, gone_at);
        }
        self.back(who, is_new, now, orders);
        true
    }

    /// Checks who is silent, and whether the broker is connected. Returns whether that changes anything.
    pub fn look(&mut self, connected: bool, now: Now, orders: u64) -> bool {
        match (connected, self.connected_at, self.is_gone(Who::Broker)) {
            (true, _, true) => {
                self.back(Who::Broker, false, now, orders);
                (self.connected_at, self.reconnected_at) = (Some(now), Some(now));
                return true;
            }
            (true, ..) => self.connected_at = Some(now),
            (false, Some(last), false) => {
                self.gone(Who::Broker, last);
                return true;
            }
            (false, ..) => return false,
        }
        let silent = self.heard.iter().filter(|(_, heard)| is_too_long(self.audible_since(**heard), now));
        let silent: Vec<_> = silent.map(|(service, heard)| (Who::Service(*service), *heard)).collect();
        let mut changed = false;
        for (who, heard_at) in silent {
            if !self.is_gone(who) {
                self.gone(who, self.audible_since(heard_at));
                changed = true;
            }
        }
        changed
    }

    /// Applies a ledger. Returns whether it settles something.
    pub fn settle(&mut self, ledger: &Ledger) -> bool {
        let mut changed = false;
        for outage in &mut self.outages {
            let (Some(back_at), None) = (outage.back_at, outage.settled_at) else { continue };
            if ledger.balanced && ledger.orders.placed >= outage.orders_then && !hangs(ledger, outage.who, back_at) {
                outage.settled_at = Some(ledger.at.max(back_at));
                changed = true;
            }
        }
        changed
    }

    /// The part of the checkpoint: the outages, and the processes.
    pub const fn kept(&self) -> (&VecDeque<Outage>, &BTreeMap<Service, Moment>) {
        (&self.outages, &self.processes)
    }

    /// Restores from a checkpoint.
    pub fn of(outages: VecDeque<Outage>, processes: BTreeMap<Service, Moment>) -> Self {
        Outages { outages, processes, ..Outages::default() }
    }

    /// Newest first.
    pub fn list(&self) -> Vec<Outage> {
        self.outages.iter().cloned().collect()
    }

    /// A broker that is gone lets nothing be heard: silence counts from its return.
    fn audible_since(&self, heard_at: Now) -> Now {
        self.reconnected_at.filter(|since| since.steady > heard_at.steady).unwrap_or(heard_at)
    }

    fn is_gone(&self, who: Who) -> bool {
        self.outages.iter().any(|outage| outage.who == who && outage.back_at.is_none())
    }

    fn gone(&mut self, who: Who, gone_at: Now) {
        let gone_at = gone_at.at;
        let outage = Outage { who, gone_at, back_at: None, new_process: false, settled_at: None, orders_then: 0 };
        self.outages.push_front(outage);
        self.outages.truncate(OUTAGES_MAX);
    }

    fn back(&mut self, who: Who, new_process: bool, now: Now, orders: u64) {
        if let Some(outage) = self.outages.iter_mut().find(|outage| outage.who == who && outage.back_at.is_none()) {
            outage.back_at = Some(now.at);
            outage.new_process = new_process;
            outage.orders_then = orders;
        }
    }
}

/// Whether something from before this moment is still unsettled.
fn hangs(ledger: &Ledger, who: Who, back_at: Moment) -> bool {
    let is_from_before = |thing: &&OnTheWay| thing.since <= back_at;
    let at_its_place = |thing: &OnTheWay| AT_THEIR_PLACE.contains(&thing.what);
    let from_before = ledger.on_the_way.iter().filter(is_from_before);
    let listed = from_before.clone().any(|thing| !at_its_place(thing));
    // A full list of older things hides younger ones: then only the sums tell whether anything waits for a decision.
    let is_hidden = from_before.count() >= ON_THE_WAY_MAX;
    listed || is_hidden && (ledger.orders.waiting > 0 || who == Who::Service(Service::Delivery))
}

fn is_too_long(since: Now, now: Now) -> bool {
    now.micros_since(since) > PRESENCE_GONE_AFTER_MS * 1000
}

#[cfg(test)]
mod tests {
    use std::{
        sync::LazyLock,
        time::{Duration, Instant},
    };

    use events::insights::{OnTheWay, OrderSums};

    use super::*;

    const WAREHOUSE: Who = Who::Service(Service::Warehouse);

    fn at(millis: i64) -> Moment {
        Moment::from_micros(1_000_000_000_000).plus_millis(millis)
    }

    fn now(millis: i64) -> Now {
        now_set_by(millis, 0)
    }

    /// `millis` after the beginning, by a clock that was set by `set_by` milliseconds in between.
    fn now_set_by(millis: i64, set_by: i64) -> Now {
        static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);
        let passed = Duration::from_millis(u64::try_from(millis).unwrap());
        Now { at: at(millis + set_by), steady: *BEGINNING + passed }
    }

    /// Outages that heard the warehouse's first process every half second up to `until`, with the broker connected.
    fn quiet(until: i64) -> Outages {
        let mut outages = Outages::default();
        for millis in (0..=until).step_by(500) {
            assert!(!outages.heard(Service::Warehouse, at(-9), now(millis), 5));
            assert!(!outages.look(true, now(millis), 5));
        }
        outages
    }

    /// Who was gone from when to when, and whether another process came back.
    fn told(outages: &Outages) -> Vec<(Who, i64, Option<i64>, bool)> {
        let millis = |moment: Moment| moment.micros_since(at(0)) / 1000;
        let tell =
            |outage: Outage| (outage.who, millis(outage.gone_at), outage.back_at.map(millis), outage.new_process);
        outages.list().into_iter().map(tell).collect()
    }

    #[test]
    fn whoever_speaks_every_half_second_was_never_gone() {
        assert_eq!(told(&quiet(9_000)), []);
    }

    #[test]
    fn a_clock_that_is_set_makes_nobody_gone_and_hides_nobodys_silence() {
        for set_by in [-3_600_000, 3_600_000] {
            let mut outages = quiet(1_000);
            assert!(!outages.heard(Service::Warehouse, at(-9), now_set_by(1_500, set_by), 5));
            assert!(!outages.look(true, now_set_by(1_500, set_by), 5));
            assert_eq!(told(&outages), []);
            assert!(outages.look(true, now_set_by(3_600, set_by), 5), "silent for 2.1 s");
        }
    }

    #[test]
    fn a_new_process_was_gone_since_the_last_word_of_the_old_one() {
        let mut outages = quiet(1_000);
        assert!(outages.heard(Service::Warehouse, at(1_900), now(2_400), 7));
        assert_eq!(told(&outages), [(WAREHOUSE, 1_000, Some(2_400), true)]);
        assert!(!outages.heard(Service::Warehouse, at(1_900), now(2_900), 7), "and is reported once");
    }

    #[test]
    fn silence_is_told_while_it_lasts_and_once() {
        let mut outages = quiet(1_000);
        assert!(!outages.look(true, now(3_000), 5), "two seconds are not too long");
        assert!(outages.look(true, now(3_001), 5));
        assert!(!outages.look(true, now(3_500), 5));
        assert_eq!(told(&outages), [(WAREHOUSE, 1_000, None, false)]);
        assert!(outages.heard(Service::Warehouse, at(-9), now(4_000), 5));
        assert_eq!(told(&outages), [(WAREHOUSE, 1_000, Some(4_000), false)]);
    }

    #[test]
    fn who_cannot_be_heard_without_the_broker_is_not_called_gone() {
        let mut outages = quiet(1_000);
        assert!(outages.look(false, now(1_500), 5));
        for millis in (2_000..9_000).step_by(500) {
            assert!(!outages.look(false, now(millis), 5));
        }
        assert!(!outages.heard(Service::Warehouse, at(-9), now(8_900), 8), "heard before the look");
        assert!(outages.look(true, now(9_000), 8));
        assert!(!outages.heard(Service::Warehouse, at(-9), now(9_700), 8));
        assert_eq!(told(&outages), [(Who::Broker, 1_000, Some(9_000), false)]);
        // If it stays silent, it is gone from its last report.
        assert!(outages.look(true, now(12_000), 8));
        assert_eq!(told(&outages)[0], (WAREHOUSE, 9_700, None, false));
    }

    #[test]
    fn an_absence_ends_after_a_restart_of_the_stage_as_well() {
        for (started_at, is_new) in [(-9, false), (1_900, true)] {
            let mut before = quiet(1_000);
            before.look(true, now(3_001), 5);
            let (outages, processes) = before.kept();
            let mut after = Outages::of(outages.clone(), processes.clone());
            after.look(true, now(3_500), 5);
            assert_eq!(told(&after), [(WAREHOUSE, 1_000, None, false)]);
            assert!(after.heard(Service::Warehouse, at(started_at), now(4_000), 5));
            assert_eq!(told(&after), [(WAREHOUSE, 1_000, Some(4_000), is_new)]);
            assert!(!after.heard(Service::Delivery, at(0), now(4_100), 5), "it was not gone");
        }
    }

    #[test]
    fn a_broker_that_was_never_there_is_not_gone() {
        let mut outages = Outages::default();
        assert!(!outages.look(false, now(0), 0) && !outages.look(true, now(9_000), 0));
        assert_eq!(told(&outages), []);
    }

    fn ledger(millis: i64, placed: u64, since: Option<i64>) -> Ledger {
        let thing = |since| OnTheWay { order_id: "a1".parse().unwrap(), what: WaitsFor::Decision, since: at(since) };
        Ledger {
            at: at(millis),
            balanced: true,
            orders: OrderSums { placed, ..OrderSums::default() },
            on_the_way: since.map(thing).into_iter().collect(),
            ..Ledger::default()
        }
    }

    #[test]
    fn settled_once_every_order_from_before_was_read_and_has_gone_on() {
        let mut outages = quiet(1_000);
        assert!(!outages.settle(&ledger(1_100, 5, None)), "nobody was gone");
        outages.heard(Service::Warehouse, at(1_900), now(2_400), 7);
        assert!(!outages.settle(&ledger(2_500, 6, None)), "one order is not read yet");
        assert!(!outages.settle(&ledger(2_600, 9, Some(2_400))), "one still waits there");
        assert!(!outages.settle(&Ledger { balanced: false, ..ledger(2_700, 9, None) }));
        assert!(outages.settle(&ledger(4_500, 9, Some(2_401))), "a younger one does not matter");
        assert!(!outages.settle(&ledger(5_000, 9, None)), "once is enough");
        assert_eq!(outages.list()[0].settled_at, Some(at(4_500)));
    }

    #[test]
    fn a_long_queue_is_no_loss_but_what_it_hides_counts() {
        let back = |service| {
            let mut outages = quiet(1_000);
            outages.heard(service, at(-9), now(2_000), 7);
            outages.heard(service, at(1_900), now(2_400), 7);
            outages
        };
        let mut queued = ledger(2_500, 9, Some(2_000));
        queued.on_the_way[0].what = WaitsFor::Courier;
        assert!(back(Service::Delivery).settle(&queued));
        queued.on_the_way = vec![queued.on_the_way[0].clone(); ON_THE_WAY_MAX];
        assert!(back(Service::Warehouse).settle(&queued), "nothing waits for a decision");
        assert!(!back(Service::Delivery).settle(&queued), "it is unknown who had a parcel");
        queued.orders.waiting = 1;
        assert!(!back(Service::Warehouse).settle(&queued), "it is unknown since when it waits");
    }

    #[test]
    fn what_was_in_order_all_along_is_settled_on_return() {
        let mut outages = quiet(1_000);
        outages.heard(Service::Warehouse, at(1_900), now(2_400), 5);
        assert!(outages.settle(&ledger(300, 5, None)), "nothing has changed since, so no newer ledger comes");
        assert_eq!(outages.list()[0].settled_at, Some(at(2_400)));
    }

    #[test]
    fn a_few_are_remembered_the_newest_first() {
        let mut outages = quiet(0);
        for n in 1..20 {
            outages.heard(Service::Warehouse, at(n), now(n * 400), 5);
        }
        assert_eq!(outages.list().len(), OUTAGES_MAX);
        assert_eq!(told(&outages)[0].2, Some(19 * 400));
    }
}

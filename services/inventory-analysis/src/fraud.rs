//! The pure core of fraud watch: which orders are suspicious, by two rules.
//!
//! - **Burst**: at least [`BURST_ORDERS`] orders by one customer within [`BURST_WITHIN_MS`]. As long as orders keep coming
//!   at that rate it is one burst, and one finding that grows.
//! - **Absurd**: at least [`ABSURD_BOTTLES`] bottles in one order.
//!
//! Times are the messages' own, so that what happened an hour ago is found as well. An order sent again is still one
//! order. Memory is bounded whatever strangers send: orders by [`crate::seen`], customers and their recent
//! orders here; and no customer is forgotten because of another customer's clock.

use std::collections::{HashMap, VecDeque};

use events::{
    ids::{Moment, OrderId},
    insights::{ABSURD_BOTTLES, BURST_ORDERS, BURST_WITHIN_MS, FINDINGS_MAX, Finding, Fraud, FraudRule},
    limits::MESSAGE_MAX,
    orders::{self, CUSTOMER_MAX, PlaceOrder},
};

use crate::seen::Seen;

/// Most customers remembered; beyond that, the half that ordered longest ago is forgotten. At 500 orders/s from as many
/// customers, ten seconds of them remain.
pub const CUSTOMERS_MAX: usize = 10_000;
/// Most recent orders remembered per customer; more within a few seconds are a finding already.
const RECENT_MAX: usize = 64;
/// An order that arrives after later ones is still checked if it is at most this late, in
/// milliseconds.
const RECENT_FOR_MS: i64 = 2 * BURST_WITHIN_MS;
/// Most orders listed with a finding.
const LISTED_MAX: usize = 20;
/// Room for findings in a message, in bytes; the remainder is for everything else in it.
const LISTED_BYTES_MAX: usize = MESSAGE_MAX - 4 * 1024;

/// What fraud watch knows. It is in memory only, and starts from nothing whenever the watch is attached.
#[derive(Debug, Default)]
pub struct FraudWatch {
    seen: Seen,
    orders_seen: u64,
    customers: HashMap<String, Customer>,
    /// The newest first, at most [`FINDINGS_MAX`].
    findings: VecDeque<Found>,
    found: u64,
}

#[derive(Debug, Default)]
struct Customer {
    /// In the order of time.
    recent: Vec<Recent>,
    /// When the last order came, as a count of orders.
    last_seen: u64,
    /// The finding of the last burst, by number.
    burst: Option<u64>,
}

#[derive(Debug)]
struct Recent {
    at: Moment,
    order_id: OrderId,
    /// It belongs to the last burst.
    in_burst: bool,
}

/// A finding that may still grow.
#[derive(Debug)]
struct Found {
    number: u64,
    rule: FraudRule,
    customer: String,
    /// The first [`LISTED_MAX`] of its orders, by time.
    listed: Vec<(Moment, OrderId)>,
    /// How many orders it has.
    orders: u64,
    bottles: u32,
    first: Moment,
    last: Moment,
}

impl FraudWatch {
    /// Checks an order placed at `at`.
    pub fn see(&mut self, order_id: &OrderId, order: &PlaceOrder, at: Moment) {
        if !self.seen.record_once(order_id) {
            return;
        }
        self.orders_seen += 1;
        let customer: String = order.customer.trim().chars().take(CUSTOMER_MAX).collect();
        let bottles = orders::bottles(&order.lines);
        if bottles >= ABSURD_BOTTLES {
            let mut found = self.begin(FraudRule::Absurd, &customer);
            found.bottles = bottles.0;
            found.add(at, order_id);
            self.list(found);
        }
        self.look_for_a_burst(customer, order_id, at);
    }

    fn look_for_a_burst(&mut self, name: String, order_id: &OrderId, at: Moment) {
        self.make_room();
        let customer = self.customers.entry(name.clone()).or_default();
        customer.last_seen = self.orders_seen;
        let Some(place) = customer.remember(at, order_id) else { return };
        let Some((goes_on, joining)) = customer.join_a_burst(place) else { return };
        let known = customer.burst.filter(|_| goes_on);
        if known.is_none() {
            customer.burst = Some(self.found + 1);
        }
        let burst = match known {
            None => Some(self.begin(FraudRule::Burst, &name)),
            Some(number) => self.take_from_the_list(number),
        };
        // A burst that lasts so long that newer findings have replaced it in the list is not listed again.
        let Some(mut burst) = burst else { return };
        joining.iter().for_each(|(at, order_id)| burst.add(*at, order_id));
        self.list(burst);
    }

    fn begin(&mut self, rule: FraudRule, customer: &str) -> Found {
        self.found += 1;
        Found {
            number: self.found,
            rule,
            customer: customer.to_owned(),
            listed: Vec::new(),
            orders: 0,
            bottles: 0,
            first: Moment::from_micros(i64::MAX),
            last: Moment::from_micros(i64::MIN),
        }
    }

    fn take_from_the_list(&mut self, number: u64) -> Option<Found> {
        let place = self.findings.iter().position(|found| found.number == number)?;
        self.findings.remove(place)
    }

    fn list(&mut self, found: Found) {
        self.findings.push_front(found);
        self.findings.truncate(FINDINGS_MAX);
    }

    fn make_room(&mut self) {
        if self.customers.len() < CUSTOMERS_MAX {
            return;
        }
        let mut last_seen: Vec<u64> = self.customers.values().map(|customer| customer.last_seen).collect();
        let (_, middle, _) = last_seen.select_nth_unstable(CUSTOMERS_MAX / 2);
        let middle = *middle;
        self.customers.retain(|_, customer| customer.last_seen > middle);
    }

    /// The findings so far; as many of the newest as fit into a message.
    pub fn fraud(&self, now: Moment) -> Fraud {
        let mut room = LISTED_BYTES_MAX;
        let fits = |finding: &Finding| {
            let length = serde_json::to_vec(finding).map_or(usize::MAX, |json| json.len());
            room.checked_sub(length).map(|left| room = left).is_some()
        };
        Fraud {
            at: now,
            attached: true,
            orders_seen: self.orders_seen,
            findings: self.findings.iter().map(Found::finding).take_while(fits).collect(),
            findings_total: self.found,
        }
    }
}

impl Customer {
    /// Adds an order to the recent ones and forgets those that are too old. Returns its place, if it is not too old itself.
    fn remember(&mut self, at: Moment, order_id: &OrderId) -> Option<usize> {
        let place = self.recent.partition_point(|known| known.at <= at);
        self.recent.insert(place, Recent { at, order_id: order_id.clone(), in_burst: false });
        let newest = self.recent.last().map_or(at, |newest| newest.at);
        let since = newest.plus_millis(-RECENT_FOR_MS);
        let too_old = self.recent.partition_point(|known| known.at < since);
        let too_many = self.recent.len().saturating_sub(RECENT_MAX);
        let forgotten = too_old.max(too_many);
        self.recent.drain(..forgotten);
        place.checked_sub(forgotten)
    }

    /// If the order at this place is part of a burst: whether that burst is a finding already, and the orders that join it.
    fn join_a_burst(&mut self, place: usize) -> Option<(bool, Vec<(Moment, OrderId)>)> {
        let (begin, end) = self.dense_around(place)?;
        let dense = self.recent.get_mut(begin..end)?;
        let goes_on = dense.iter().any(|order| order.in_burst);
        let mut joining = Vec::new();
        for order in dense.iter_mut().filter(|order| !order.in_burst) {
            order.in_burst = true;
            joining.push((order.at, order.order_id.clone()));
        }
        Some((goes_on, joining))
    }

    /// The range of recent orders that form a burst with the one at this place; `None` if there is none.
    fn dense_around(&self, place: usize) -> Option<(usize, usize)> {
        let is_dense = |begin: &usize| match (self.recent.get(*begin), self.recent.get(begin + BURST_ORDERS - 1)) {
            (Some(first), Some(last)) => last.at.micros_since(first.at) <= BURST_WITHIN_MS * 1000,
            _ => false,
        };
        let mut begins = (place.saturating_sub(BURST_ORDERS - 1)..=place).filter(is_dense);
        let first = begins.next()?;
        Some((first, begins.next_back().unwrap_or(first) + BURST_ORDERS))
    }
}

impl Found {
    fn add(&mut self, at: Moment, order_id: &OrderId) {
        let place = self.listed.partition_point(|(known, _)| *known <= at);
        self.listed.insert(place, (at, order_id.clone()));
        self.listed.truncate(LISTED_MAX);
        self.orders += 1;
        self.first = self.first.min(at);
        self.last = self.last.max(at);
    }

    fn finding(&self) -> Finding {
        let tenths = self.last.micros_since(self.first) / 100_000;
        let why = match self.rule {
            FraudRule::Burst => format!("{} orders in {}.{} s", self.orders, tenths / 10, tenths % 10),
            FraudRule::Absurd => format!("{} bottles in one order", self.bottles),
        };
        let orders = self.listed.iter().map(|(_, order_id)| order_id.clone()).collect();
        Finding { rule: self.rule, customer: self.customer.clone(), orders, at: self.last, why }
    }
}

#[cfg(test)]
mod tests {
    use events::{
        ids::BeerId,
        insights::Insight,
        limits,
        orders::{Line, PlaceOrderType},
        quantities::Bottles,
    };

    use super::*;

    /// A watch that sees orders by customer, number and millisecond.
    fn after(orders: &[(&str, u32, i64)]) -> Fraud {
        let mut watch = FraudWatch::default();
        orders
            .iter()
            .for_each(|(customer, n, millis)| see(&mut watch, customer, &format!("{customer}-{n}"), 1, *millis));
        watch.fraud(Moment::default())
    }

    fn see(watch: &mut FraudWatch, customer: &str, id: &str, bottles: u32, millis: i64) {
        let order = PlaceOrder {
            kind: PlaceOrderType::PlaceOrder,
            order_id: None,
            customer: customer.into(),
            address: "Gent".into(),
            lines: vec![Line { beer: BeerId::new("orval"), bottles: Bottles(bottles) }],
        };
        watch.see(&id.parse().unwrap(), &order, Moment::default().plus_millis(millis));
    }

    fn found(fraud: &Fraud) -> Vec<(&str, &str)> {
        fraud.findings.iter().map(|finding| (finding.customer.as_str(), finding.why.as_str())).collect()
    }

    #[test]
    fn five_orders_in_ten_seconds_are_a_burst_and_four_are_none() {
        let mallory = [0, 2_500, 5_000, 7_500, 10_000].map(|millis| ("m", u32::try_from(millis).unwrap(), millis));
        let fraud = after(&mallory);
        assert_eq!(found(&fraud), [("m", "5 orders in 10.0 s")]);
        assert_eq!((fraud.findings_total, fraud.orders_seen, fraud.attached), (1, 5, true));
        assert_eq!(fraud.findings[0].at, Moment::default().plus_millis(10_000));
        assert_eq!(found(&after(&mallory[..4])), []);
        let slower = mallory.map(|(customer, n, millis)| (customer, n, millis + millis / 1000));
        assert_eq!(found(&after(&slower)), [], "five in 10.01 s");
    }

    #[test]
    fn a_burst_that_goes_on_is_one_finding_and_the_next_one_is_another() {
        let mut orders: Vec<_> = (0..30).map(|n| ("m", n, i64::from(n) * 2_000)).collect();
        orders.extend((100..105).map(|n| ("m", n, 100_000 + i64::from(n))));
        let fraud = after(&orders);
        assert_eq!(found(&fraud), [("m", "5 orders in 0.0 s"), ("m", "30 orders in 58.0 s")]);
        assert_eq!(fraud.findings_total, 2);
        let listed: Vec<_> = fraud.findings[1].orders.iter().map(OrderId::as_str).collect();
        assert_eq!((listed.len(), listed[0], listed[19]), (20, "m-0", "m-19"));
    }

    #[test]
    fn an_order_sent_again_is_one_order() {
        let fraud = after(&[1, 1, 1, 2, 2, 3].map(|n| ("m", n, 0)));
        assert_eq!((found(&fraud), fraud.orders_seen), (vec![], 3));
    }

    #[test]
    fn orders_of_others_and_late_ones_do_not_disturb() {
        let fraud = after(&[
            ("a", 1, 0),
            ("m", 1, 1_000),
            ("m", 2, 2_000),
            ("b", 1, 4_102_444_800_000),
            ("m", 4, 4_000),
            ("m", 5, 5_000),
            ("a", 2, 6_000),
            ("m", 3, 3_000),
        ]);
        assert_eq!(found(&fraud), [("m", "5 orders in 4.0 s")]);
        let listed: Vec<_> = fraud.findings[0].orders.iter().map(OrderId::as_str).collect();
        assert_eq!(listed, ["m-1", "m-2", "m-3", "m-4", "m-5"]);
    }

    #[test]
    fn seventy_two_bottles_in_an_order_are_absurd() {
        let mut watch = FraudWatch::default();
        see(&mut watch, "m", "a", 71, 0);
        see(&mut watch, " m ", "b", 72, 1);
        let fraud = watch.fraud(Moment::default());
        assert_eq!(found(&fraud), [("m", "72 bottles in one order")]);
        assert_eq!((fraud.findings[0].rule, fraud.findings[0].orders[0].as_str()), (FraudRule::Absurd, "b"));
    }

    #[test]
    fn lists_the_newest_and_counts_them_all() {
        let mut watch = FraudWatch::default();
        for n in 0..60 {
            see(&mut watch, &format!("c-{n}"), &format!("o-{n}"), 100, n);
        }
        let fraud = watch.fraud(Moment::default());
        assert_eq!((fraud.findings.len(), fraud.findings_total), (FINDINGS_MAX, 60));
        assert_eq!((fraud.findings[0].customer.as_str(), fraud.findings[49].customer.as_str()), ("c-59", "c-10"));
    }

    #[test]
    fn lists_no_more_than_fits_a_message() {
        let mut watch = FraudWatch::default();
        for n in 0..10_000 {
            let customer = format!("{:04}{}", n / 100, "\u{1}".repeat(CUSTOMER_MAX));
            see(&mut watch, &customer, &format!("{n:064}"), 1, n);
        }
        let fraud = Insight::Fraud(watch.fraud(Moment::MAX));
        let json = serde_json::to_vec(&fraud).unwrap();
        assert!(limits::check(&json).is_ok(), "{} bytes", json.len());
        let Insight::Fraud(fraud) = fraud else { panic!("another insight") };
        assert!(fraud.findings.len() > 20 && fraud.findings_total == 100, "{}", fraud.findings.len());
    }

    #[test]
    fn customers_who_ordered_longest_ago_are_forgotten() {
        let mut watch = FraudWatch::default();
        let max = i64::try_from(CUSTOMERS_MAX).unwrap();
        for n in 0..=max {
            see(&mut watch, &format!("c-{n}"), &format!("o-{n}"), 1, n);
        }
        assert!(watch.customers.len() <= CUSTOMERS_MAX / 2 + 1, "{}", watch.customers.len());
        assert!(watch.customers.contains_key(&format!("c-{max}")));
        assert!(!watch.customers.contains_key("c-0"));
        for n in 0..1_000 {
            see(&mut watch, "m", &format!("m-{n}"), 1, n);
        }
        assert_eq!(watch.customers["m"].recent.len(), RECENT_MAX);
        assert_eq!(watch.findings[0].orders, 1_000);
    }
}

//! What did refused demand cost, by beer?

use std::collections::BTreeMap;

use events::{
    decisions::{OrderDecision, Refusal},
    ids::BeerId,
    orders,
    past::Cell,
    quantities::Cents,
    received::Received,
    topics::{ORDER_DECISIONS, Topic},
};

use crate::{questions::Inquiry, seen::Seen};

/// Adds up refused orders under the beer there was too little of.
///
/// An order is all or nothing: if two bottles of one beer are missing, none of it is sold. So the whole order, all
/// its bottles and their price, is what that beer cost us. Invalid orders are left out:
/// no stock would have sold them.
#[derive(Debug, Default)]
pub struct CostOfRefusals {
    seen: Seen,
    by_beer: BTreeMap<BeerId, Cost>,
}

#[derive(Debug, Default)]
struct Cost {
    orders: u64,
    bottles: u64,
    cents: Cents,
}

impl Inquiry for CostOfRefusals {
    type Message = OrderDecision;
    const COLUMNS: &'static [&'static str] = &["beer", "orders", "bottles", "cents"];

    fn topic() -> Topic<OrderDecision> {
        ORDER_DECISIONS
    }

    fn take(&mut self, received: &Received<OrderDecision>) {
        let Ok(decision) = &received.message else { return };
        // The first decision counts, as everywhere.
        if !self.seen.record_once(decision.order_id()) {
            return;
        }
        let OrderDecision::Refused { lines, reason: Refusal::NotEnough { beer, .. }, .. } = decision else { return };
        let cost = self.by_beer.entry(beer.clone()).or_default();
        cost.orders += 1;
        cost.bottles += u64::from(orders::bottles(lines).0);
        cost.cents += orders::total(lines);
    }

    fn rows(self) -> Vec<Vec<Cell>> {
        let mut costs: Vec<_> = self.by_beer.into_iter().collect();
        costs.sort_by_key(|(_, cost)| std::cmp::Reverse(cost.cents));
        let row = |(beer, cost): (BeerId, Cost)| {
            vec![Cell::Beer(beer), Cell::Count(cost.orders), Cell::Count(cost.bottles), Cell::Cents(cost.cents)]
        };
        costs.into_iter().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use events::quantities::Bottles;

    use super::*;
    use crate::questions::testing::{lines, received};

    fn refused(id: &str, short: &str, beers: &[(&str, u32)]) -> OrderDecision {
        let reason = Refusal::NotEnough { beer: BeerId::new(short), asked: Bottles(9), left: Bottles(0) };
        OrderDecision::Refused { order_id: id.parse().unwrap(), lines: lines(beers), reason }
    }

    #[test]
    fn the_whole_order_is_the_cost_of_the_beer_that_was_short() {
        let mut inquiry = CostOfRefusals::default();
        let reason = Refusal::Invalid { faults: vec![] };
        let invalid = OrderDecision::Refused { order_id: "d".parse().unwrap(), lines: lines(&[("orval", 99)]), reason };
        let bottles = Bottles(1);
        let accepted = OrderDecision::Accepted {
            order_id: "e".parse().unwrap(),
            lines: lines(&[("orval", 1)]),
            bottles,
            total_cents: Cents(360),
        };
        let decisions = [
            refused("a", "orval", &[("orval", 9)]),
            refused("b", "westvleteren-12", &[("westvleteren-12", 9), ("orval", 1)]),
            refused("b", "westvleteren-12", &[("westvleteren-12", 9), ("orval", 1)]),
            invalid,
            accepted,
        ];
        decisions.into_iter().for_each(|decision| inquiry.take(&received(decision, 0)));
        let row = |beer: &str, bottles: u64, cents: u64| {
            vec![Cell::Beer(BeerId::new(beer)), Cell::Count(1), Cell::Count(bottles), Cell::Cents(Cents(cents))]
        };
        let both = orders::total(&lines(&[("westvleteren-12", 9), ("orval", 1)])).0;
        assert_eq!(inquiry.rows(), [row("westvleteren-12", 10, both), row("orval", 9, 9 * 360)]);
    }
}

//! What was sold and what could not be, in total and by the minute of the decisions.

use std::collections::BTreeMap;

use events::{
    decisions::OrderDecision,
    ids::Moment,
    insights::{MinuteOfSales, RefusedDemand, Sales},
    orders::{self, Line},
    quantities::Cents,
};
use serde::{Deserialize, Serialize};

/// How many minutes are kept, counted back from the newest decision.
pub const MINUTES_MAX: i64 = 60;

/// A decision as the sales count it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sale {
    pub accepted: bool,
    /// How many bottles the order has.
    pub bottles: u64,
    pub cents: Cents,
}

impl Sale {
    /// What this decision sells or refuses.
    pub fn of(decision: &OrderDecision) -> Self {
        let bottles = |lines: &[Line]| u64::from(orders::bottles(lines).0);
        match decision {
            OrderDecision::Accepted { lines, total_cents, .. } => {
                Sale { accepted: true, bottles: bottles(lines), cents: *total_cents }
            }
            OrderDecision::Refused { lines, .. } => {
                Sale { accepted: false, bottles: bottles(lines), cents: orders::total(lines) }
            }
        }
    }
}

/// All first decisions so far, of orders that were placed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Takings {
    pub totals: Totals,
    /// By minute since 1970; the last [`MINUTES_MAX`] before the newest.
    pub minutes: BTreeMap<i64, MinuteOfSales>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Totals {
    pub orders: u64,
    pub bottles: u64,
    pub revenue_cents: Cents,
    /// What could not be sold.
    pub refused: RefusedDemand,
}

impl Takings {
    /// Counts the first decision about an order. Returns the minutes whose figures changed or were dropped.
    pub fn count(&mut self, sale: Sale, at: Moment) -> Vec<i64> {
        let minute = Moment::from_micros(at.minute() * 60_000_000);
        let of_minute = self.minutes.entry(at.minute()).or_insert(MinuteOfSales { minute, ..MinuteOfSales::default() });
        let Sale { accepted, bottles, cents } = sale;
        if accepted {
            self.totals.orders += 1;
            self.totals.bottles += bottles;
            self.totals.revenue_cents += cents;
            of_minute.orders += 1;
            of_minute.bottles += bottles;
            of_minute.revenue_cents += cents;
        } else {
            self.totals.refused.orders += 1;
            self.totals.refused.bottles += bottles;
            self.totals.refused.value_cents += cents;
            of_minute.refused += 1;
        }
        let mut changed = vec![at.minute()];
        while let Some((oldest, newest)) = self.ends() {
            if oldest > newest - MINUTES_MAX {
                break;
            }
            self.minutes.remove(&oldest);
            changed.push(oldest);
        }
        changed
    }

    fn ends(&self) -> Option<(i64, i64)> {
        Some((*self.minutes.first_key_value()?.0, *self.minutes.last_key_value()?.0))
    }

    /// The insight, as it is at `now`.
    pub fn sales(&self, now: Moment) -> Sales {
        let Totals { orders, bottles, revenue_cents, refused } = self.totals;
        let last_hour = self.minutes.range(now.minute() - MINUTES_MAX + 1..);
        let minutes = last_hour.map(|(_, minute)| *minute).collect();
        Sales { at: now, orders, bottles, revenue_cents, refused, minutes }
    }
}

#[cfg(test)]
mod tests {
    use events::{decisions::Refusal, ids::BeerId, quantities::Bottles};

    use super::*;

    fn lines(beer: &str, bottles: u32) -> Vec<Line> {
        vec![Line { beer: BeerId::new(beer), bottles: Bottles(bottles) }]
    }

    fn accepted(bottles: u32) -> OrderDecision {
        let lines = lines("orval", bottles);
        let (bottles, total_cents) = (orders::bottles(&lines), orders::total(&lines));
        OrderDecision::Accepted { order_id: "a".parse().unwrap(), lines, bottles, total_cents }
    }

    fn refused() -> OrderDecision {
        let (asked, left) = (Bottles(13), Bottles(12));
        let reason = Refusal::NotEnough { beer: BeerId::new("westvleteren-12"), asked, left };
        OrderDecision::Refused { order_id: "b".parse().unwrap(), lines: lines("westvleteren-12", 13), reason }
    }

    fn at(minute: i64) -> Moment {
        Moment::from_micros(minute * 60_000_000 + 7)
    }

    #[test]
    fn sums_what_was_sold_and_what_could_not_be() {
        let mut takings = Takings::default();
        takings.count(Sale::of(&accepted(2)), at(1));
        takings.count(Sale::of(&refused()), at(1));
        takings.count(Sale::of(&accepted(1)), at(3));
        let sales = takings.sales(at(3));
        assert_eq!((sales.orders, sales.bottles, sales.revenue_cents), (2, 3, Cents(1080)));
        assert_eq!(sales.refused, RefusedDemand { orders: 1, bottles: 13, value_cents: Cents(16_770) });
        let minutes: Vec<_> =
            sales.minutes.iter().map(|m| (m.minute.minute(), m.orders, m.bottles, m.refused)).collect();
        assert_eq!(minutes, [(1, 1, 2, 1), (3, 1, 1, 0)]);
    }

    #[test]
    fn keeps_an_hour_of_minutes() {
        let mut takings = Takings::default();
        for minute in 0..60 {
            assert_eq!(takings.count(Sale::of(&accepted(1)), at(minute)), [minute]);
        }
        assert_eq!(takings.count(Sale::of(&accepted(1)), at(61)), [61, 0, 1]);
        assert_eq!(takings.sales(at(61)).minutes.len(), 59);
        assert_eq!(takings.sales(at(100)).minutes[0].minute.minute(), 41);
    }
}

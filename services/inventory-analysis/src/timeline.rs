//! The time machine's memory: when everything happened, so that the state at any moment can be computed.
//!
//! A [`Series`] of moments for each kind of fact, and one of levels for each beer. The state at a moment takes
//! a binary search in each: a few microseconds, however long the log is, and no snapshots to keep. (Replaying the topics
//! up to the moment would take seconds; snapshots would still have to be folded on from.) Eight bytes per
//! fact, twelve for a level and sixteen for an accepted order's price: 30,000 orders are 2.2 to 2.7 MiB.
//!
//! Only what the fold found new is entered, so repeats change nothing, and a process that was killed reads back what it
//! committed: see `migrations/0002_past.sql`. A row per commit costs one statement per transaction; a row per
//! fact would cost thousands, and the whole timeline in one row would be written again and again.
//!
//! A fact has the time of its own message. Within a beer, and within a parcel, no fact counts before its predecessor:
//! a clock that was set back does not change the order.

use std::collections::BTreeMap;

use events::{
    beers::BEERS,
    ids::{BeerId, Moment},
    insights::{DeliverySums, OrderSums},
    past::{AsOf, BeerAsOf},
    quantities::{Bottles, Cents},
};
use serde::{Deserialize, Serialize};

use crate::{series::Series, status::Status};

/// Everything that happened, by kind, in order of time.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Timeline {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    times: BTreeMap<Kind, Series>,
    /// Accepted orders with their price.
    #[serde(skip_serializing_if = "Series::is_empty")]
    accepted: Series<Cents>,
    /// The level of each beer after each event of its log.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    levels: BTreeMap<BeerId, Series<Bottles>>,
}

/// The kinds of facts of which only the time is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An order was placed.
    Placed,
    /// An order was refused.
    Refused,
    /// An order no longer waits: it was placed and decided, the later of both. Not an event, but a consequence of two.
    Answered,
    /// A parcel moved and is still under way: picked up, failed, redriven.
    Moved,
    Delivered,
    /// It lies among the dead letters.
    Stranded,
    /// It is no longer there. Not an event: it follows from the one that removed it.
    Freed,
    /// It was given up.
    Returned,
}

impl Kind {
    /// The kinds that are events rather than consequences.
    const EVENTS: [Kind; 6] =
        [Kind::Placed, Kind::Refused, Kind::Moved, Kind::Delivered, Kind::Stranded, Kind::Returned];
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact<'a> {
    Of(Kind, Moment),
    /// An order was accepted at this price.
    Accepted(Moment, Cents),
    /// The level of a beer.
    Level(&'a BeerId, Moment, Bottles),
}

/// What follows when a parcel's status changes.
pub fn moves(from: Status, to: Status, at: Moment) -> impl Iterator<Item = (Kind, Moment)> {
    let kind = match to {
        _ if from == to => Kind::Moved,
        Status::Delivered => Kind::Delivered,
        Status::Stranded => Kind::Stranded,
        Status::Returned => Kind::Returned,
        Status::Unknown | Status::Waiting | Status::Refused | Status::UnderWay => Kind::Moved,
    };
    let freed = (from == Status::Stranded && from != to).then_some(Kind::Freed);
    [Some(kind), freed].into_iter().flatten().map(move |kind| (kind, at))
}

/// The same, limited to the episode: orders have whatever time a stranger's clock says.
pub fn within(as_of: AsOf, began_at: Moment, now: Moment) -> AsOf {
    let bound = |moment: Moment| moment.max(began_at).min(now);
    AsOf { first: as_of.first.map(bound), last: as_of.last.map(bound), ..as_of }
}

impl Timeline {
    /// Enters a fact, which must be new: repeats are not recognised here.
    pub fn enter(&mut self, fact: Fact<'_>) {
        match fact {
            Fact::Of(kind, at) => self.times.entry(kind).or_default().insert(at, ()),
            // Decisions are entered when their order is known to be placed: those of one moment in any order.
            Fact::Accepted(at, cents) => self.accepted.insert_sorted(at, cents),
            Fact::Level(beer, at, level) => {
                if !self.levels.contains_key(beer) {
                    self.levels.insert(beer.clone(), Series::default());
                }
                if let Some(levels) = self.levels.get_mut(beer) {
                    levels.insert(levels.last().map_or(at, |last| last.max(at)), level);
                }
            }
        }
    }

    /// Appends another timeline, which is later than this one.
    pub fn absorb(&mut self, later: Timeline) {
        for (kind, times) in later.times {
            times.into_iter().for_each(|(at, ())| self.enter(Fact::Of(kind, at)));
        }
        later.accepted.into_iter().for_each(|(at, cents)| self.enter(Fact::Accepted(at, cents)));
        for (beer, levels) in later.levels {
            levels.into_iter().for_each(|(at, level)| self.enter(Fact::Level(&beer, at, level)));
        }
    }

    /// The state at this moment. All beers are listed, in the order of the shop; one
    /// that was not counted yet has the level 0.
    ///
    /// While one topic is read ahead of another, as after a pause, more parcels may be known to be
    /// delivered than orders to be accepted: then none is under way, rather than a negative number.
    pub fn as_of(&self, at: Moment) -> AsOf {
        let count = |kind: Kind| self.times.get(&kind).map_or(0, |times| times.count(at)) as u64;
        let accepted = self.accepted.up_to(at);
        let placed = count(Kind::Placed);
        let orders = OrderSums {
            placed,
            accepted: accepted.len() as u64,
            refused: count(Kind::Refused),
            waiting: placed.saturating_sub(count(Kind::Answered)),
        };
        let (delivered, returned) = (count(Kind::Delivered), count(Kind::Returned));
        let stranded = count(Kind::Stranded).saturating_sub(count(Kind::Freed));
        let under_way = orders.accepted.saturating_sub(delivered + stranded + returned);
        let levels = self.levels.values().map(|levels| levels.count(at) as u64).sum::<u64>();
        AsOf {
            at,
            first: self.ends().map(|(first, _)| first).min(),
            last: self.ends().map(|(_, last)| last).max(),
            events: Kind::EVENTS.into_iter().map(count).sum::<u64>() + orders.accepted + levels,
            beers: BEERS.iter().map(|beer| self.beer_as_of(beer.beer_id(), at)).collect(),
            orders,
            deliveries: DeliverySums { accepted: orders.accepted, delivered, under_way, stranded, returned },
            revenue_cents: accepted.iter().copied().sum(),
        }
    }

    fn beer_as_of(&self, beer: BeerId, at: Moment) -> BeerAsOf {
        let level = self.levels.get(&beer).and_then(|levels| levels.up_to(at).last().copied());
        BeerAsOf { beer, level: level.unwrap_or_default() }
    }

    /// The first and the last moment of each series.
    fn ends(&self) -> impl Iterator<Item = (Moment, Moment)> {
        let times = self.times.values().map(|times| (times.first(), times.last()));
        let levels = self.levels.values().map(|levels| (levels.first(), levels.last()));
        let accepted = (self.accepted.first(), self.accepted.last());
        times.chain(levels).chain([accepted]).filter_map(|(first, last)| first.zip(last))
    }

    /// Whether nothing has happened.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.times.values().map(Series::len).sum::<usize>()
            + self.levels.values().map(Series::len).sum::<usize>()
            + self.accepted.len()
    }

    /// Bytes that its series have allocated on the heap.
    pub fn bytes(&self) -> usize {
        self.times.values().map(Series::bytes).sum::<usize>()
            + self.levels.values().map(Series::bytes).sum::<usize>()
            + self.accepted.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Moment {
        Moment::from_micros(second * 1_000_000)
    }

    #[test]
    fn knows_how_it_was_at_any_moment() {
        let orval = BeerId::new("orval");
        let mut timeline = Timeline::default();
        timeline.enter(Fact::Level(&orval, at(1), Bottles(24)));
        timeline.enter(Fact::Of(Kind::Placed, at(2)));
        timeline.enter(Fact::Accepted(at(3), Cents(720)));
        timeline.enter(Fact::Of(Kind::Answered, at(3)));
        timeline.enter(Fact::Level(&orval, at(3), Bottles(22)));
        for (from, to, second) in [
            (Status::UnderWay, Status::UnderWay, 4),
            (Status::UnderWay, Status::Stranded, 5),
            (Status::Stranded, Status::UnderWay, 6),
            (Status::UnderWay, Status::Delivered, 7),
        ] {
            moves(from, to, at(second)).for_each(|(kind, at)| timeline.enter(Fact::Of(kind, at)));
        }
        let seen = |second| {
            let as_of = timeline.as_of(at(second));
            let orval = as_of.beers.iter().find(|beer| beer.beer == orval).unwrap().level.0;
            let DeliverySums { accepted, delivered, under_way, stranded, .. } = as_of.deliveries;
            (orval, as_of.orders.waiting, [accepted, under_way, stranded, delivered], as_of.events)
        };
        assert_eq!(seen(0), (0, 0, [0, 0, 0, 0], 0));
        assert_eq!(seen(2), (24, 1, [0, 0, 0, 0], 2));
        assert_eq!(seen(3), (22, 0, [1, 1, 0, 0], 4));
        assert_eq!(seen(5), (22, 0, [1, 0, 1, 0], 6));
        assert_eq!(seen(6), (22, 0, [1, 1, 0, 0], 7));
        assert_eq!(seen(9), (22, 0, [1, 0, 0, 1], 8));
        let now = timeline.as_of(at(9));
        assert_eq!((now.first, now.last, now.revenue_cents), (Some(at(1)), Some(at(7)), Cents(720)));
    }

    #[test]
    fn a_clock_that_was_put_back_does_not_change_the_order_within_a_beer() {
        let orval = BeerId::new("orval");
        let mut timeline = Timeline::default();
        timeline.enter(Fact::Level(&orval, at(5), Bottles(24)));
        timeline.enter(Fact::Level(&orval, at(3), Bottles(23)));
        let level = |second| timeline.as_of(at(second)).beers.iter().map(|beer| beer.level.0).sum::<u32>();
        assert_eq!((level(4), level(5)), (0, 23));
    }

    #[test]
    fn is_written_by_kind() {
        let mut timeline = Timeline::default();
        timeline.enter(Fact::Of(Kind::Placed, at(2)));
        timeline.enter(Fact::Accepted(at(3), Cents(720)));
        let text = serde_json::to_string(&timeline).unwrap();
        assert_eq!(text, r#"{"times":{"placed":{"at":[2000000]}},"accepted":{"at":[3000000],"of":[720]}}"#);
        assert_eq!(serde_json::from_str::<Timeline>(&text).unwrap(), timeline);
    }
}

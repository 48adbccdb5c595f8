//! Links orders to messages that name none: a level covers all events of its beer up to its sequence, a ledger all
//! decisions up to its position.

use std::collections::{BTreeMap, VecDeque};

use events::{
    ids::{BeerId, EventId, Moment, OrderId},
    quantities::{Bottles, Sequence},
};
use serde::{Deserialize, Serialize, Serializer};

/// Levels of a beer, or ledgers, that are remembered for hops read later: after a pause, each topic starts when its
/// connection is there.
const MARKS_MAX: usize = 1_000;
/// The last of these, which a checkpoint holds.
const MARKS_STORED_MAX: usize = 64;
/// Hops that wait for the levels of one beer, or for the ledger. Beyond that, the first ones stay uncovered.
const AWAITING_MAX: usize = 10_000;

/// The position of a decision in its topic: ledger and entry.
pub type Counted = (u64, u64);

/// A message that covers hops.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    pub at: Moment,
    pub event_id: EventId,
    /// Zero for a ledger.
    pub level: Bottles,
}

/// The levels by beer, and the ledgers.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Links {
    levels: BTreeMap<BeerId, Line<Sequence>>,
    ledgers: Line<Counted>,
}

/// Messages that each cover everything up to their place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound(serialize = "Place: Serialize"))]
struct Line<Place: Ord> {
    /// The last ones, by place.
    #[serde(serialize_with = "last_ones")]
    marks: VecDeque<(Place, Mark)>,
    /// Restored from the orders themselves.
    #[serde(skip)]
    awaiting: BTreeMap<(Place, OrderId), ()>,
}

impl<Place: Ord> Default for Line<Place> {
    fn default() -> Self {
        Line { marks: VecDeque::new(), awaiting: BTreeMap::new() }
    }
}

impl Links {
    /// A level covers all events of this beer up to this one. Returns those that waited for it.
    pub fn shown(&mut self, beer: &BeerId, sequence: Sequence, mark: Mark) -> Vec<(Sequence, OrderId)> {
        self.levels.entry(beer.clone()).or_default().mark(sequence, mark)
    }

    /// The ledger has counted all decisions up to this one. Returns those that waited for it.
    pub fn counted(&mut self, up_to: Counted, mark: Mark) -> Vec<(Counted, OrderId)> {
        self.ledgers.mark(up_to, mark)
    }

    /// The level that covers this event, if already read; else the order waits for it.
    pub fn await_level(&mut self, beer: &BeerId, sequence: Sequence, order_id: &OrderId) -> Option<Mark> {
        self.levels.entry(beer.clone()).or_default().covered(sequence, order_id)
    }

    /// The ledger that covers this decision, if already read; else the order waits for it.
    pub fn await_ledger(&mut self, decision: Counted, order_id: &OrderId) -> Option<Mark> {
        self.ledgers.covered(decision, order_id)
    }
}

impl<Place: Ord + Copy> Line<Place> {
    fn mark(&mut self, place: Place, mark: Mark) -> Vec<(Place, OrderId)> {
        // An earlier one covers nothing new.
        if self.marks.back().is_some_and(|(last, _)| *last >= place) {
            return Vec::new();
        }
        self.marks.push_back((place, mark));
        if self.marks.len() > MARKS_MAX {
            self.marks.pop_front();
        }
        let mut covered = Vec::new();
        while let Some(first) = self.awaiting.first_entry() {
            if first.key().0 > place {
                break;
            }
            covered.push(first.remove_entry().0);
        }
        covered
    }

    fn covered(&mut self, place: Place, order_id: &OrderId) -> Option<Mark> {
        let first = self.marks.partition_point(|(marked, _)| *marked < place);
        if let Some((_, mark)) = self.marks.get(first) {
            return Some(mark.clone());
        }
        self.awaiting.insert((place, order_id.clone()), ());
        if self.awaiting.len() > AWAITING_MAX {
            self.awaiting.pop_first();
        }
        None
    }
}

fn last_ones<Place: Serialize, S: Serializer>(
    marks: &VecDeque<(Place, Mark)>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(marks.range(marks.len().saturating_sub(MARKS_STORED_MAX)..))
}

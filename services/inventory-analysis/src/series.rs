//! A series: what happened when, in order of time, eight bytes per moment.

use events::ids::Moment;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// A full series grows by this part of its length: doubling would waste up to half of its memory.
const GROWTH: usize = 4;
/// And by at least this many places.
const GROWTH_MIN: usize = 16;

/// Moments in order, each with a value; with the value `()` they are just moments.
///
/// It is serialised in columns, each moment as microseconds since the one before: most are short, many are 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Columns<V>", try_from = "Columns<V>")]
#[serde(bound(serialize = "V: Clone + Serialize", deserialize = "V: Default + DeserializeOwned"))]
pub struct Series<V = ()> {
    at: Vec<Moment>,
    of: Vec<V>,
}

impl<V> Default for Series<V> {
    fn default() -> Self {
        Series { at: Vec::new(), of: Vec::new() }
    }
}

impl<V> Series<V> {
    /// Inserts a value after those of the same moment.
    pub fn insert(&mut self, at: Moment, of: V) {
        // Almost always at the end: topics are nearly in the order of time.
        let place = if self.last().is_none_or(|last| last <= at) { self.at.len() } else { self.count(at) };
        self.insert_at(place, at, of);
    }

    fn insert_at(&mut self, place: usize, at: Moment, of: V) {
        if self.at.len() == self.at.capacity() {
            let more = self.at.len() / GROWTH + GROWTH_MIN;
            self.at.reserve_exact(more);
            self.of.reserve_exact(more);
        }
        self.at.insert(place, at);
        self.of.insert(place, of);
    }

    /// Inserts a value at its moment, sorted among those of the same moment: so the order of arrival does not matter.
    pub fn insert_sorted(&mut self, at: Moment, of: V)
    where
        V: Ord,
    {
        let (from, to) = (self.at.partition_point(|known| *known < at), self.count(at));
        let same = self.of.get(from..to).unwrap_or_default().partition_point(|known| *known <= of);
        self.insert_at(from + same, at, of);
    }

    /// How many there are up to this moment, inclusive.
    pub fn count(&self, at: Moment) -> usize {
        self.at.partition_point(|known| *known <= at)
    }

    /// The values up to this moment, inclusive.
    pub fn up_to(&self, at: Moment) -> &[V] {
        self.of.get(..self.count(at)).unwrap_or_default()
    }

    pub fn first(&self) -> Option<Moment> {
        self.at.first().copied()
    }

    pub fn last(&self) -> Option<Moment> {
        self.at.last().copied()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.at.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.at.is_empty()
    }

    /// Bytes allocated on the heap.
    pub fn bytes(&self) -> usize {
        self.at.capacity() * size_of::<Moment>()
            + if size_of::<V>() == 0 { 0 } else { self.of.capacity() * size_of::<V>() }
    }
}

impl<V> IntoIterator for Series<V> {
    type Item = (Moment, V);
    type IntoIter = std::iter::Zip<std::vec::IntoIter<Moment>, std::vec::IntoIter<V>>;

    fn into_iter(self) -> Self::IntoIter {
        self.at.into_iter().zip(self.of)
    }
}

/// A series as serialised.
#[derive(Serialize, Deserialize)]
struct Columns<V> {
    /// The first moment, then the distance of each one from the one before, in microseconds.
    at: Vec<i64>,
    #[serde(default = "Vec::new", skip_serializing_if = "says_nothing")]
    of: Vec<V>,
}

fn says_nothing<V>(_: &Vec<V>) -> bool {
    size_of::<V>() == 0
}

/// Why columns are not a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotASeries {
    /// Time goes back in it.
    #[error("a series must be in order of time")]
    Unordered,
    /// The columns are not equally long.
    #[error("a series must have a value for each moment")]
    Uneven,
}

impl<V> From<Series<V>> for Columns<V> {
    fn from(series: Series<V>) -> Self {
        let mut before = Moment::default();
        let since_before = |at: Moment| at.micros_since(std::mem::replace(&mut before, at));
        Columns { at: series.at.into_iter().map(since_before).collect(), of: series.of }
    }
}

impl<V: Default> TryFrom<Columns<V>> for Series<V> {
    type Error = NotASeries;

    fn try_from(Columns { at, mut of }: Columns<V>) -> Result<Self, NotASeries> {
        if says_nothing(&of) {
            of.resize_with(at.len(), V::default);
        }
        if of.len() != at.len() {
            return Err(NotASeries::Uneven);
        }
        if at.iter().skip(1).any(|later| *later < 0) {
            return Err(NotASeries::Unordered);
        }
        let mut before = 0_i64;
        let moment = |later: i64| {
            before = before.saturating_add(later);
            Moment::from_micros(before)
        };
        Ok(Series { at: at.into_iter().map(moment).collect(), of })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: i64) -> Moment {
        Moment::from_micros(micros)
    }

    #[test]
    fn stays_in_the_order_of_time_and_of_telling() {
        let mut series = Series::default();
        for (micros, name) in [(5, 'a'), (9, 'b'), (5, 'c'), (1, 'd'), (9, 'e')] {
            series.insert(at(micros), name);
        }
        assert_eq!(series.up_to(at(9)), ['d', 'a', 'c', 'b', 'e']);
        assert_eq!(series.up_to(at(5)), ['d', 'a', 'c']);
        assert_eq!((series.count(at(0)), series.count(at(4)), series.count(at(99))), (0, 1, 5));
        assert_eq!((series.first(), series.last(), series.len()), (Some(at(1)), Some(at(9)), 5));
    }

    #[test]
    fn is_written_in_columns_of_differences() {
        let mut prices = Series::default();
        prices.insert(at(1_000), 7_u32);
        prices.insert(at(1_000), 8);
        prices.insert(at(1_250), 9);
        let text = serde_json::to_string(&prices).unwrap();
        assert_eq!(text, r#"{"at":[1000,0,250],"of":[7,8,9]}"#);
        assert_eq!(serde_json::from_str::<Series<u32>>(&text).unwrap(), prices);
        let mut moments = Series::default();
        moments.insert(at(3), ());
        moments.insert(at(10), ());
        let text = serde_json::to_string(&moments).unwrap();
        assert_eq!(text, r#"{"at":[3,7]}"#);
        assert_eq!(serde_json::from_str::<Series>(&text).unwrap(), moments);
    }

    #[test]
    fn what_is_no_series_is_refused() {
        let read = |text| serde_json::from_str::<Series<u32>>(text).map_err(|error| error.to_string());
        assert!(read(r#"{"at":[5,-1],"of":[1,2]}"#).unwrap_err().contains("order of time"));
        assert!(read(r#"{"at":[5],"of":[1,2]}"#).unwrap_err().contains("a value for each"));
    }

    #[test]
    fn wastes_a_quarter_at_most() {
        let mut series = Series::default();
        for n in 0..10_000 {
            series.insert(at(n), ());
        }
        assert!(series.bytes() <= 10_000 * 8 * 5 / 4 + 8 * GROWTH_MIN, "{}", series.bytes());
    }
}

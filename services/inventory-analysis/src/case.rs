//! A case: bottles by beer, small enough to be kept four times for each of tens of thousands of orders.

use std::collections::BTreeMap;

use events::{beers::BEERS, ids::BeerId, orders::Line, quantities::Bottles};
use serde::{Deserialize, Serialize};

/// How many bottles of each beer of the catalogue: a byte each.
///
/// An order has at most 24 bottles of a beer. More than 255 count as 255, which matches no valid order;
/// a beer that is not in the catalogue is left out, since it cannot be reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(into = "BTreeMap<BeerId, u8>", from = "BTreeMap<BeerId, u8>")]
pub struct Case([u8; BEERS.len()]);

impl Case {
    /// The bottles of these lines.
    pub fn of(lines: &[Line]) -> Self {
        let mut case = Case::default();
        for line in lines {
            case.add(&line.beer, line.bottles);
        }
        case
    }

    pub fn add(&mut self, beer: &BeerId, bottles: Bottles) {
        let place = BEERS.iter().position(|known| known.id == beer.as_str());
        if let Some(count) = place.and_then(|place| self.0.get_mut(place)) {
            *count = count.saturating_add(u8::try_from(bottles.0).unwrap_or(u8::MAX));
        }
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        *self == Case::default()
    }

    /// All bottles in it.
    pub fn bottles(&self) -> u64 {
        self.0.iter().map(|count| u64::from(*count)).sum()
    }

    /// Whether it has no more of any beer than `other`.
    pub fn is_within(&self, other: &Case) -> bool {
        self.0.iter().zip(other.0).all(|(mine, theirs)| *mine <= theirs)
    }
}

impl From<Case> for BTreeMap<BeerId, u8> {
    fn from(case: Case) -> Self {
        let filled = BEERS.iter().zip(case.0).filter(|(_, count)| *count > 0);
        filled.map(|(beer, count)| (beer.beer_id(), count)).collect()
    }
}

impl From<BTreeMap<BeerId, u8>> for Case {
    fn from(counts: BTreeMap<BeerId, u8>) -> Self {
        let mut case = Case::default();
        for (beer, count) in counts {
            case.add(&beer, Bottles(count.into()));
        }
        case
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(beer: &str, bottles: u32) -> Line {
        Line { beer: BeerId::new(beer), bottles: Bottles(bottles) }
    }

    #[test]
    fn holds_what_the_lines_say_and_is_written_by_beer() {
        let case = Case::of(&[line("orval", 2), line("duvel", 3), line("orval", 1), line("water", 9)]);
        let text = serde_json::to_string(&case).unwrap();
        assert_eq!(text, r#"{"duvel":3,"orval":3}"#);
        assert_eq!(serde_json::from_str::<Case>(&text).unwrap(), case);
        assert!(Case::of(&[line("orval", 3)]).is_within(&case));
        assert!(!Case::of(&[line("orval", 4)]).is_within(&case));
        assert_eq!(Case::of(&[line("orval", 300)]), Case::of(&[line("orval", 255)]));
    }
}

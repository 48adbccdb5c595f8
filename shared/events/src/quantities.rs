//! Amounts that must not be mixed up: bottles, cents and the sequence of a stock event.

use std::{
    fmt,
    iter::Sum,
    ops::{Add, AddAssign},
};

use serde::{Deserialize, Serialize};

use crate::limits::NUMBER_MAX;

/// A number of bottles, never negative: see [`Bottles::minus`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bottles(pub u32);

impl Bottles {
    /// No bottle at all.
    pub const NONE: Bottles = Bottles(0);

    /// What is left after taking `taken`; `None` if there are not that many.
    pub fn minus(self, taken: Bottles) -> Option<Bottles> {
        self.0.checked_sub(taken.0).map(Bottles)
    }

    /// The sum, saturating at the highest number (a stranger can send any number).
    pub fn plus(self, more: Bottles) -> Bottles {
        Bottles(self.0.saturating_add(more.0))
    }
}

impl Add for Bottles {
    type Output = Bottles;

    fn add(self, more: Bottles) -> Bottles {
        self.plus(more)
    }
}

impl AddAssign for Bottles {
    fn add_assign(&mut self, more: Bottles) {
        *self = self.plus(more);
    }
}

impl Sum for Bottles {
    fn sum<I: Iterator<Item = Bottles>>(all: I) -> Bottles {
        all.fold(Bottles::NONE, Bottles::plus)
    }
}

impl fmt::Display for Bottles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Money, in euro cents. Never a float, and never more than [`NUMBER_MAX`]: a sum can always be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cents(pub u64);

impl Cents {
    /// The price of this many bottles at this price each.
    pub fn times(self, bottles: Bottles) -> Cents {
        Cents(self.0.saturating_mul(u64::from(bottles.0)).min(NUMBER_MAX))
    }
}

impl Add for Cents {
    type Output = Cents;

    fn add(self, more: Cents) -> Cents {
        Cents(self.0.saturating_add(more.0).min(NUMBER_MAX))
    }
}

impl AddAssign for Cents {
    fn add_assign(&mut self, more: Cents) {
        *self = *self + more;
    }
}

impl Sum for Cents {
    fn sum<I: Iterator<Item = Cents>>(all: I) -> Cents {
        all.fold(Cents(0), Add::add)
    }
}

impl fmt::Display for Cents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

/// The place of a stock event in the log of its beer: 1, 2, 3, … without a gap. 0 stands for "none yet".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sequence(pub u64);

impl Sequence {
    /// The next one, saturating at the highest number.
    pub const fn next(self) -> Sequence {
        Sequence(self.0.saturating_add(1))
    }

    /// The previous one, saturating at 0.
    pub const fn previous(self) -> Sequence {
        Sequence(self.0.saturating_sub(1))
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

//! Remembers things by their hashes: a bounded set that forgets the oldest. Pure.

use std::{
    collections::{HashSet, VecDeque},
    hash::{DefaultHasher, Hash, Hasher as _},
};

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(from = "VecDeque<u64>", into = "VecDeque<u64>")]
pub struct Remembered<const MAX: usize> {
    hashes: HashSet<u64>,
    in_order: VecDeque<u64>,
}

impl<const MAX: usize> Remembered<MAX> {
    /// Adds a thing; `false` if it is already there.
    pub fn insert<T: Hash + ?Sized>(&mut self, thing: &T) -> bool {
        let hash = hash_of(thing);
        if !self.hashes.insert(hash) {
            return false;
        }
        self.in_order.push_back(hash);
        if self.in_order.len() > MAX
            && let Some(first) = self.in_order.pop_front()
        {
            self.hashes.remove(&first);
        }
        true
    }

    pub fn contains<T: Hash + ?Sized>(&self, thing: &T) -> bool {
        self.hashes.contains(&hash_of(thing))
    }
}

fn hash_of<T: Hash + ?Sized>(thing: &T) -> u64 {
    // Without a random seed, as the hashes are stored.
    let mut hasher = DefaultHasher::new();
    thing.hash(&mut hasher);
    hasher.finish()
}

impl<const MAX: usize> From<VecDeque<u64>> for Remembered<MAX> {
    fn from(in_order: VecDeque<u64>) -> Self {
        Remembered { hashes: in_order.iter().copied().collect(), in_order }
    }
}

impl<const MAX: usize> From<Remembered<MAX>> for VecDeque<u64> {
    fn from(remembered: Remembered<MAX>) -> Self {
        remembered.in_order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_is_new_once_and_the_first_of_too_many_is_forgotten() {
        let mut remembered = Remembered::<3>::default();
        assert!([1, 2, 3].iter().all(|thing| remembered.insert(thing)));
        assert!(!remembered.insert(&1));
        assert!(remembered.insert(&4));
        assert!(!remembered.contains(&1) && remembered.contains(&2));
        let stored = serde_json::to_string(&remembered).unwrap();
        assert_eq!(serde_json::from_str::<Remembered<3>>(&stored).unwrap(), remembered);
    }
}

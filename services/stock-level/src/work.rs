//! The pure core: how long an event takes to handle.

use std::time::Duration;

use events::stock::StockEvent;

/// FNV-1a, 64 bits: its offset and its prime.
const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

/// How long this event takes, within a range in milliseconds (both ends included). It follows from a hash of beer and
/// sequence, so it is the same for every worker and in every run, and no worker is the slow one.
pub fn time_for(event: &StockEvent, [from, to]: [u32; 2]) -> Duration {
    let beer = event.beer.as_str().bytes();
    let hash = beer
        .chain(event.sequence.0.to_le_bytes())
        .fold(OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
    // Its lowest bits hardly differ between neighbours, its highest bits do.
    let drawn = (hash >> 32) % (u64::from(to.saturating_sub(from)) + 1);
    Duration::from_millis(u64::from(from) + drawn)
}

#[cfg(test)]
mod tests {
    use events::{
        beers::BEERS,
        quantities::{Bottles, Sequence},
        stock::StockChange,
    };

    use super::*;

    fn times(beer: &str, sequences: std::ops::Range<u64>, work_ms: [u32; 2]) -> Vec<u128> {
        let event = |sequence| StockEvent {
            change: StockChange::Reserved,
            beer: events::ids::BeerId::new(beer),
            sequence: Sequence(sequence),
            bottles: Bottles(1),
            level: Bottles(1),
            order_id: None,
        };
        sequences.map(|sequence| time_for(&event(sequence), work_ms).as_millis()).collect()
    }

    #[test]
    fn an_event_takes_the_same_time_whoever_handles_it() {
        assert_eq!(times("orval", 2..7, [5, 60]), times("orval", 2..7, [5, 60]));
        assert_eq!(times("orval", 2..7, [0, 0]), [0; 5]);
        assert_eq!(times("orval", 2..4, [7, 3]), [7, 7], "the wrong way round it is the first");
    }

    #[test]
    fn events_of_a_beer_take_between_from_and_to_and_differ() {
        for beer in BEERS {
            let times = times(beer.id, 1..201, [5, 60]);
            assert!(times.iter().all(|time| (5..=60).contains(time)));
            let mean = times.iter().sum::<u128>() / 200;
            assert!((27..=38).contains(&mean), "{}: {mean} ms in the mean", beer.id);
            let slower_than_the_next = times.windows(2).filter(|pair| pair[0] > pair[1] + 5).count();
            assert!(slower_than_the_next > 60, "{}: only {slower_than_the_next} can be overtaken", beer.id);
        }
    }
}

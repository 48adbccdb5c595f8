//! What the environment says of the couriers and their patience.

use std::time::Duration;

use service::environment::{Unusable, number};

use crate::{crew::COURIERS_MAX, round::Patience};

/// The settings of delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// How many couriers there are, at most 20; with none, parcels wait.
    pub couriers: usize,
    /// How long a courier is on the way with a parcel.
    pub pace: Duration,
    /// How often a parcel is tried, and how far apart.
    pub patience: Patience,
}

impl Config {
    /// `COURIERS` (3), `COURIER_PACE_MS` (2000), `ATTEMPTS` (4) and `RETRY_FIRST_MS` (1000, doubled each time).
    ///
    /// # Errors
    /// If one of them is no number within its limits.
    pub fn from_environment() -> Result<Self, Unusable> {
        Ok(Config {
            couriers: number("COURIERS", 3, 0..=COURIERS_MAX)?,
            pace: Duration::from_millis(number("COURIER_PACE_MS", 2000, 0..=10_000)?),
            patience: Patience {
                attempts: number("ATTEMPTS", 4, 1..=10)?,
                first_delay_ms: number("RETRY_FIRST_MS", 1000, 100..=60_000)?,
            },
        })
    }
}

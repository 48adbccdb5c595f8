//! What the environment says of delivery. Couriers and their pace are not here: the speaker's settings rule them.

use service::environment::{Unusable, number};

use crate::round::RetryPolicy;

/// What is no setting of the stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// How often a parcel is tried, and how far apart.
    pub retry_policy: RetryPolicy,
}

impl Config {
    /// `ATTEMPTS` (4) and `RETRY_FIRST_MS` (1000, doubled each time).
    ///
    /// # Errors
    /// If one of them is no number within its limits.
    pub fn from_environment() -> Result<Self, Unusable> {
        let retry_policy = RetryPolicy {
            attempts: number("ATTEMPTS", 4, 1..=10)?,
            first_delay_ms: number("RETRY_FIRST_MS", 1000, 100..=60_000)?,
        };
        Ok(Config { retry_policy })
    }
}

//! Delivery's settings from the environment. The number of couriers and their pace are stage settings.

use service::environment::{Unusable, number};

use crate::round::RetryPolicy;

/// Settings that the stage does not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// How often a delivery is attempted, and how far apart.
    pub retry_policy: RetryPolicy,
}

impl Config {
    /// `ATTEMPTS` (4) and `RETRY_FIRST_MS` (1000, doubled each time).
    ///
    /// # Errors
    /// If one of them is not a number within its limits.
    pub fn from_environment() -> Result<Self, Unusable> {
        let retry_policy = RetryPolicy {
            attempts: number("ATTEMPTS", 4, 1..=10)?,
            first_delay_ms: number("RETRY_FIRST_MS", 1000, 100..=60_000)?,
        };
        Ok(Config { retry_policy })
    }
}

//! stock-level folds the log of stock events into one level per beer, and publishes it.
//!
//! A crew of workers reads the log through one subscription, whose type decides who gets which event. One writer
//! (`service::idempotent_consumer`) folds what they took in the order of arrival, and publishes the levels in the order of its
//! commits.
//!
//! In reading order:

pub mod settled;

pub mod levels;

pub mod work;

pub mod snapshot;

mod store;

mod handler;

mod worker;

mod crew;

mod consume;
pub use consume::run;

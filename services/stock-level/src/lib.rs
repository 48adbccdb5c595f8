//! stock-level: folds the log of stock events into one level a beer, and publishes it.
//!
//! A crew of workers reads the log by one subscription, whose type decides who gets which event; one desk folds what
//! they handled, in the order they handed it in, and publishes the levels in the order of its commits.
//!
//! In reading order:

pub mod settled;

pub mod levels;

pub mod work;

pub mod snapshot;

mod worker;

mod crew;

mod store;

mod desk;

mod consume;
pub use consume::run;

//! The analysis: what was sold, how long each beer lasts, and the ledger that accounts for every order and bottle.
//!
//! It reads four topics (orders, decisions, stock events, delivery updates), each in its own order and none in step
//! with another, and folds them into one [`analysis::Analysis`]. What that holds depends on the messages and on the
//! times in them only, never on when or in which interleaving they arrived. So a [`rebuild()`] from the first messages
//! to the checkpoint must give the same, byte for byte, and says so.
//!
//! The aggregates are in memory, for speed, and in the database: what changed and how far each topic is counted are
//! written in one transaction, five times a second at most; then insights are published, then messages acknowledged.
//!
//! Deliberately absent: an inbox for readable messages. A checkpoint and facts that are the same however often they
//! are told do its work, and cost nothing.
//!
//! In reading order:

pub mod case;

pub mod order;

pub mod standing;

pub mod shelf;

pub mod sales;

pub mod forecast;

pub mod analysis;

pub mod ledger;

mod store;

mod insights;

mod consume;
pub use consume::run;

mod rebuild;
pub use rebuild::{Rebuilt, TopicRead, rebuild, rebuild_and_say};

pub use store::Snapshot;

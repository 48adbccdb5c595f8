//! The analysis: what was sold, how long each beer lasts, and the ledger that accounts for every order and bottle.
//!
//! It reads four topics (orders, decisions, stock events, delivery updates), each in its own order and independently of the
//! others, and folds them into one [`analysis::Analysis`]. The result depends only on the messages and the
//! times in them, never on when or in which interleaving they arrived. So a [`rebuild()`] from the first messages
//! to the checkpoint must give the same result, byte for byte; it reports any difference.
//!
//! The aggregates are in memory, for speed, and in the database: changes and checkpoint are
//! written in one transaction, at most five times a second; then insights are published, then messages acknowledged.
//!
//! It also keeps when everything happened ([`timeline`]), so that it can tell the state at any moment. Ad hoc questions
//! ([`questions`]) and the rebuild read the topics again; [`fraud`] watch reads one of them with a
//! subscription of its own, while the settings want it.
//!
//! Deliberately absent: an inbox for readable messages. A checkpoint and facts that repeats do not change
//! do its work, and cost nothing.
//!
//! In reading order:

pub mod case;

pub mod order;

pub mod status;

pub mod shelf;

pub mod sales;

pub mod series;

pub mod timeline;

pub mod forecast;

mod key;

pub mod analysis;

pub mod ledger;

pub mod seen;

pub mod fraud;

pub mod questions;

mod store;

mod insights;

mod commit_schedule;

mod control_handler;

mod consume;
pub use consume::run;

mod rebuild;
pub use rebuild::{Rebuilt, TopicRead, rebuild, rebuild_and_say};

mod rebuild_live;

mod fraud_watch;

pub use store::Snapshot;

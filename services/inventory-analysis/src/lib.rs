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
//! Beside them it keeps when everything happened ([`timeline`]), so that it can say how it was at any moment. Questions
//! nobody had thought of ([`questions`]) and the rebuild read the topics again; [`fraud`] watch reads one of them by a
//! subscription of its own, while the speaker wants it.
//!
//! Deliberately absent: an inbox for readable messages. A checkpoint and facts that are the same however often they
//! are told do its work, and cost nothing.
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

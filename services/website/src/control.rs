//! The use cases of the shop, and what keeps it going: the one writer of its database, the readers of its topics.
//!
//! Pages and API call them alike; nothing here knows HTTP handlers.

pub mod consume;
pub mod customers;
pub mod handler;
pub mod request;
pub mod shop;
pub mod spans;

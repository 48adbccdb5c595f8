//! The use cases of the shop, the one writer of its database, and the readers of its topics.
//!
//! Pages and API call them alike. Nothing here depends on HTTP handlers.

pub mod consume;
pub mod customers;
pub mod handler;
pub mod request;
pub mod shop;

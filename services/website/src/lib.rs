//! The website: the shop, its pages for customers, and the JSON API for orders and beers.
//!
//! An order is safe in the website's database, with the message that places it, before the customer sees "thank you": so it
//! takes orders without a broker too. Everything else it shows it has read from four topics.
//!
//! Imports point down only:
//!
//! `pure ← read model ← store ← control ← pages, api ← app`
//!
//! `scripts/suite/tests/layers` holds that. What shop and stage have in common is the crate `web`.

mod api;
mod app;
mod control;
mod pages;
mod pure;
mod read_model;
mod store;

#[cfg(test)]
mod all_pages;
#[cfg(test)]
mod samples;

pub use app::run::{run, run_on};
pub use web::http::addresses::HTTP_PORT;

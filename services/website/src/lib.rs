//! The website: the shop, the pages that show what happens, and the JSON API.
//!
//! An order is safe in the website's database, with the message that places it, before the customer sees "thank you": so it
//! takes orders without a broker too. Everything it shows it has read from topics; a browser talks to nobody else.
//!
//! Four folders, told apart by whose they are: `shop` and `stage` each have layers of their own, `order` and `web` are
//! what both share, and `app` puts them together. Imports point down only:
//!
//! `pure ← web ← read model ← store ← control ← pages, api ← app`
//!
//! `scripts/suite/tests/layers` holds that, and lists what still crosses between shop and stage.

mod app;
mod order;
mod shop;
mod stage;
mod web;

#[cfg(test)]
mod all_pages;
#[cfg(test)]
mod samples;

pub use app::run::{HTTP_PORT, run, run_on};
pub use shop::store::waiting::WAITING_MAX;
pub use stage::{
    control::{control_error::ControlError, questions},
    pure::acts,
};
pub use web::pure::language::Language;

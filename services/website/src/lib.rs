//! The website: the shop, the pages that show what happens, and the JSON API.
//!
//! An order is safe in the website's database, with the message that places it, before the customer sees "thank you": so it
//! takes orders without a broker too. Everything it shows it has read from topics; a browser talks to nobody else.
//!
//! Three folders: `shop` and `stage` each have layers of their own, and `app` puts them together. What both share is the
//! crate `web`. Imports point down only:
//!
//! `pure ← read model ← store ← control ← pages, api ← app`
//!
//! `scripts/suite/tests/layers` holds that, and lists what still crosses between shop and stage.

mod app;
mod shop;
mod stage;

#[cfg(test)]
mod all_pages;
#[cfg(test)]
mod samples;

pub use app::run::{HTTP_PORT, run, run_on};
pub use stage::{
    control::{control_error::ControlError, questions},
    pure::acts,
};
pub use web::pure::language::Language;

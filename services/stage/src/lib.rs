//! The stage: what the room and the presenter see, and what the presenter does.
//!
//! It is one more subscriber on every topic, and nobody waits for it: without it the shop sells on. It orders over the
//! shop's HTTP API, as any customer does, and directs the services by topics only.
//!
//! Imports point down only:
//!
//! `pure ← read model ← store ← control ← pages, api ← app`
//!
//! `scripts/suite/tests/layers` checks that. What stage and shop share is in the crate `web`.

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
pub use control::{control_error::ControlError, questions};
pub use pure::acts;
pub use web::{
    http::addresses::STAGE_PORT,
    pure::{address::Address, language::Language},
};

//! Puts the website together: what it serves, and how it runs.

mod routes;
pub mod run;
mod stage;

//! Assembles the stage: its routes, and how it runs.

mod guard;
mod routes;
pub mod run;

//! Puts the stage together: what it serves, and how it runs.

mod guard;
mod routes;
pub mod run;

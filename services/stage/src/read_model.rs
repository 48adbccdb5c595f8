//! What the topics say, by subject. It is in memory because every page needs it; [`ReadModel`] holds all of it.
//!
//! Imports pure modules only: the caller passes the messages and the time.

pub mod broker;
pub mod bursts;
pub mod deliveries;
mod fold;
pub mod insights;
mod kept;
pub mod log_tail;
pub mod map;
mod model;
pub mod names;
pub mod newest;
pub mod orders;
pub mod outages;
pub mod parcels;
pub mod past;
mod remembered;
pub mod shelves;
pub mod stock;
pub mod throughput;
pub mod untrue;
mod views;

pub use model::ReadModel;

#[cfg(test)]
mod tests;

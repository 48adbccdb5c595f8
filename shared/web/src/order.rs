//! An order as pages and programs see it: its status, its hops, which hop caused which, in words and as JSON.
//!
//! Pure; imports `pure` only.

pub mod journey;
pub mod json;
pub mod names;
pub mod progress;
pub mod view;
pub mod way;
pub mod wording;

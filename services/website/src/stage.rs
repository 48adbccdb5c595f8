//! The stage: what the room and the presenter see, and what the presenter does.
//!
//! It may import `web` and `order`. What it still needs of the shop is listed in `scripts/suite/tests/layers`.

pub mod api;
pub mod control;
pub mod pages;
pub mod pure;
pub mod read_model;
pub mod store;

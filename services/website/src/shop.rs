//! The shop: the page with the beers, checkout, the customer's order page, the API for orders and beers, and everything that
//! makes an order safe.
//!
//! It may import `web` and `order`. What it still needs of the stage is listed in `scripts/suite/tests/layers`.

pub mod api;
pub mod control;
pub mod pages;
pub mod pure;
pub mod read_model;
pub mod store;

//! The warehouse decides orders, all or nothing, and is the only writer of stock.
//!
//! For each new order the pure core in [`stock`] decides; decision, delivery order and stock events go out. The bottles of
//! a returned order go back on the shelf, once ([`given_out`]). Everything that one batch of messages causes is one
//! transaction: inbox, shelf and outbox together.
//!
//! In reading order:

pub mod stock;

pub mod given_out;

mod store;

mod consume;
pub use consume::run;

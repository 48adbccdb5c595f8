//! The warehouse: decides orders, all or nothing, and is the only one who writes stock.
//!
//! `orders` come in; for each new one the pure core in [`stock`] decides, and decision, delivery order and stock events
//! go out. Orders that come back put the bottles they got on the shelf again, once ([`given_out`]). Everything one batch of messages causes is one
//! transaction: inbox, shelf and outbox together.
//!
//! In reading order:

pub mod stock;

pub mod given_out;

mod store;

mod consume;
pub use consume::run;

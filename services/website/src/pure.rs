//! Data and decisions without clock, IO or randomness: the order form, how fast somebody may order.

pub mod fact;
pub mod form;
pub mod order_rate;

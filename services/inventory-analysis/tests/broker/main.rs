//! The analysis against a real broker: messages come as the other services would send them.

mod counting;
mod shop;
mod stage;
mod truth;

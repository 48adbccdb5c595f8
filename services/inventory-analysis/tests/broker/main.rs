//! The analysis against a real broker, with messages as the other services send them.

mod counting;
mod shop;
mod stage;
mod truth;

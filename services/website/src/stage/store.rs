//! All SQL of the stage: its checkpoint. `load` and `write` are what the shop's database still holds for it.
//!
//! Imports pure modules and read models.

pub mod checkpoint;
pub mod load;
pub mod write;

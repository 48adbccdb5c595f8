//! The SQL of what the stage shows and the shop does not. It goes away with the stage: that keeps its read model in memory.
//!
//! Imports pure modules and read models.

pub mod load;
pub mod write;

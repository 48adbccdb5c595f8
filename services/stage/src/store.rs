//! All SQL of the stage: its checkpoint.
//!
//! Imports pure modules and read models.

pub mod checkpoint;

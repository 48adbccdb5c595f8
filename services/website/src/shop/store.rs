//! All SQL of orders: what is written in a transaction, and what is read for a page.
//!
//! Imports pure modules and read models.

pub mod orders;
pub mod read;
pub mod waiting;

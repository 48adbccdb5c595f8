//! All SQL of the shop: what is written in a transaction, and what is read for a page.
//!
//! Imports pure modules and the read model.

pub mod levels;
pub mod orders;
pub mod read;
pub mod waiting;

#[cfg(test)]
mod tests;

//! The website.
pub mod views;

//! The contract between the services: every message, the beers, and every topic.
//!
//! This crate is pure: no async, no clock, no network, no database. A message is a Rust type whose JSON is pinned by a
//! golden file in `golden/`: a byte that changes changes the contract, and fails a test.
//!
//! Deliberately absent: anything a single service knows alone (its tables, its configuration), and any schema registry.
//! `orders` is open to everyone who can write JSON, so the types here are the schema.
//!
//! In reading order:

pub mod limits;

pub mod beers;
pub mod ids;
mod moment;
pub mod quantities;

pub mod orders;

pub mod decisions;

pub mod stock;

pub mod chain;

pub mod delivery;

pub mod contradictions;

pub mod insights;

pub mod settings;

pub mod past;

pub mod stage;

pub mod unreadable;

pub mod trace;

pub mod received;

pub mod topics;

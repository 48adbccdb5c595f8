//! The tools of handlers: extractors, cookies, bodies within limits, streams, problem documents.
//!
//! Imports `pure` only.

pub mod addresses;
pub mod admission;
mod arrival;
pub mod body;
pub mod browser;
pub mod cookies;
pub mod feed;
pub mod guard;
pub mod live;
pub mod page_stream;
pub mod presenter;
pub mod problem;
pub mod process;
pub mod routes;
pub mod server;
pub mod site;
pub mod sse;
pub mod stage_key;
pub mod trace;
pub mod visitor;

//! What handlers need: extractors, cookies, bodies within limits, streams, problem documents.
//!
//! Imports `pure` only.

pub mod admission;
mod arrival;
pub mod body;
pub mod browser;
pub mod cookies;
pub mod lead;
pub mod live;
pub mod page_stream;
pub mod presenter;
pub mod problem;
pub mod server;
pub mod site;
pub mod sse;
pub mod visitor;

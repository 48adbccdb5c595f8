//! What shop and stage share of being a website: texts and formats, layout, server-sent events, problem documents, cookies.
//!
//! Knows neither orders nor the stage, and imports nothing outside this folder.

pub mod http;
pub mod pure;

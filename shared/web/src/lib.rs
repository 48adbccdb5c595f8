//! The common part of the suite's sites: languages and formats, the frame of a page, server-sent events, cookies,
//! problem documents, and orders in words.
//!
//! It contains no address of a page. A site passes in what depends on the site: what is alive, where the speaker is,
//! its public address. The texts, styles and scripts of the folder `web` at the root are embedded here, the templates
//! in the crates that render them.
//!
//! - [`pure`]: no clock, no IO. Texts, numbers and times in four languages, layout, glasses, addresses.
//! - [`order`]: the status of an order, its hops, how they follow from each other, in words and as JSON. Also pure.
//! - [`http`]: the tools of handlers. Extractors, cookies, bodies within limits, streams, problem documents.

pub mod http;
pub mod order;
pub mod pure;
pub mod testing;

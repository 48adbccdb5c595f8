//! What the sites of this suite have in common: languages and formats, the frame of a page, server-sent events, cookies,
//! problem documents, and what they say of an order.
//!
//! No address of a page appears in it. A site passes in what depends on it: who is alive, where the speaker is, its public
//! address. The texts, styles and scripts of the folder `web` at the root are embedded here, its templates by the crates
//! that render them.
//!
//! - [`pure`]: no clock, no IO. Texts, numbers and times in four languages, layout, glasses, addresses.
//! - [`order`]: where an order is, the hops it took, how they follow from each other, in words and as JSON. Also pure.
//! - [`http`]: what handlers need. Extractors, cookies, bodies within limits, streams, problem documents.

pub mod http;
pub mod order;
pub mod pure;
pub mod testing;

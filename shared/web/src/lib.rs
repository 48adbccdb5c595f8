//! What the sites of this suite have in common: languages and formats, the frame of a page, server-sent events, cookies,
//! problem documents, and what they say of an order.
//!
//! It knows no page of any site. What depends on one is handed in: its pages' addresses, who is alive, where the speaker is.
//! The folder `web` at the root is built in: `texts` and the files beside the pages here, `templates` where they are used.
//!
//! - [`pure`]: no clock, no IO. Texts, numbers and times in four languages, layout, glasses, addresses.
//! - [`order`]: where an order is, the hops it took, how they follow from each other, in words and as JSON. Also pure.
//! - [`http`]: what every handler needs. Who visits, cookies, bodies within limits, streams, problem documents.

pub mod http;
pub mod order;
pub mod pure;
pub mod testing;

//! What both shop and stage say of an order: where it is, the hops it took, how they follow from each other, and all that in
//! words. Pure; imports `pure` only.

pub mod journey;
pub mod json;
pub mod names;
pub mod progress;
pub mod view;
pub mod way;
pub mod wording;

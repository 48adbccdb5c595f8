//! No clock, no IO: texts in four languages, formats, the frame of every page, glasses, addresses.

pub mod address;
pub mod arrival;
pub mod assets;
pub mod format;
pub mod glass;
pub mod language;
pub mod layout;
pub mod problem_page;
pub mod texts;

//! Texts in four languages, formats, the frame of every page, glasses, addresses. No clock, no IO.

pub mod address;
pub mod arrival;
pub mod assets;
pub mod format;
pub mod glass;
pub mod language;
pub mod layout;
pub mod problem_page;
pub mod texts;

//! The website: the shop, the pages that show what happens, and the JSON API.
//!
//! An order is safe in its books, with the message that places it, before the customer sees "thank you": so it takes
//! orders without a broker too. Everything it shows it has read from topics; a browser talks to nobody else.
//!
//! In reading order:

pub mod views;

pub mod order;

pub mod journey;

pub mod bursts;
pub mod newest;

pub mod shelf;

pub mod tape;

pub mod tempo;

pub mod parcels;

pub mod untrue;

pub mod outages;

pub mod known;

mod store;

pub mod books;

pub mod desk;

mod consume;

pub mod spans;

pub mod settings;

pub mod crowd;

pub mod questions;

pub mod director;

pub mod entrance;

pub mod house;

pub mod broker;

pub mod site;

pub mod names;

pub mod live;

pub mod cookies;

pub mod arrival;

pub mod presenter;

pub mod texts;

pub mod format;

pub mod glass;

pub mod assets;

pub mod acts;

pub mod pages;

pub mod lead;

pub mod streams;

pub mod once;

pub mod browsers;

pub mod admission;

pub mod checkout;

mod travel;

pub mod http;

pub mod api;

mod run;
pub use run::{run, run_on};

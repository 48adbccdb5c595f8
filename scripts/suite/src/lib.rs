//! The whole suite from outside: started as a speaker starts it, used as a browser uses it. Its tests and measurements
//! build on this.
//!
//! Deliberately absent: any knowledge of how a service works inside. It uses only what everybody can use.
//!
//! In reading order:

mod demo;
pub use demo::{Demo, free_port};

mod site;
pub use site::{Site, until};

mod shop;
pub use shop::{Shop, line};

mod stage;
pub use stage::Stage;

pub mod program;

mod feed;
pub use feed::{Event, Feed};

pub mod load;

pub mod kills;

pub mod scrape;

mod flow;

pub mod processes;

pub mod browser;

pub mod network;

pub mod elsewhere;

pub mod frames;

pub mod phones;

pub mod rehearsal;

//! Data and decisions without clock, IO or randomness: the acts, changes of the settings, the crowd's orders.

pub mod acts;
pub mod console;
pub mod crowd;
pub mod entrance;
pub mod page;
pub mod settings;

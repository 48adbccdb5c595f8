//! The website as a whole: its routes, the door between its episodes, the process. May import everything.

pub mod door;
pub mod guard;
pub mod openapi;
pub mod routes;
pub mod run;

//! What the presenter does: settings, commands, questions, acts, crowd, reset. Pages and API share these use cases.

pub mod broker_monitor;
pub mod burst;
pub mod consume;
pub mod control_error;
pub mod crash;
pub mod crowd;
pub mod dead_letters;
pub mod director;
pub mod entrance;
pub mod lead;
pub mod past;
pub mod playing;
pub mod presenter;
pub mod questions;
pub mod rehearsal;
pub mod reset;
pub mod shop;
pub mod stage;
pub mod views;

//! What every service needs around its own work: configuration, logs, health, metrics, presence, and an orderly end.
//!
//! A service is a function `run(Context) -> Result`; [`run`] calls it from `main`, tests call it with a context of
//! their own. Everything here is about the process, nothing about beer.
//!
//! Start with [`idempotent_consumer`] to write a service. It turns messages that may come twice into
//! effects that happen once. The service defines the effects.
//!
//! In reading order:

mod process;
pub use process::{Command, HttpPort, run, run_http, run_with};

pub mod arguments;

pub mod environment;

pub mod dot_env;

mod context;
pub use context::{Context, ServiceFuture, TaskGroup};

pub mod idempotent_consumer;

mod batch;
pub use batch::{Batch, Outcome};

mod checkpointed;
pub use checkpointed::Checkpointed;

pub mod stage;

mod unread;

pub mod connections;

pub mod health;

pub mod metrics;

pub mod presence;

pub mod order_log;

pub mod testing;

mod telemetry;
pub use bus::spans;

mod clock;
pub use clock::{Now, now};

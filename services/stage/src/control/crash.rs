//! Crashes a process or a worker, without a farewell. Its supervisor starts it again.

use events::{ids::Service, stage::Command};

use crate::control::{control_error::ControlError, stage::Stage};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Crash {
    Service(Service),
    /// A courier, by name.
    Courier(String),
    /// A worker of stock-level, by name.
    Worker(String),
    /// The broker, if it is supervised.
    Broker,
}

/// # Errors
/// If the broker does not confirm the command, or nobody would start the broker again.
pub async fn make(stage: &Stage, what: Crash) -> Result<(), ControlError> {
    let director = &stage.backstage.director;
    let whole = Command::Crash { who: None };
    match what {
        Crash::Broker if !director.watches_broker => Err(ControlError::Conflict("nothing would restart this broker")),
        Crash::Broker => director.stop_broker().await,
        Crash::Service(service) => director.command(service, whole).await,
        Crash::Courier(who) => director.command(Service::Delivery, Command::Crash { who: Some(who) }).await,
        Crash::Worker(who) => director.command(Service::StockLevel, Command::Crash { who: Some(who) }).await,
    }
}

//! Delivery as a process.

use std::process::ExitCode;

use events::ids::Service;

fn main() -> ExitCode {
    service::run(Service::Delivery, delivery::run)
}

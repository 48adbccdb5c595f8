//! The warehouse as a process.

use std::process::ExitCode;

use events::ids::Service;

fn main() -> ExitCode {
    service::run(Service::Warehouse, warehouse::run)
}

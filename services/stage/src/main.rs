//! The stage as a process.

use std::process::ExitCode;

use events::ids::Service;

fn main() -> ExitCode {
    service::run_http(Service::Stage, stage::STAGE_PORT, stage::run)
}

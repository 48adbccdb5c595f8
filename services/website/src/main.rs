//! The website as a process.

use std::process::ExitCode;

use events::ids::Service;

fn main() -> ExitCode {
    service::run_http(Service::Website, website::HTTP_PORT, website::run)
}

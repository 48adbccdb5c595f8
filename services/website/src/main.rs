//! The website as a process.

use std::process::ExitCode;

use events::ids::Service;

fn main() -> ExitCode {
    service::run(Service::Website, website::run)
}

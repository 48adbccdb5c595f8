//! The analysis as a process.

use std::process::ExitCode;

use events::ids::Service;

fn main() -> ExitCode {
    let service = Service::InventoryAnalysis;
    match std::env::args().nth(1).as_deref() {
        Some("rebuild") => service::run_command(service, inventory_analysis::rebuild_and_say),
        _ => service::run(service, inventory_analysis::run),
    }
}

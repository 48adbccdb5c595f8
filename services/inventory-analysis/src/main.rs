//! The analysis as a process.

use std::process::ExitCode;

use events::ids::Service;
use service::Command;

const REBUILD: Command = Command {
    name: "rebuild",
    help: "folds the topics again, from their beginning, and compares the result with what the service knows",
    run: |context| Box::pin(inventory_analysis::rebuild_and_say(context)),
};

fn main() -> ExitCode {
    service::run_with(Service::InventoryAnalysis, inventory_analysis::run, &[REBUILD])
}

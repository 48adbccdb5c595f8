//! stock-level as a process.

use std::process::ExitCode;

use events::ids::Service;

fn main() -> ExitCode {
    service::run(Service::StockLevel, stock_level::run)
}

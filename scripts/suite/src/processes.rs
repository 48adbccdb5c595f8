//! What a process costs: memory and processor time, as `ps` says.

use anyhow::{Context as _, Result};
use tokio::process::Command;

/// What one process has used.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usage {
    /// Resident memory, in MiB.
    pub resident_mib: f64,
    /// Processor time since it started, in seconds.
    pub cpu_s: f64,
}

/// The usage of a process.
///
/// # Errors
/// If it is gone.
pub async fn usage(process: u32) -> Result<Usage> {
    let said = Command::new("ps").args(["-o", "rss=", "-p", &process.to_string()]).output().await?;
    let resident = String::from_utf8_lossy(&said.stdout).trim().parse::<f64>().context("the process is gone")?;
    Ok(Usage { resident_mib: resident / 1024.0, cpu_s: cpu(process).await? })
}

/// `/proc` knows it to the hundredth of a second; where there is none, `ps` to the second (to the hundredth on a Mac).
async fn cpu(process: u32) -> Result<f64> {
    if let Ok(stat) = tokio::fs::read_to_string(format!("/proc/{process}/stat")).await {
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        let fields: Vec<f64> = after_name.split_whitespace().filter_map(|field| field.parse().ok()).collect();
        // Without the state, a letter: utime and stime are the 11th and 12th numbers, in ticks of 10 ms.
        if let (Some(user), Some(system)) = (fields.get(10), fields.get(11)) {
            return Ok((user + system) / 100.0);
        }
    }
    let said = Command::new("ps").args(["-o", "time=", "-p", &process.to_string()]).output().await?;
    let time = String::from_utf8_lossy(&said.stdout).trim().replace('-', ":");
    Ok(time.split(':').fold(0.0, |seconds, part| seconds * 60.0 + part.parse::<f64>().unwrap_or(0.0)))
}

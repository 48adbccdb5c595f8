//! The processes of a demo: their ids, killing one, and their usage from `ps`.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usage {
    /// Resident memory, in MiB.
    pub resident_mib: f64,
    /// Processor time since it started, in seconds.
    pub cpu_s: f64,
}

/// The process of a part of the demo with this data: a service, or `broker`.
pub fn noted(data_dir: &Path, part: &str) -> Result<u32> {
    let path = data_dir.join("run").join(format!("{part}.pid"));
    let noted = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let id = noted.split_whitespace().next().context("no process is noted")?;
    Ok(id.parse()?)
}

/// Kills a process with SIGKILL.
pub async fn kill(process: u32) -> Result<()> {
    let killed = Command::new("kill").args(["-9", &process.to_string()]).status().await?;
    ensure!(killed.success(), "process {process} could not be killed");
    Ok(())
}

pub async fn usage(process: u32) -> Result<Usage> {
    let said = Command::new("ps").args(["-o", "rss=", "-p", &process.to_string()]).output().await?;
    let resident = String::from_utf8_lossy(&said.stdout).trim().parse::<f64>().context("the process is gone")?;
    Ok(Usage { resident_mib: resident / 1024.0, cpu_s: cpu(process).await? })
}

/// From `/proc` to the hundredth of a second; elsewhere from `ps`, to the second (to the hundredth on a Mac).
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

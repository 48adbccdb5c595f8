//! `scripts/demo`, started in its own folder and stopped again.

use std::{
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

use crate::{Shop, Stage, processes};

/// How long a demo may take to be ready, including its build.
const READY_WITHIN: Duration = Duration::from_secs(900);
/// How long it may take to stop.
const STOPPED_WITHIN: Duration = Duration::from_secs(40);

/// The clone it runs from, in its data folder: a link to this one.
const CLONE: &str = "My Projects";

/// The settings with ports of a demo.
const PORTS: [&str; 6] =
    ["HTTP_PORT", "STAGE_PORT", "PULSAR_PORT", "PULSAR_HTTP_PORT", "PULSAR_BOOKIE_PORT", "PULSAR_ZOOKEEPER_PORT"];

/// A running demo.
pub struct Demo {
    pub shop: Shop,
    /// The stage, with the presenter's token.
    pub stage: Stage,
    pub data_dir: PathBuf,
    /// The broker's REST API, if the demo started a broker.
    pub pulsar_http: String,
    child: Child,
    settings: Vec<(String, String)>,
    lines: Vec<String>,
}

/// A port nobody listens on now.
///
/// # Errors
/// If the system has none.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// The last value wins, as in a process's environment.
fn value_of(settings: &[(String, String)], name: &str) -> Option<String> {
    settings.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.clone())
}

fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here)
}

impl Demo {
    /// Starts a demo with its own broker on free ports in a new folder; `settings` are environment variables. It runs
    /// from a clone in `My Projects`, and its folder's name contains spaces, too.
    ///
    /// # Errors
    /// If it does not get ready, with its output.
    pub async fn start(settings: &[(&str, &str)]) -> Result<Self> {
        let data_dir = std::env::temp_dir().join(format!("beers demo {:08x}", rand::random::<u32>()));
        std::fs::create_dir_all(&data_dir)?;
        std::os::unix::fs::symlink(root(), data_dir.join(CLONE))?;
        let mut all: Vec<(String, String)> = vec![
            ("DATA_DIR".to_owned(), data_dir.display().to_string()),
            ("PRESENTER_TOKEN".to_owned(), "let-me-in".to_owned()),
        ];
        // Each is held until all are known, or one could be given twice.
        let mut held = Vec::new();
        for port in PORTS {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            all.push((port.to_owned(), listener.local_addr()?.port().to_string()));
            held.push(listener);
        }
        drop(held);
        all.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        Self::start_with(all, data_dir, &[]).await
    }

    async fn start_with(settings: Vec<(String, String)>, data_dir: PathBuf, arguments: &[&str]) -> Result<Self> {
        let mut child = Command::new(data_dir.join(CLONE).join("scripts/demo"))
            .args(arguments)
            .env_remove("PULSAR_URL")
            .env_remove("PULSAR_ADMIN_URL")
            .env_remove("PULSAR_TENANT")
            .envs(settings.iter().map(|(name, value)| (name.as_str(), value.as_str())))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(false)
            .spawn()
            .context("scripts/demo cannot be started")?;
        let said = child.stdout.take().context("scripts/demo says nothing")?;
        let mut said = BufReader::new(said).lines();
        let mut lines = Vec::new();
        let ready = tokio::time::timeout(READY_WITHIN, async {
            let mut stage = None;
            while let Some(line) = said.next_line().await? {
                lines.push(line.clone());
                stage = line.strip_prefix("stage: ").map(str::to_owned).or(stage);
                if let Some(shop) = line.strip_prefix("ready: ") {
                    return Ok((shop.to_owned(), stage.context("it does not say where the stage is")?));
                }
            }
            bail!("it ended")
        });
        let (shop, stage) = match ready.await {
            Ok(Ok(addresses)) => addresses,
            other => {
                drop(child.start_kill());
                bail!("the demo did not become ready ({other:?}):\n{}", lines.join("\n"));
            }
        };
        // The rest of its output is read and dropped, so that it never blocks on a full pipe.
        tokio::spawn(async move { while let Ok(Some(_)) = said.next_line().await {} });
        let value = |name: &str| value_of(&settings, name);
        let pulsar_http = format!("http://127.0.0.1:{}", value("PULSAR_HTTP_PORT").unwrap_or_default());
        let token = value("PRESENTER_TOKEN").unwrap_or_default();
        let (shop, stage) = (Shop::new(&shop)?, Stage::new(&stage, &token)?);
        Ok(Demo { shop, stage, data_dir, pulsar_http, child, settings, lines })
    }

    /// The value of a setting it was started with.
    pub fn setting(&self, name: &str) -> Option<String> {
        value_of(&self.settings, name)
    }

    /// Its output until it was ready.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// The process of one of its parts: a service, or `broker`.
    pub fn process(&self, name: &str) -> Result<u32> {
        processes::noted(&self.data_dir, name)
    }

    /// Kills one of its parts with SIGKILL; the demo starts it again.
    pub async fn kill(&self, name: &str) -> Result<()> {
        processes::kill(self.process(name)?).await.with_context(|| name.to_owned())
    }

    /// Sends a signal to all processes of one of its parts.
    pub async fn signal(&self, name: &str, signal: &str) -> Result<()> {
        let group = format!("-{}", self.process(name)?);
        let sent = Command::new("kill").args([&format!("-{signal}"), "--", &group]).status().await?;
        anyhow::ensure!(sent.success(), "{name} could not be sent SIG{signal}");
        Ok(())
    }

    /// Stops it as Ctrl-C does, and waits until all its processes are gone. It uses SIGTERM: tests in the
    /// background of a script ignore SIGINT, and so do their children.
    ///
    /// # Errors
    /// If it does not stop in time.
    /// If it does not stop in time.
    pub async fn stop(mut self) -> Result<()> {
        self.end().await?;
        drop(std::fs::remove_dir_all(&self.data_dir));
        Ok(())
    }

    /// Stops it and starts it again with the same data.
    pub async fn restart(mut self, arguments: &[&str]) -> Result<Self> {
        self.end().await?;
        let (settings, data_dir) = (std::mem::take(&mut self.settings), self.data_dir.clone());
        Self::start_with(settings, data_dir, arguments).await
    }

    async fn end(&mut self) -> Result<()> {
        if let Some(process) = self.child.id() {
            Command::new("kill").args(["-TERM", &process.to_string()]).status().await?;
        }
        tokio::time::timeout(STOPPED_WITHIN, self.child.wait()).await.context("the demo did not stop in time")??;
        Ok(())
    }
}

impl Drop for Demo {
    /// A failed test leaves nothing running: on SIGTERM the demo stops what it started.
    fn drop(&mut self) {
        if let Some(process) = self.child.id() {
            let told = std::process::Command::new("kill").args(["-TERM", &process.to_string()]).status();
            drop(told);
        }
    }
}

//! The suite of the rehearsal.

use std::{fs, path::PathBuf};

use anyhow::Result;
use service::environment;

use super::broker::Broker;
use crate::{Demo, Shop, Stage, flow};

/// A running suite, as its settings describe it.
pub struct Place {
    pub shop: Shop,
    /// The stage, with the presenter's token.
    pub stage: Stage,
    /// The data folder, where a native demo keeps logs and the ports of its services.
    pub data_dir: PathBuf,
    /// The ports that must be listened on, on this machine, by the name of the setting.
    pub ports: Vec<(String, String)>,
    pub(crate) broker: Broker,
}

impl Place {
    /// The suite of a demo with these settings; `setting` returns the value of an environment variable.
    ///
    /// # Errors
    /// If no HTTP client can be created, or a setting of the broker is unusable.
    pub fn of(setting: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let set = |name: &str| setting(name).filter(|value| !value.trim().is_empty());
        let or = |name: &str, usual: &str| set(name).unwrap_or_else(|| usual.to_owned());
        let data_dir = environment::from_top(&or("DATA_DIR", "data"));
        let kept_token = || fs::read_to_string(data_dir.join("presenter-token")).unwrap_or_default();
        let token = set("PRESENTER_TOKEN").unwrap_or_else(kept_token);
        let (shop_port, stage_port) = (or("HTTP_PORT", "8000"), or("STAGE_PORT", "8001"));
        let shop = Shop::new(&format!("http://127.0.0.1:{shop_port}"))?;
        let stage = Stage::new(&format!("http://127.0.0.1:{stage_port}"), token.trim())?;
        let mut ports = vec![("HTTP_PORT".to_owned(), shop_port), ("STAGE_PORT".to_owned(), stage_port)];
        if set("PULSAR_URL").is_none() {
            ports.push(("PULSAR_PORT".to_owned(), or("PULSAR_PORT", "6650")));
            ports.push(("PULSAR_HTTP_PORT".to_owned(), or("PULSAR_HTTP_PORT", "8080")));
        }
        let broker = Broker::new(&environment::broker_in(set)?, or("PULSAR_TENANT", "beers"))?;
        Ok(Place { shop, stage, data_dir, ports, broker })
    }

    /// The suite of a demo that was started here.
    ///
    /// # Errors
    /// As [`Place::of`].
    pub fn of_demo(demo: &Demo) -> Result<Self> {
        Self::of(|name| demo.setting(name))
    }

    /// Waits until no subscription of this episode stands still, as the broker sees it.
    ///
    /// # Errors
    /// If one does for too long, with its name, or the broker does not answer.
    pub async fn everything_flows(&self, episode: u64) -> Result<()> {
        flow::everything_flows(&self.broker, episode).await
    }

    /// Advice for when no suite is running.
    pub fn how_to_start(&self) -> String {
        format!(
            "no stage answers at {}: start the suite with scripts/demo or docker compose up, or set STAGE_PORT to where it is",
            self.stage.address()
        )
    }
}

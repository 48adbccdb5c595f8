//! The test bed of the bus: a new tenant on the given broker.

use anyhow::{Context as _, Result};
use bus::{Admin, Broker, Bus, Scope, set_up};

/// A fresh tenant on the broker of `PULSAR_URL` and `PULSAR_ADMIN_URL`, in its first episode.
pub async fn fresh() -> Result<(Bus, Admin)> {
    let address = |name: &str, otherwise: &str| std::env::var(name).unwrap_or_else(|_| otherwise.to_owned());
    let broker = Broker {
        url: address("PULSAR_URL", "pulsar://127.0.0.1:6650"),
        admin_url: address("PULSAR_ADMIN_URL", "http://127.0.0.1:8080"),
        token: None,
        authorities: None,
    };
    let admin = Admin::new(&broker)?;
    let scope = Scope { tenant: format!("test-{:08x}", rand::random::<u32>()), episode: 1 };
    set_up(&admin, &scope).await.context("these tests need a broker: ./scripts/test starts one")?;
    Ok((Bus::new(broker, scope), admin))
}

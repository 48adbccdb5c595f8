//! `setup [--fresh]`: makes on the broker what the suite needs and says which episode runs. Run before the services,
//! as often as one likes: it changes nothing that is there. With `--fresh` the next episode begins. What belonged to the ones
//! before is deleted by the website, when every service has moved.

use std::{io::Write as _, process::ExitCode, time::Duration};

use anyhow::Context as _;
use bus::{Admin, Bus, Outgoing, Place, compact, episodes, set_up, set_up_stage};
use events::{
    ids::EventId,
    settings::StageSettings,
    topics::{SETTINGS, TABLE},
};
use service::{environment, stage};

/// How long the broker may take to come up.
const BROKER_WITHIN: Duration = Duration::from_secs(60);
const ASK_EVERY: Duration = Duration::from_millis(200);

fn main() -> ExitCode {
    environment::read_dot_env();
    let done = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(make()));
    let (mut out, mut err) = (std::io::stdout(), std::io::stderr());
    match done {
        // Nobody to tell if even this fails.
        Ok(settings) => {
            drop(writeln!(out, "episode {} is set up", settings.episode));
            ExitCode::SUCCESS
        }
        Err(error) => {
            drop(writeln!(err, "setup: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn make() -> anyhow::Result<StageSettings> {
    let fresh = match std::env::args().nth(1).as_deref() {
        None => false,
        Some("--fresh") => true,
        Some(other) => anyhow::bail!("knows no '{other}'; it takes nothing, or --fresh"),
    };
    let broker = environment::broker()?;
    let place = Place { tenant: environment::tenant(), episode: 1 };
    let admin = Admin::new(&broker)?;
    wait_for_broker(&admin, &broker.admin_url).await?;
    // The settings lie outside of the episodes; what surrounds them must be there before they can be read.
    set_up_stage(&admin, &place).await.context("the broker cannot be set up")?;
    let bus = Bus::new(broker, place);
    let settings = match (stage::current(&bus).await?, fresh) {
        (Some(settings), false) => settings,
        (known, _) => begin_episode(&bus, &admin, known).await?,
    };
    let bus = bus.in_episode(settings.episode);
    set_up(&admin, bus.place()).await?;
    // The broker compacts a topic that has grown; what a short talk wrote would wait for that.
    for entry in TABLE.iter().filter(|entry| entry.compacted) {
        compact(&admin, bus.place(), entry).await?;
    }
    Ok(settings)
}

/// Writes the settings of the next episode, once its namespaces are there.
async fn begin_episode(bus: &Bus, admin: &Admin, known: Option<StageSettings>) -> anyhow::Result<StageSettings> {
    let taken = episodes(admin, bus.place()).await?;
    let settings = stage::next_episode(&known.unwrap_or_default(), &taken, environment::choices()?);
    set_up(admin, bus.in_episode(settings.episode).place()).await?;
    let id = EventId::new(format!("settings-{}-{}", settings.seal, settings.version));
    let message = Outgoing::new(SETTINGS, "settings", id, settings.began_at, &settings)?;
    bus.publisher().publish(&[message]).await.context("the settings cannot be written")?;
    Ok(settings)
}

async fn wait_for_broker(admin: &Admin, url: &str) -> anyhow::Result<()> {
    let ready = async {
        while !admin.is_ready().await || !admin.get::<Vec<String>>("clusters").await.is_ok_and(|all| !all.is_empty()) {
            tokio::time::sleep(ASK_EVERY).await;
        }
    };
    tokio::time::timeout(BROKER_WITHIN, ready)
        .await
        .with_context(|| format!("no broker is ready at {url} after {} s", BROKER_WITHIN.as_secs()))
}

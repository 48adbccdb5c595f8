//! `setup [--fresh]` creates what the suite needs on the broker, and prints which episode runs. It runs before the services, any
//! number of times: it changes nothing that exists. With `--fresh` it begins the next episode; the previous ones are
//! deleted when every service has moved.

use std::{io::Write as _, process::ExitCode, time::Duration};

use anyhow::Context as _;
use bus::{Admin, Bus, Outgoing, Scope, compact, episodes, set_up, set_up_stage};
use events::{
    ids::EventId,
    settings::{Choices, StageSettings},
    topics::{SETTINGS, TOPICS},
};
use service::{
    arguments::{Arg, Program},
    environment, stage,
};

const HELP: &str = "\
setup creates on the broker what My Belgian beers online needs, and prints which episode runs. It changes nothing that exists.

Usage: setup [--fresh]

  --fresh  begins the next episode; the earlier ones are deleted once every service has moved

Settings come from the environment and from the file .env; .env.example lists them.";

/// How long the broker may take to start.
const BROKER_WITHIN: Duration = Duration::from_secs(60);
const ASK_EVERY: Duration = Duration::from_millis(200);

fn main() -> ExitCode {
    let program = Program { name: "setup", help: HELP.to_owned() };
    let fresh = program.read(|parser| {
        let mut fresh = false;
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Long("fresh") => fresh = true,
                other => return Err(other.unexpected()),
            }
        }
        Ok(fresh)
    });
    let fresh = match fresh {
        Ok(fresh) => fresh,
        Err(code) => return code,
    };
    let runtime = || Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?);
    let done = environment::read_dot_env()
        .map_err(anyhow::Error::from)
        .and_then(|()| runtime())
        .and_then(|runtime| runtime.block_on(make(fresh)));
    let (mut out, mut err) = (std::io::stdout(), std::io::stderr());
    match done {
        // If this fails there is no one to tell.
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

async fn make(fresh: bool) -> anyhow::Result<StageSettings> {
    let broker = environment::broker()?;
    let scope = Scope { tenant: environment::tenant(), episode: 1 };
    let admin = Admin::new(&broker)?;
    wait_for_broker(&admin, &broker.admin_url).await?;
    // The settings are outside of the episodes; their namespace must exist before they can be read.
    set_up_stage(&admin, &scope).await.context("the broker cannot be set up")?;
    let bus = Bus::new(broker, scope);
    let settings = match (stage::current(&bus).await.context("the settings cannot be read")?, fresh) {
        (Some(settings), false) => settings,
        (known, _) => begin_episode(&bus, &admin, known).await?,
    };
    let bus = bus.in_episode(settings.episode);
    set_up(&admin, bus.scope()).await?;
    // The broker compacts topics that have grown; after a short talk that would not happen.
    for topic in TOPICS.into_iter().filter(|topic| topic.compacted) {
        compact(&admin, bus.scope(), topic).await?;
    }
    Ok(settings)
}

/// Writes the settings of the next episode, once its namespaces are there.
async fn begin_episode(bus: &Bus, admin: &Admin, known: Option<StageSettings>) -> anyhow::Result<StageSettings> {
    let taken = episodes(admin, bus.scope()).await?;
    let choices = Choices::starting_from(environment::number)?;
    let settings = stage::next_episode(&known.unwrap_or_default(), &taken, choices);
    set_up(admin, bus.in_episode(settings.episode).scope()).await?;
    let id = EventId::new(format!("settings-{}-{}", settings.episode_id, settings.version));
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

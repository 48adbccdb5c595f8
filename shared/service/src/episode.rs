//! Which episode runs: read from the settings when a service starts, and watched while it runs.

use std::time::Duration;

use bus::{Bus, BusError, Dealt};
use events::{stage::StageSettings, topics::SETTINGS};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

use crate::Context;

/// How often the broker is asked while it has no settings.
const ASK_EVERY: Duration = Duration::from_millis(250);

/// The settings that rule now; `None` if there are none yet.
///
/// # Errors
/// If the broker cannot be asked.
pub async fn current(bus: &Bus) -> Result<Option<StageSettings>, BusError> {
    bus.newest(SETTINGS).await
}

/// Waits until the broker has settings. `None` if it shall end before.
pub async fn wait(bus: &Bus, shutdown: &CancellationToken) -> Option<StageSettings> {
    let mut told = false;
    loop {
        // A task of its own: what asks the broker must not be cancelled half way.
        let asking = bus.clone();
        let asked = tokio::spawn(async move { current(&asking).await });
        tokio::select! {
            () = shutdown.cancelled() => return None,
            answer = asked => match answer {
                Ok(Ok(Some(settings))) => return Some(settings),
                Ok(Ok(None)) => debug!("the broker has no settings yet"),
                Ok(Err(error)) => debug!(%error, "the broker has no settings yet"),
                Err(error) => debug!(%error, "asking for the settings failed"),
            },
        }
        if !told {
            info!("waiting for the broker and its settings");
            told = true;
        }
        tokio::select! {
            () = shutdown.cancelled() => return None,
            () = tokio::time::sleep(ASK_EVERY) => {}
        }
    }
}

/// Follows the settings and returns when another episode has begun than the one this service runs in: the service then
/// ends, and comes back in the new one.
///
/// # Errors
/// If the table of topics does not let this service read the settings.
pub async fn ended(context: &Context) -> anyhow::Result<StageSettings> {
    let mut consumer = context.bus.consumer(SETTINGS, context.service, Dealt::default())?;
    loop {
        for received in consumer.receive(10).await {
            let Ok(settings) = received.message else { continue };
            let same = context.settings.as_ref().is_some_and(|known| known.seal == settings.seal);
            let newer = context.settings.as_ref().is_none_or(|known| settings.version > known.version);
            if !same && newer {
                return Ok(settings);
            }
        }
    }
}

//! Begins the next episode and waits until all services have moved.

use std::{sync::Arc, time::Duration};

use events::{ids::Service, settings::Choices};
use service::environment;
use tokio::time::{Instant, timeout};

use crate::control::{control_error::ControlError, stage::Stage};

/// How long the services may take to move to the next episode.
const MOVED_WITHIN: Duration = Duration::from_secs(10);

pub struct EpisodeBegun {
    pub episode: u32,
    /// From the call until the shop took orders again.
    pub took: Duration,
    /// Services that have not moved in time. The earlier episodes are kept until they have.
    pub not_moved: Vec<Service>,
}

/// The settings of a first start.
///
/// # Errors
/// If the environment has an unusable setting.
pub fn usual_choices() -> Result<Choices, ControlError> {
    Ok(Choices::starting_from(environment::number)?)
}

/// Begins the next episode and waits until all services have moved.
///
/// # Errors
/// If the broker cannot be set up, or does not confirm it.
pub async fn begin_anew(stage: &Stage, keep_settings: bool) -> Result<EpisodeBegun, ControlError> {
    let (began, backstage, usual) = (Instant::now(), Arc::clone(&stage.backstage), usual_choices()?);
    let choose = |choices: &Choices| if keep_settings { choices.clone() } else { usual };
    let episode = backstage.director.begin_episode(choose).await?;
    let mut not_moved = Vec::new();
    let opened = timeout(MOVED_WITHIN, async { backstage.stage_of(episode).await.everybody_moved().await });
    if opened.await.is_err() {
        let missing = timeout(Duration::ZERO, backstage.stage_of(episode)).await;
        not_moved = missing.map_or_else(|_| Service::DEMO.to_vec(), |stage| stage.not_moved());
        tracing::warn!(episode, ?not_moved, "not all services have moved to the new episode yet; the old one is kept");
    }
    Ok(EpisodeBegun { episode, took: began.elapsed(), not_moved })
}

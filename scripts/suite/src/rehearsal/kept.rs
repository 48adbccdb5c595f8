//! The original settings, to be restored.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::{Stage, until};

/// How long restoring may take: the broker may just have been stopped.
const BACK_WITHIN: Duration = Duration::from_secs(90);

/// The original settings.
pub(super) struct Kept(Value);

impl Kept {
    /// The present settings.
    pub(super) async fn of(stage: &Stage) -> Result<Self> {
        let mut settings = stage.get("/api/settings").await?;
        if let Some(settings) = settings.as_object_mut() {
            // Only a reset changes it.
            settings.remove("episode");
        }
        Ok(Kept(settings))
    }

    /// Restores the settings and checks that they are restored.
    pub(super) async fn put_back(&self, stage: &Stage) -> Result<()> {
        until("the settings to be put back", BACK_WITHIN, || async {
            stage.set(&self.0).await?;
            let now = Kept::of(stage).await?;
            ensure!(now.0 == self.0, "they were {} and are {}", self.0, now.0);
            Ok(())
        })
        .await
    }
}

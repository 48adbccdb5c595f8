//! The settings as they were found, to be put back.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::{Stage, until};

/// How long it may take to put them back: the broker may just have been stopped.
const BACK_WITHIN: Duration = Duration::from_secs(90);

/// The settings as they were found.
pub(super) struct Kept(Value);

impl Kept {
    /// The settings as they are now.
    pub(super) async fn of(stage: &Stage) -> Result<Self> {
        let mut settings = stage.get("/api/settings").await?;
        if let Some(settings) = settings.as_object_mut() {
            // Only a reset changes it.
            settings.remove("episode");
        }
        Ok(Kept(settings))
    }

    /// Puts them back, and looks whether they are.
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

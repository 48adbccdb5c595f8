//! Leading a window that follows the speaker: it is told the page of the act whenever act or step changes. The speaker's own
//! windows are told as well, because a key press names the step it leaves.

use std::sync::Arc;

use events::settings::StageSettings;
use serde_json::json;
use tokio::sync::watch;

use crate::pure::acts;

/// What one window is told.
pub struct Lead {
    settings: watch::Receiver<Arc<StageSettings>>,
    /// Act and step it was told last.
    told: Option<(Option<u8>, u8)>,
}

impl Lead {
    /// Where the speaker is now is told at once.
    pub fn new(mut settings: watch::Receiver<Arc<StageSettings>>) -> Self {
        settings.mark_changed();
        Lead { settings, told: None }
    }

    /// Waits until there is something to tell, and returns it as JSON; `None` when the settings end.
    pub async fn next(&mut self) -> Option<String> {
        loop {
            self.settings.changed().await.ok()?;
            let settings = Arc::clone(&self.settings.borrow_and_update());
            let (act, step) = (settings.choices.act, settings.choices.step);
            if self.told.replace((act, step)) != Some((act, step)) {
                return Some(json!({"act": act, "step": step, "page": acts::page_now(&settings)}).to_string());
            }
        }
    }
}

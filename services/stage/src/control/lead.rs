//! Leads a window that follows the speaker: tells it the act's page whenever act or step changes. The speaker's own
//! windows are told too, because a key press names the step it leaves.

use std::sync::Arc;

use events::settings::StageSettings;
use serde_json::json;
use tokio::sync::watch;

use crate::pure::acts;

pub struct Lead {
    settings: watch::Receiver<Arc<StageSettings>>,
    /// The act and step that were told last.
    told: Option<(Option<u8>, u8)>,
}

impl Lead {
    /// The current position is told at once.
    pub fn new(mut settings: watch::Receiver<Arc<StageSettings>>) -> Self {
        settings.mark_changed();
        Lead { settings, told: None }
    }

    /// Waits for the next change and returns it as JSON; `None` when the settings end.
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

//! `follow` events: a window that follows the speaker is told the page of the act whenever act or step changes. The speaker's
//! own windows get them too, because a key press names the step it leaves.

use std::sync::Arc;

use events::settings::StageSettings;
use serde_json::json;
use tokio::sync::watch;

/// The page the room looks at by these settings.
pub type PageNow = fn(&StageSettings) -> &'static str;

/// The `follow` events of one window.
pub struct Lead {
    settings: watch::Receiver<Arc<StageSettings>>,
    page_now: PageNow,
    follows: bool,
    /// Act and step of the last event.
    told: Option<(Option<u8>, u8)>,
}

impl Lead {
    /// The events of a window, if it follows; else there are none.
    pub fn new(mut settings: watch::Receiver<Arc<StageSettings>>, page_now: PageNow, follows: bool) -> Self {
        // The first event, where the speaker is now, is due at once.
        settings.mark_changed();
        Lead { settings, page_now, follows, told: None }
    }

    /// Waits for the next event and returns its data; `None` when the settings end.
    pub async fn next(&mut self) -> Option<String> {
        if !self.follows {
            std::future::pending::<()>().await;
        }
        loop {
            self.settings.changed().await.ok()?;
            let settings = Arc::clone(&self.settings.borrow_and_update());
            let (act, step) = (settings.choices.act, settings.choices.step);
            if self.told.replace((act, step)) != Some((act, step)) {
                return Some(json!({"act": act, "step": step, "page": (self.page_now)(&settings)}).to_string());
            }
        }
    }
}

//! Leading a window that follows the speaker: it is told which page the act is at, whenever the act or its step changes. The
//! speaker's own windows are told as well: a press in one of them names the step it leaves.

use std::sync::Arc;

use events::settings::StageSettings;
use serde_json::json;
use tokio::sync::watch;

/// The page the room looks at by these settings.
pub type PageNow = fn(&StageSettings) -> &'static str;

/// What one window is told.
pub struct Lead {
    settings: watch::Receiver<Arc<StageSettings>>,
    page_now: PageNow,
    follows: bool,
    /// Act and step it was told of last.
    told: Option<(Option<u8>, u8)>,
}

impl Lead {
    /// Leads a window, if it wants to know.
    pub fn new(mut settings: watch::Receiver<Arc<StageSettings>>, page_now: PageNow, follows: bool) -> Self {
        // Where the speaker is now is told at once.
        settings.mark_changed();
        Lead { settings, page_now, follows, told: None }
    }

    /// Where to look, as the data of an event, once that is news. `None` when nothing will change any more.
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

//! When the event loop commits and publishes: five times a second while messages come, less often while something only
//! grows older, never while nothing does.

use tokio::time::{Duration, Instant, sleep_until};

/// Pause between two turns while messages come: five a second.
const TURN_EVERY: Duration = Duration::from_millis(200);
/// Pause between two looks at the ledger while nothing comes but something is on its way.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Pause between two forecasts while nothing comes: its window goes on.
const FORECAST_EVERY: Duration = Duration::from_secs(30);

/// When the next turn is.
pub(crate) struct CommitSchedule {
    /// When the last turn was.
    pub last_turn: Instant,
    /// When the last forecast was.
    pub last_forecast: Instant,
    /// Something was folded and not told yet.
    pub has_news: bool,
    /// The ledger lists something that grows older.
    pub something_on_the_way: bool,
    /// The forecast rests on something that will be too long ago.
    pub something_recent: bool,
}

impl CommitSchedule {
    /// The schedule of a process that begins: one that was killed between commit and telling tells now.
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        CommitSchedule {
            last_turn: now,
            last_forecast: now,
            has_news: true,
            something_on_the_way: false,
            something_recent: false,
        }
    }

    /// When the next turn is; never while there is nothing to tell and nothing that grows old.
    fn due(&self) -> Option<Instant> {
        let after = |needed: bool, from: Instant, pause: Duration| needed.then(|| from + pause);
        let due = [
            after(self.has_news, self.last_turn, TURN_EVERY),
            after(self.something_on_the_way, self.last_turn, LOOK_EVERY),
            after(self.something_recent, self.last_forecast, FORECAST_EVERY),
        ];
        due.into_iter().flatten().min()
    }

    /// Whether it is time for a turn.
    pub(crate) fn is_turn(&self) -> bool {
        self.due().is_some_and(|due| due <= Instant::now())
    }

    /// Whether this turn says the forecast too.
    pub(crate) fn is_forecast(&self) -> bool {
        self.has_news || self.last_forecast.elapsed() >= FORECAST_EVERY
    }

    /// Returns when it is time for a turn.
    pub(crate) async fn next_turn(&self) {
        match self.due() {
            Some(due) => sleep_until(due).await,
            None => std::future::pending().await,
        }
    }
}

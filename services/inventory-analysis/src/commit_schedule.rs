//! When the event loop commits and publishes: five times a second while messages come, less often while something only
//! grows older, never while nothing does.

use tokio::time::{Duration, Instant, sleep_until};

/// Pause between two turns while messages come: five per second.
const TURN_EVERY: Duration = Duration::from_millis(200);
/// Pause between two looks at the ledger while no messages come but something is on its way.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Pause between two forecasts while no messages come: the window of the forecast moves on.
const FORECAST_EVERY: Duration = Duration::from_secs(30);

/// When the next turn is due.
pub(crate) struct CommitSchedule {
    pub last_turn: Instant,
    pub last_forecast: Instant,
    /// Something was folded and not published yet.
    pub has_news: bool,
    /// The ledger lists something that grows older.
    pub something_on_the_way: bool,
    /// The forecast depends on something that will leave its window.
    pub something_recent: bool,
}

impl CommitSchedule {
    /// The schedule of a process that starts. It publishes at once, since an earlier process may have been killed after a commit.
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

    /// When the next turn is due; never while nothing is new and nothing grows older.
    fn due(&self) -> Option<Instant> {
        let after = |needed: bool, from: Instant, pause: Duration| needed.then(|| from + pause);
        let due = [
            after(self.has_news, self.last_turn, TURN_EVERY),
            after(self.something_on_the_way, self.last_turn, LOOK_EVERY),
            after(self.something_recent, self.last_forecast, FORECAST_EVERY),
        ];
        due.into_iter().flatten().min()
    }

    /// Whether a turn is due.
    pub(crate) fn is_turn(&self) -> bool {
        self.due().is_some_and(|due| due <= Instant::now())
    }

    /// Whether this turn includes the forecast.
    pub(crate) fn is_forecast(&self) -> bool {
        self.has_news || self.last_forecast.elapsed() >= FORECAST_EVERY
    }

    /// Returns when a turn is due.
    pub(crate) async fn next_turn(&self) {
        match self.due() {
            Some(due) => sleep_until(due).await,
            None => std::future::pending().await,
        }
    }
}

//! The crowd at work: it orders as fast as the settings say.

use std::{sync::Arc, time::Duration};

use events::settings::Crowd;
use service::now;
use tokio::time::{Instant, MissedTickBehavior};

use crate::stage::{control::stage::Stage, pure::crowd};

/// How often the crowd comes through the door: so many orders at a time as are due.
const TICK: Duration = Duration::from_millis(20);
/// Most orders placed at once, after the website was held up.
const AT_ONCE_MAX: u64 = 100;

/// The crowd at work, as the settings say, for as long as the episode lasts.
///
/// # Errors
/// None: what cannot be placed is not placed.
pub async fn come(stage: Arc<Stage>) -> anyhow::Result<()> {
    let mut settings = stage.context.stage.follow();
    let mut placed = 0;
    loop {
        let crowd = settings.borrow_and_update().choices.crowd;
        if crowd.orders_per_second == 0 {
            settings.changed().await?;
            continue;
        }
        tokio::select! {
            () = order_on(&stage, crowd, &mut placed) => return Ok(()),
            changed = settings.changed() => changed?,
        }
    }
}

/// Orders at a steady rate. Returns when the shop takes none any more.
async fn order_on(stage: &Stage, settings: Crowd, placed: &mut u64) {
    let rate = u64::from(settings.orders_per_second);
    let began = Instant::now();
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut due_before = 0;
    loop {
        tick.tick().await;
        let due = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX) * rate / 1000;
        let now_due = (due - due_before).min(AT_ONCE_MAX);
        due_before = due;
        for _ in 0..now_due {
            let n = *placed;
            *placed += 1;
            // A crowd does not wait for its answers, but the shop makes it wait while it is busy.
            if stage.shop.place(crowd::order(n, settings), now()).await.is_err() {
                return;
            }
        }
    }
}

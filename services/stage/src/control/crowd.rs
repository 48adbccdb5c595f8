//! The crowd orders as fast as the settings say.

use std::{sync::Arc, time::Duration};

use events::settings::Crowd;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::time::{Instant, MissedTickBehavior};

use crate::{control::stage::Stage, pure::crowd};

/// How often due orders are placed.
const TICK: Duration = Duration::from_millis(20);
/// The most orders due at once, after the shop was slow; the rest is never placed.
const DUE_MAX: u64 = 100;
/// The most unanswered orders: a busy shop slows the crowd down.
const UNANSWERED_MAX: usize = 64;

/// Runs the crowd while the episode lasts.
///
/// # Errors
/// None: orders that fail are dropped.
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
            () = order_on(&stage, crowd, &mut placed) => {}
            changed = settings.changed() => changed?,
        }
    }
}

/// Orders at a steady rate, until it is dropped.
async fn order_on(stage: &Stage, settings: Crowd, placed: &mut u64) {
    let rate = u64::from(settings.orders_per_second);
    let began = Instant::now();
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut unanswered = FuturesUnordered::new();
    let (mut due, mut due_before) = (0, 0);
    loop {
        tokio::select! {
            _ = tick.tick() => {
                let due_by_now = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX) * rate / 1000;
                due = DUE_MAX.min(due + due_by_now - due_before);
                due_before = due_by_now;
            }
            // An order that fails is not repeated.
            Some(_answered) = unanswered.next() => {}
        }
        while due > 0 && unanswered.len() < UNANSWERED_MAX {
            let order = crowd::order(*placed, settings);
            unanswered.push(async move { stage.shop.order(&order).await });
            *placed += 1;
            due -= 1;
        }
    }
}

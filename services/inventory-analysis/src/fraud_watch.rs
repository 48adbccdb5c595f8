//! Runs fraud watch: a second subscription of the orders, for as long as the settings want it.
//!
//! When it is attached it begins with the first order there is, and finds what happened long before. It has a
//! subscription of its own, so no other reader notices; it stores nothing, so nothing remains when it is detached.

use bus::{Consumer, ConsumerOptions, with_causes};
use events::{
    insights::{Fraud, Insight},
    orders::PlaceOrder,
    received::Position,
    topics::{FRAUD_WATCH, ORDERS},
};
use service::{Context, now, stage::Pause};
use tokio::{
    task::yield_now,
    time::{Duration, Instant, sleep, sleep_until, timeout},
};
use tracing::{debug, info};

use crate::{fraud::FraudWatch, insights::InsightPublisher};

/// Most orders checked before other tasks have their turn.
const BATCH_MAX: usize = 500;
/// Pause between two publications of findings: five per second.
const TELL_EVERY: Duration = Duration::from_millis(200);
/// Pause before the broker is asked again to delete the subscription.
const ASK_EVERY: Duration = Duration::from_millis(500);
/// How long to wait at a time for a consumer that is no longer wanted and still connecting.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Attaches and detaches the watch as the settings say.
///
/// # Errors
/// If `orders` has no subscription for this watch.
pub(crate) async fn watch_when_wanted(context: Context) -> anyhow::Result<()> {
    let mut publisher = InsightPublisher::new(&context.bus);
    let mut pause = context.pause();
    loop {
        // A subscription that a killed process left is deleted as well: it would continue where that process stopped.
        forget_subscription(&context).await;
        if !is_wanted(&context, &mut pause) {
            publisher.tell_in_the_end(&Insight::Fraud(Fraud { at: now(), ..Fraud::default() })).await?;
        }
        while !is_wanted(&context, &mut pause) {
            pause.changed().await;
        }
        info!("fraud watch attached");
        let consumer = watch(&context, &mut pause, &mut publisher).await?;
        put_down(consumer).await;
        info!("fraud watch detached");
    }
}

/// Whether the settings want it. Also marks the pause as seen, so that [`Pause::changed`] reports what comes after.
fn is_wanted(context: &Context, pause: &mut Pause) -> bool {
    pause.is_on();
    context.stage.settings().choices.fraud_watch
}

/// Watches until it is no longer wanted.
async fn watch(
    context: &Context,
    pause: &mut Pause,
    publisher: &mut InsightPublisher,
) -> anyhow::Result<Consumer<PlaceOrder>> {
    let options = ConsumerOptions { subscription: Some(FRAUD_WATCH.name), ..ConsumerOptions::default() };
    let mut consumer = context.bus.consumer(ORDERS, context.service, options)?;
    let mut watch = FraudWatch::default();
    let (mut has_news, mut tell_at) = (true, Instant::now());
    loop {
        let works = !pause.is_on();
        if !context.stage.settings().choices.fraud_watch {
            return Ok(consumer);
        }
        tokio::select! {
            batch = consumer.receive(BATCH_MAX), if works => {
                for received in &batch {
                    // What cannot be read is quarantined by the main reader.
                    if let (Ok(order), Some(order_id)) = (&received.message, received.order_id()) {
                        watch.see(&order_id, order, received.at);
                    }
                }
                let done: Vec<Position> = batch.iter().map(|received| received.position).collect();
                consumer.acknowledge(&done).await;
                has_news = true;
                // The live view shares this thread.
                yield_now().await;
            }
            () = sleep_until(tell_at), if has_news => {
                let now = now();
                has_news = !publisher.tell(vec![Insight::Fraud(watch.fraud(now))], now).await?;
                tell_at = Instant::now() + TELL_EVERY;
            }
            () = pause.changed() => {}
        }
    }
}

/// Closes a consumer. One that is still connecting is waited for: it would create its subscription after that was deleted.
async fn put_down(mut consumer: Consumer<PlaceOrder>) {
    while !consumer.is_connected() {
        // Its messages are not needed.
        let _brought = timeout(LOOK_EVERY, consumer.receive(1)).await;
    }
}

async fn forget_subscription(context: &Context) {
    while let Err(error) = context.bus.forget_subscription(ORDERS.spec, &FRAUD_WATCH).await {
        debug!(error = %with_causes(&error), "the subscription of fraud watch is not deleted yet");
        sleep(ASK_EVERY).await;
    }
}

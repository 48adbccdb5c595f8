//! Messages in: couriers take the parcels, the writer takes dead letters and requests.

use events::topics::{DEAD_LETTERS, DELIVERY_REQUESTS};
use service::{Context, ServiceFuture, TaskGroup};

use crate::{
    Config,
    crew::Crew,
    handler::{Work, writer},
    store::TABLES,
};

/// Runs delivery until it is told to stop, with the retry policy from the environment.
///
/// # Errors
/// If a setting cannot be used, or the database fails.
pub fn run(context: Context) -> ServiceFuture {
    Box::pin(work_as_set(context))
}

async fn work_as_set(context: Context) -> anyhow::Result<()> {
    run_with(context, Config::from_environment()?).await
}

/// Runs delivery until it is told to stop.
pub fn run_with(context: Context, config: Config) -> ServiceFuture {
    Box::pin(work_with(context, config))
}

async fn work_with(context: Context, config: Config) -> anyhow::Result<()> {
    let store = context.open_store(&TABLES).await?;
    let mut tasks = TaskGroup::default();
    let outbox = context.start_outbox(&mut tasks, &store);
    let (mut writer, handle) = writer(&context, &store, &outbox, config.retry_policy);
    tasks.start(async move { writer.work().await });
    tasks.start(Crew::new(context.clone(), handle.clone()).work());
    tasks.start(handle.clone().read(context.clone(), DEAD_LETTERS, |received| received.map(Work::Compare)));
    tasks.start(handle.read(context.clone(), DELIVERY_REQUESTS, |received| {
        let (position, event_id) = (received.position, received.event_id.clone());
        received.map(|request| Work::Answer { position, event_id, request })
    }));
    tasks.run_until(&context.shutdown).await
}

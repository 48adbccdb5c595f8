//! Subscribing: how a consumer of the client is created, checked and closed.

use std::{sync::Arc, time::Duration};

use events::topics::{Lifetime, Subscription, SubscriptionType, TopicSpec};
use pulsar::{
    SubType, TokioExecutor,
    consumer::InitialPosition,
    error::ConnectionError,
    unpacking::{ENTRY_MAX, MESSAGE_MAX},
};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;
use tracing::{debug, info, warn};

use crate::{
    Bus,
    admin::{Admin, AdminError},
    consumer::ConsumerOptions,
    errors::outcome,
    flow::{self, Flow, Found},
};

/// How many messages the broker may send ahead; more would only cost memory after a burst.
const PERMITS: u32 = 200;
/// Most memory for messages sent ahead, in bytes. The client truncates larger messages before it queues them.
const SENT_AHEAD_MAX: usize = 20 * 1024 * 1024;
const _: () = assert!(PERMITS as usize * MESSAGE_MAX + ENTRY_MAX <= SENT_AHEAD_MAX);
/// The same where a policy gives each consumer one message at a time. The second permit lets the broker send the
/// next message as soon as the first is acknowledged. With more permits it reads as many messages, sends one to
/// each consumer, and reads the rest again: with 100 permits it reads each message four times at 500 orders/s.
const PERMITS_ONE_AT_A_TIME: u32 = 2;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// How long the broker may take to confirm that a consumer is closed.
const CLOSED_WITHIN: Duration = Duration::from_secs(1);

pub(crate) type Inner = pulsar::Consumer<Vec<u8>, TokioExecutor>;

/// What is subscribed to, and how.
pub(crate) struct What {
    pub(crate) bus: Bus,
    pub(crate) topic: &'static TopicSpec,
    pub(crate) subscription: &'static Subscription,
    pub(crate) options: ConsumerOptions,
    /// What the consumers of this subscription know together.
    pub(crate) flow: Arc<Flow>,
}

impl What {
    /// How it is shared with other consumers; `None` if it belongs to this process alone.
    fn subscription_type(&self) -> Option<SubscriptionType> {
        let specified = self.subscription.lifetime.subscription_type()?;
        Some(self.options.subscription_type.unwrap_or(specified))
    }

    pub(crate) fn is_acknowledged_singly(&self) -> bool {
        matches!(self.subscription_type(), Some(SubscriptionType::Shared | SubscriptionType::KeyShared))
    }

    pub(crate) fn is_watched(&self) -> bool {
        self.subscription.lifetime != Lifetime::PerProcess
    }
}

/// The consumer, or the task that connects it.
pub(crate) enum State {
    Connected(Box<Inner>),
    Connecting(AbortOnDropHandle<Box<Inner>>),
    Lost,
}

/// Closes the previous consumer and connects a new one in a separate task, which tries until it succeeds or is
/// aborted; a consumer in the making is then dropped with its connection.
pub(crate) fn connect(what: &Arc<What>, before: State) -> State {
    let what = Arc::clone(what);
    State::Connecting(AbortOnDropHandle::new(tokio::spawn(async move {
        close(before, what.topic.name).await;
        let inner = subscribe_at_last(&what).await;
        info!(topic = what.topic.name, subscription = what.subscription.name, "subscribed");
        inner
    })))
}

async fn subscribe_at_last(what: &What) -> Box<Inner> {
    let (topic, subscription) = (what.topic.name, what.subscription.name);
    let (began, mut told) = (Instant::now(), false);
    let mut pause = FIRST_PAUSE;
    loop {
        match subscribe(what).await {
            Ok(inner) => {
                what.flow.cut_off(false);
                return Box::new(inner);
            }
            // Once, and not twice per second for as long as the broker is away.
            Err(error) if !told && began.elapsed() > flow::CUT_OFF_AFTER => {
                warn!(topic, subscription, %error, "cannot subscribe, still trying");
                what.flow.cut_off(true);
                told = true;
            }
            Err(error) => debug!(topic, %error, "cannot subscribe yet"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn subscribe(what: &What) -> Result<Inner, pulsar::Error> {
    let client = what.bus.clients.own().await?;
    let kind = match what.subscription_type() {
        Some(SubscriptionType::Failover) => SubType::Failover,
        Some(SubscriptionType::Shared) => SubType::Shared,
        Some(SubscriptionType::KeyShared) => SubType::KeyShared,
        None => SubType::Exclusive,
    };
    let stays = what.subscription.lifetime != Lifetime::PerProcess;
    let name = if stays {
        what.subscription.name.to_owned()
    } else {
        format!("{}-{:08x}", what.subscription.name, rand::random::<u32>())
    };
    // A process that follows a compacted topic begins with the newest message of each key.
    let from_the_start = stays || what.topic.compacted;
    let options = pulsar::ConsumerOptions::default()
        .durable(stays)
        .read_compacted(what.topic.compacted && !stays)
        .with_initial_position(if from_the_start { InitialPosition::Earliest } else { InitialPosition::Latest });
    let permits = if what.is_acknowledged_singly() { PERMITS_ONE_AT_A_TIME } else { PERMITS };
    let mut builder = client
        .consumer()
        .with_topic(what.bus.topic_address(what.topic))
        .with_subscription(name)
        .with_subscription_type(kind)
        .with_batch_size(permits)
        .with_options(options);
    if let Some(name) = &what.options.name {
        builder = builder.with_consumer_name(name);
    }
    builder.build().await
}

/// Closes a consumer after the acknowledgements that were sent. A consumer that is still connecting is awaited: otherwise it
/// would appear and vanish while others read already. One that is not closed in time ends with its connection.
pub(crate) async fn close(state: State, topic: &'static str) {
    let closed = tokio::time::timeout(CLOSED_WITHIN, async {
        let inner = match state {
            State::Connected(inner) => Some(inner),
            State::Connecting(arrival) => Some(outcome(arrival.await).await),
            State::Lost => None,
        };
        match inner {
            Some(mut inner) => inner.close().await,
            None => Ok(()),
        }
    });
    match closed.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => debug!(topic, %error, "the consumer was closed without the broker"),
        Err(_) => debug!(topic, "the broker did not confirm in time that the consumer is closed"),
    }
}

/// How many messages wait for the subscription, without those that are delayed.
pub(crate) async fn look(what: &What, inner: &mut Inner) -> Found {
    // While its queue is full the client does not answer.
    let asked = tokio::time::timeout(flow::ANSWER_WITHIN, async {
        match inner.get_stats().await {
            Ok(stats) if stats.iter().any(|stats| stats.error_code.is_some()) => Found::Unknown,
            Ok(stats) => Found::Waiting(stats.iter().map(|stats| stats.msg_backlog()).sum()),
            Err(pulsar::Error::Connection(ConnectionError::PulsarError(..))) => Found::Unknown,
            Err(_) => Found::NoAnswer,
        }
    });
    match asked.await {
        Ok(Found::Waiting(backlog @ 1..)) if what.subscription_type() == Some(SubscriptionType::Shared) => {
            delayed(what).await.map_or(Found::NoAnswer, |delayed| Found::Waiting(backlog.saturating_sub(delayed)))
        }
        Ok(found) => found,
        Err(_) => Found::NoAnswer,
    }
}

/// How much of the backlog is delayed; only the admin API tells.
async fn delayed(what: &What) -> Result<u64, AdminError> {
    let scope = what.bus.scope();
    let path = what.topic.admin_path(&scope.tenant, scope.episode);
    let stats: serde_json::Value = Admin::new(what.bus.broker())?.get(&format!("{path}/stats")).await?;
    Ok(stats["subscriptions"][what.subscription.name]["msgDelayed"].as_u64().unwrap_or(0))
}

//! Consumers: a subscription, read for as long as the process lives.

use std::{
    collections::HashMap,
    marker::PhantomData,
    sync::{Arc, atomic::Ordering},
};

use events::{
    ids::Service,
    received::{Position, Received},
    topics::{SubscriptionType, Topic, TopicSpec},
};
use futures_util::{FutureExt as _, Stream, StreamExt as _, future::BoxFuture};
use pulsar::{Payload, consumer::Message, error::ConsumerError};
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use tracing::{debug, warn};

use crate::{
    Bus, BusError,
    client::Clients,
    errors::outcome,
    flow::Watch,
    message::{entry_id, position_of, received},
    subscription::{Inner, State, What, close, connect, look},
};

/// Options that the specification of a subscription leaves to its consumers.
#[derive(Debug, Clone, Default)]
pub struct ConsumerOptions {
    /// The consumer's name, where a subscription has several. The broker chooses the active one of a Failover subscription
    /// by it.
    pub name: Option<String>,
    /// Overrides the specified type, for the subscription that is switched live.
    pub subscription_type: Option<SubscriptionType>,
    /// Which subscription, if the reader has several; by default the first one.
    pub subscription: Option<&'static str>,
}

/// One consumer of a subscription. Reconnects by itself after any failure.
pub struct Consumer<M> {
    raw: Raw,
    message: PhantomData<fn() -> M>,
}

impl<M: DeserializeOwned> Consumer<M> {
    pub(crate) fn new(bus: Bus, topic: Topic<M>, reader: Service, options: ConsumerOptions) -> Result<Self, BusError> {
        Ok(Consumer { raw: Raw::new(bus, topic.spec, reader, options)?, message: PhantomData })
    }

    /// Waits for a message and returns it with the others that have arrived, at most `most`.
    ///
    /// Can be cancelled without loss. After a reconnection, messages that were not acknowledged are redelivered.
    pub async fn receive(&mut self, most: usize) -> Vec<Received<M>> {
        let batch = self.raw.receive(most).await;
        let (topic, replaced) = (self.raw.what.topic, &self.raw.what.bus.clients.times_replaced);
        batch.iter().map(|(position, payload)| received(topic, *position, payload, replaced)).collect()
    }

    /// Acknowledges messages, in the order in which they were received. An entry with several messages is acknowledged with
    /// the last of them. There is no receipt: if an acknowledgement is lost, the message is redelivered.
    pub async fn acknowledge(&mut self, done: &[Position]) {
        self.raw.acknowledge(done).await;
    }

    /// Closes the consumer and waits up to a second until the broker confirms it, so that another type of
    /// consumer can follow at once. Messages that were not acknowledged are redelivered.
    ///
    /// Dropping it closes it some time later: until then the broker refuses another type.
    pub async fn close(self) {
        self.raw.close().await;
    }

    /// Whether it is connected now.
    pub fn is_connected(&self) -> bool {
        matches!(self.raw.state, State::Connected(_))
    }
}

/// The consumer without the type of its messages.
struct Raw {
    what: Arc<What>,
    state: State,
    /// How many messages of an entry are not done yet. Only for Shared subscriptions, which are acknowledged singly.
    unfinished: HashMap<(u64, u64), u32>,
    counted: Counted,
    /// `None` where nothing is acknowledged, since the broker then does not know what waits.
    watch: Option<Watch>,
    /// The last message that was returned.
    last: Position,
    /// The client's next item after the returned messages, not handled yet.
    said: Option<Option<Item>>,
}

type Item = <Inner as Stream>::Item;

impl Raw {
    fn new(bus: Bus, topic: &'static TopicSpec, reader: Service, options: ConsumerOptions) -> Result<Self, BusError> {
        let missing = BusError::NoSubscription { reader, topic: topic.name };
        let subscription = topic.subscription_of(reader, options.subscription).ok_or(missing)?;
        let counted = Counted::new(Arc::clone(&bus.clients));
        let flow = bus.clients.flows.join(bus.topic_address(topic), topic.name, subscription.name);
        let what = Arc::new(What { bus, topic, subscription, options, flow });
        let watch = what.is_watched().then(|| Watch::new(Arc::clone(&what.flow), Instant::now()));
        let state = connect(&what, State::Lost);
        Ok(Raw { what, state, unfinished: HashMap::new(), counted, watch, last: Position::default(), said: None })
    }

    fn receive(&mut self, most: usize) -> BoxFuture<'_, Vec<(Position, Payload)>> {
        Box::pin(self.receive_some(most))
    }

    async fn receive_some(&mut self, most: usize) -> Vec<(Position, Payload)> {
        loop {
            let inner = match &mut self.state {
                State::Connected(inner) => inner,
                State::Connecting(arrival) => {
                    self.state = State::Connected(outcome(arrival.await).await);
                    self.counted.set(true);
                    continue;
                }
                State::Lost => {
                    self.state = connect(&self.what, State::Lost);
                    continue;
                }
            };
            let next = match self.said.take() {
                Some(said) => Some(said),
                None => next_or_look(inner, self.watch.as_mut()).await,
            };
            let Some(next) = next else {
                self.look().await;
                continue;
            };
            match next {
                Some(Ok(message)) => {
                    let mut batch = vec![with_position(message)];
                    while batch.len() < most && self.said.is_none() {
                        match inner.next().now_or_never() {
                            Some(Some(Ok(message))) => batch.push(with_position(message)),
                            Some(said) => self.said = Some(said),
                            None => break,
                        }
                    }
                    self.handed_out(&batch);
                    return batch;
                }
                Some(Err(pulsar::Error::Consumer(ConsumerError::Io(error)))) => {
                    warn!(topic = self.what.topic.name, %error, "a message could not be unpacked");
                }
                // If the client cannot resubscribe after the broker closed the topic, it continues without a subscription.
                Some(Err(error)) => self.reconnect(&error.to_string()),
                None => self.reconnect("the client gave up"),
            }
        }
    }

    fn handed_out(&mut self, batch: &[(Position, Payload)]) {
        if let Some((last, _)) = batch.last() {
            self.last = *last;
        }
        if let Some(watch) = &mut self.watch {
            watch.received(batch.len());
        }
    }

    /// Checks whether messages wait although no consumer holds one, and rebuilds the consumer if that lasts too long.
    async fn look(&mut self) {
        let (State::Connected(inner), Some(watch)) = (&mut self.state, &mut self.watch) else { return };
        if !watch.is_idle(Instant::now()) {
            return;
        }
        let found = look(&self.what, inner).await;
        watch.waited(Instant::now());
        if watch.looked(found) {
            let (topic, subscription) = (self.what.topic.name, self.what.subscription.name);
            warn!(topic, subscription, ?found, "the subscription stands still: no consumer gets the waiting messages");
            self.reconnect("it stands still");
        }
    }

    fn acknowledge<'a>(&'a mut self, done: &'a [Position]) -> BoxFuture<'a, ()> {
        Box::pin(self.acknowledge_all(done))
    }

    async fn acknowledge_all(&mut self, done: &[Position]) {
        if let Some(watch) = &mut self.watch {
            watch.acknowledged(done.len());
            if !self.what.is_acknowledged_singly() && done.last().is_some_and(|last| *last >= self.last) {
                watch.empty_handed();
            }
        }
        if self.what.is_acknowledged_singly() {
            for position in done {
                if self.finishes_entry(*position) {
                    self.send_ack(*position, false).await;
                }
            }
        } else if let Some(last) = done.iter().rev().find(|position| position.ends_entry()) {
            self.send_ack(*last, true).await;
        }
    }

    fn close(self) -> BoxFuture<'static, ()> {
        Box::pin(close(self.state, self.what.topic.name))
    }

    fn finishes_entry(&mut self, position: Position) -> bool {
        if position.batch_size <= 1 {
            return true;
        }
        let entry = (position.ledger, position.entry);
        let left = self.unfinished.entry(entry).or_insert(position.batch_size);
        *left = left.saturating_sub(1);
        let finished = *left == 0;
        if finished {
            self.unfinished.remove(&entry);
        }
        finished
    }

    async fn send_ack(&mut self, position: Position, cumulative: bool) {
        let State::Connected(inner) = &mut self.state else { return };
        let topic = self.what.bus.topic_address(self.what.topic);
        let id = entry_id(position);
        let sent = if cumulative {
            inner.cumulative_ack_with_id(&topic, id).await
        } else {
            inner.ack_with_id(&topic, id).await
        };
        if let Err(error) = sent {
            debug!(topic = self.what.topic.name, %error, "an acknowledgement was not sent; the message comes again");
        }
    }

    fn reconnect(&mut self, why: &str) {
        warn!(topic = self.what.topic.name, why, "the subscription is lost; reconnecting");
        self.counted.set(false);
        self.unfinished.clear();
        self.said = None;
        if let Some(watch) = &mut self.watch {
            watch.empty_handed();
        }
        let before = std::mem::replace(&mut self.state, State::Lost);
        self.state = connect(&self.what, before);
    }
}

/// The next item of the client's stream; `None` when it is time to check whether messages flow.
async fn next_or_look(inner: &mut Inner, watch: Option<&mut Watch>) -> Option<Option<Item>> {
    let Some(watch) = watch else { return Some(inner.next().await) };
    let next_look = watch.waits(Instant::now());
    // Recorded also when the caller is cancelled.
    let _waiting = Waiting(watch);
    tokio::select! {
        biased;
        next = inner.next() => Some(next),
        () = tokio::time::sleep_until(next_look) => None,
    }
}

struct Waiting<'a>(&'a mut Watch);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waited(Instant::now());
    }
}

fn with_position(message: Message<Vec<u8>>) -> (Position, Payload) {
    let position = position_of(message.message_id(), message.payload.metadata.num_messages_in_batch);
    (position, message.payload)
}

/// Counts one consumer among those wanted, and among those connected while it is.
struct Counted {
    clients: Arc<Clients>,
    connected: bool,
}

impl Counted {
    fn new(clients: Arc<Clients>) -> Self {
        clients.consumers_wanted.fetch_add(1, Ordering::Relaxed);
        Counted { clients, connected: false }
    }

    fn set(&mut self, connected: bool) {
        match (self.connected, connected) {
            (false, true) => self.clients.consumers_connected.fetch_add(1, Ordering::Relaxed),
            (true, false) => self.clients.consumers_connected.fetch_sub(1, Ordering::Relaxed),
            _ => return,
        };
        self.connected = connected;
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.set(false);
        self.clients.consumers_wanted.fetch_sub(1, Ordering::Relaxed);
    }
}

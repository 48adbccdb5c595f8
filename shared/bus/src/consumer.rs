//! Consumers: a subscription of the table, read for as long as the process lives.

use std::{
    collections::HashMap,
    marker::PhantomData,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use events::{
    ids::Service,
    topics::{Dealing, Entry, Subscription, Topic},
};
use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture};
use pulsar::{
    ConsumerOptions, Payload, SubType, TokioExecutor,
    consumer::{InitialPosition, Message},
};
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;
use tracing::{debug, info, warn};

use crate::{
    Bus, BusError,
    client::{Clients, Purpose},
    message::{Position, Received},
};

/// Messages the broker may send ahead; more would only cost memory after a burst. On a Shared queue the namespace's policy
/// still leaves one in hand.
const PERMITS: u32 = 400;
/// The same for a consumer with a connection of its own: fewer would cost a round trip each (43 ms with one).
const PERMITS_OF_ITS_OWN: u32 = 100;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// How long the broker may take to let go of a consumer that is closed.
const CLOSED_WITHIN: Duration = Duration::from_secs(1);

type Inner = pulsar::Consumer<Vec<u8>, TokioExecutor>;

/// How a subscription is read: by whom, and in which of the ways that can change while it runs.
#[derive(Debug, Clone, Default)]
pub struct Dealt {
    /// The consumer's name; the broker chooses the active one of a Failover subscription by it.
    pub name: Option<String>,
    /// A connection of its own, for those whose acknowledgements must not wait for others': couriers and workers.
    pub own_connection: bool,
    /// Another type than the table's, for the subscription that is switched live.
    pub instead: Option<Dealing>,
    /// Which subscription, where the table gives the reader several; the first one if nothing is said.
    pub subscription: Option<&'static str>,
}

/// One consumer of a subscription. Reconnects by itself, whatever ended the connection.
pub struct Consumer<M> {
    raw: Raw,
    message: PhantomData<fn() -> M>,
}

impl<M: DeserializeOwned> Consumer<M> {
    pub(crate) fn new(bus: Bus, topic: Topic<M>, reader: Service, dealt: Dealt) -> Result<Self, BusError> {
        Ok(Consumer { raw: Raw::new(bus, topic.entry, reader, dealt)?, message: PhantomData })
    }

    /// Waits for a message, then takes with it what else is there already, `most` in all.
    ///
    /// Can be cancelled: nothing is lost. After a connection was lost, what was not acknowledged comes again.
    pub async fn receive(&mut self, most: usize) -> Vec<Received<M>> {
        self.raw.receive(most).await.iter().map(|(position, payload)| Received::read(*position, payload)).collect()
    }

    /// Acknowledges what is done, in the order it was received. An entry with several messages is acknowledged with
    /// the last of them. There is no receipt: what gets lost comes again.
    pub async fn acknowledge(&mut self, done: &[Position]) {
        self.raw.acknowledge(done).await;
    }

    /// Closes it and waits until the broker has let go of it, so that the subscription can be read in another way at
    /// once; not longer than a second. What was not acknowledged comes again.
    ///
    /// Dropping it closes it as well, some time later: until then another type of subscription is refused.
    pub async fn close(self) {
        self.raw.close().await;
    }

    /// Whether it is connected now.
    pub fn is_connected(&self) -> bool {
        matches!(self.raw.state, State::Connected(_))
    }
}

/// The consumer, whatever its messages are.
struct Raw {
    what: Arc<What>,
    state: State,
    /// Of entries with several messages: how many are not done yet. Only for Shared ones, which are acknowledged singly.
    unfinished: HashMap<(u64, u64), u32>,
    counted: Counted,
}

struct What {
    bus: Bus,
    entry: &'static Entry,
    subscription: &'static Subscription,
    dealt: Dealt,
}

impl What {
    fn dealing(&self) -> Dealing {
        self.dealt.instead.unwrap_or(self.subscription.dealing)
    }
}

enum State {
    Connected(Box<Inner>),
    Connecting(oneshot::Receiver<Inner>),
}

impl Raw {
    fn new(bus: Bus, entry: &'static Entry, reader: Service, dealt: Dealt) -> Result<Self, BusError> {
        let missing = BusError::NotInTheTable { reader, topic: entry.name };
        let subscription = entry.subscription_of(reader, dealt.subscription).ok_or(missing)?;
        let counted = Counted::new(Arc::clone(&bus.clients));
        let what = Arc::new(What { bus, entry, subscription, dealt });
        let state = connect(&what);
        Ok(Raw { what, state, unfinished: HashMap::new(), counted })
    }

    fn receive(&mut self, most: usize) -> BoxFuture<'_, Vec<(Position, Payload)>> {
        Box::pin(self.receive_some(most))
    }

    async fn receive_some(&mut self, most: usize) -> Vec<(Position, Payload)> {
        loop {
            let inner = match &mut self.state {
                State::Connected(inner) => inner,
                State::Connecting(arrival) => {
                    self.state = match arrival.await {
                        Ok(inner) => {
                            self.counted.set(true);
                            State::Connected(Box::new(inner))
                        }
                        Err(_) => connect(&self.what),
                    };
                    continue;
                }
            };
            match inner.next().await {
                Some(Ok(message)) => {
                    let mut batch = vec![with_position(message)];
                    while batch.len() < most
                        && let Some(Some(Ok(message))) = inner.next().now_or_never()
                    {
                        batch.push(with_position(message));
                    }
                    return batch;
                }
                Some(Err(error)) => warn!(topic = self.what.entry.name, %error, "a message could not be unpacked"),
                None => self.reconnect(),
            }
        }
    }

    fn acknowledge<'a>(&'a mut self, done: &'a [Position]) -> BoxFuture<'a, ()> {
        Box::pin(self.acknowledge_all(done))
    }

    async fn acknowledge_all(&mut self, done: &[Position]) {
        if self.is_dealt_singly() {
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
        Box::pin(async move {
            if tokio::time::timeout(CLOSED_WITHIN, close(self.state)).await.is_err() {
                debug!(topic = self.what.entry.name, "the broker did not say in time that the consumer is closed");
            }
        })
    }

    fn is_dealt_singly(&self) -> bool {
        matches!(self.what.dealing(), Dealing::Shared | Dealing::KeyShared)
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
        let topic = self.what.bus.topic_address(self.what.entry);
        let id = position.entry_id();
        let sent = if cumulative {
            inner.cumulative_ack_with_id(&topic, id).await
        } else {
            inner.ack_with_id(&topic, id).await
        };
        if let Err(error) = sent {
            debug!(topic = self.what.entry.name, %error, "an acknowledgement was not sent; the message comes again");
        }
    }

    fn reconnect(&mut self) {
        warn!(topic = self.what.entry.name, "the subscription was lost, connecting again");
        self.counted.set(false);
        self.unfinished.clear();
        self.state = connect(&self.what);
    }
}

/// Behind the acknowledgements that were sent. One that is just connecting is waited for: else it would come and go when
/// others read already.
async fn close(state: State) {
    let inner = match state {
        State::Connected(inner) => Some(*inner),
        State::Connecting(arrival) => arrival.await.ok(),
    };
    if let Some(mut inner) = inner
        && let Err(error) = inner.close().await
    {
        debug!(%error, "the consumer was closed without the broker");
    }
}

fn with_position(message: Message<Vec<u8>>) -> (Position, Payload) {
    let position = Position::new(message.message_id(), message.payload.metadata.num_messages_in_batch);
    (position, message.payload)
}

/// Connects in a task of its own: a `build()` that is cancelled leaves the client's later ones waiting for ever.
/// Tries until it succeeds or nobody waits for it any more.
fn connect(what: &Arc<What>) -> State {
    let (arrive, arrival) = oneshot::channel();
    let what = Arc::clone(what);
    tokio::spawn(async move {
        let mut pause = FIRST_PAUSE;
        while !arrive.is_closed() {
            match subscribe(&what).await {
                Ok(inner) => {
                    info!(topic = what.entry.name, subscription = what.subscription.name, "subscribed");
                    // Nobody waits any more: dropping it closes it.
                    drop(arrive.send(inner));
                    return;
                }
                Err(error) => {
                    debug!(topic = what.entry.name, %error, "cannot subscribe yet");
                    what.bus.clients.forget(Purpose::Consuming).await;
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    });
    State::Connecting(arrival)
}

async fn subscribe(what: &What) -> Result<Inner, pulsar::Error> {
    let client = if what.dealt.own_connection {
        what.bus.clients.own().await?
    } else {
        what.bus.clients.shared(Purpose::Consuming).await?
    };
    let stays = what.dealing() != Dealing::Everyone;
    let kind = match what.dealing() {
        Dealing::Failover => SubType::Failover,
        Dealing::Shared => SubType::Shared,
        Dealing::KeyShared => SubType::KeyShared,
        Dealing::Everyone => SubType::Exclusive,
    };
    let name = if stays {
        what.subscription.name.to_owned()
    } else {
        format!("{}-{:08x}", what.subscription.name, rand::random::<u32>())
    };
    // Whoever follows a compacted topic without a subscription that stays wants the newest of each key first.
    let from_the_start = stays || what.entry.compacted;
    let options = ConsumerOptions::default()
        .durable(stays)
        .read_compacted(what.entry.compacted && !stays)
        .with_initial_position(if from_the_start { InitialPosition::Earliest } else { InitialPosition::Latest });
    let permits = if what.dealt.own_connection { PERMITS_OF_ITS_OWN } else { PERMITS };
    let mut builder = client
        .consumer()
        .with_topic(what.bus.topic_address(what.entry))
        .with_subscription(name)
        .with_subscription_type(kind)
        .with_batch_size(permits)
        .with_options(options);
    if let Some(name) = &what.dealt.name {
        builder = builder.with_consumer_name(name);
    }
    builder.build().await
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

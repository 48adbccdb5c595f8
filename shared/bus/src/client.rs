//! The connections: one for producing, one for replays, and one for each consumer.
//!
//! Consumers share no connections. If a subscription is not confirmed in time, the client leaves it open on its
//! connection for as long as anything else uses that: the broker then has two consumers, and may
//! give all messages to the one that is not read. Also, the client reports a failed connection to only one of its users. So
//! after any failure a consumer is rebuilt with a new client, and the connections of the old one are closed.

use std::{
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    time::Duration,
};

use pulsar::{Authentication, ConnectionRetryOptions, OperationRetryOptions, Pulsar, TokioExecutor};
use tokio::sync::Mutex;

use crate::{address::Broker, flow::Flows};

/// After this long without an answer the outcome of a send or a request is unknown.
const ANSWER_WITHIN: Duration = Duration::from_secs(8);
/// How long one attempt to connect may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// How often a silent connection is pinged, so that a broker that hangs is noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Attempts of the client itself before our own retry loops take over, which also report that they wait.
const CONNECT_ATTEMPTS: u32 = 3;
/// How often the client repeats a request that the broker cannot serve yet.
const REQUEST_ATTEMPTS: u32 = 20;
/// Messages that may wait on a connection. The client reserves 7 kB for each.
const WAITING_TO_BE_SENT: usize = 100;
/// The same for a connection that only reads: acknowledgements do not use this queue.
const NOTHING_TO_SEND: usize = 1;

pub(crate) type Client = Pulsar<TokioExecutor>;

/// What a shared connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Producing,
    Replaying,
}

/// The clients of one bus, and how many of its consumers are connected.
pub(crate) struct Clients {
    broker: Broker,
    producing: Mutex<Option<Client>>,
    replaying: Mutex<Option<Client>>,
    pub(crate) consumers_wanted: AtomicUsize,
    pub(crate) consumers_connected: AtomicUsize,
    pub(crate) flows: Flows,
    /// Messages whose own time was not plausible.
    pub(crate) times_replaced: AtomicU64,
}

impl std::fmt::Debug for Clients {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clients").field("broker", &self.broker).finish_non_exhaustive()
    }
}

impl Clients {
    pub(crate) fn new(broker: Broker) -> Self {
        Clients {
            broker,
            producing: Mutex::new(None),
            replaying: Mutex::new(None),
            consumers_wanted: AtomicUsize::new(0),
            consumers_connected: AtomicUsize::new(0),
            flows: Flows::default(),
            times_replaced: AtomicU64::new(0),
        }
    }

    pub(crate) fn broker(&self) -> &Broker {
        &self.broker
    }

    pub(crate) fn all_connected(&self) -> bool {
        self.consumers_connected.load(Ordering::Relaxed) >= self.consumers_wanted.load(Ordering::Relaxed)
    }

    /// The shared client for this purpose; connects if there is none.
    ///
    /// Must not be cancelled (a client that is dropped while it connects leaves later ones waiting), so call it from a
    /// separate task.
    pub(crate) async fn shared(&self, purpose: Purpose) -> Result<Client, pulsar::Error> {
        let mut slot = self.slot(purpose).lock().await;
        if let Some(client) = slot.as_ref() {
            return Ok(client.clone());
        }
        let client = self.connect(REQUEST_ATTEMPTS, WAITING_TO_BE_SENT).await?;
        *slot = Some(client.clone());
        Ok(client)
    }

    /// Drops the shared client, so that the next caller reconnects.
    pub(crate) async fn forget(&self, purpose: Purpose) {
        *self.slot(purpose).lock().await = None;
    }

    /// A client for one caller. It repeats no requests, since the caller replaces it instead. May be cancelled at any time:
    /// its connections are closed with it.
    pub(crate) async fn own(&self) -> Result<Client, pulsar::Error> {
        self.connect(0, NOTHING_TO_SEND).await
    }

    async fn connect(&self, request_attempts: u32, waiting_to_be_sent: usize) -> Result<Client, pulsar::Error> {
        let mut builder = Pulsar::builder(self.broker.url.clone(), TokioExecutor)
            .with_outbound_channel_size(waiting_to_be_sent)
            .with_connection_retry_options(ConnectionRetryOptions {
                min_backoff: Duration::from_millis(20),
                max_backoff: Duration::from_millis(200),
                max_retries: CONNECT_ATTEMPTS,
                connection_timeout: CONNECT_WITHIN,
                keep_alive: KEEP_ALIVE,
                ..ConnectionRetryOptions::default()
            })
            .with_operation_retry_options(OperationRetryOptions {
                operation_timeout: ANSWER_WITHIN,
                retry_delay: Duration::from_millis(250),
                max_retries: Some(request_attempts),
            });
        if let Some(token) = &self.broker.token {
            let auth = Authentication { name: "token".to_owned(), data: token.clone().into_bytes() };
            builder = builder.with_auth(auth);
        }
        if let Some(authorities) = &self.broker.authorities {
            builder = builder.with_certificate_chain(authorities.clone());
        }
        builder.build().await
    }

    fn slot(&self, purpose: Purpose) -> &Mutex<Option<Client>> {
        match purpose {
            Purpose::Producing => &self.producing,
            Purpose::Replaying => &self.replaying,
        }
    }
}

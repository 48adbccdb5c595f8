//! The connections: one for producing, one for consuming, and more for those who need one of their own.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use pulsar::{Authentication, ConnectionRetryOptions, OperationRetryOptions, Pulsar, TokioExecutor};
use tokio::sync::Mutex;

use crate::address::Broker;

/// After this long without an answer the outcome of a send or a request is unknown.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// How long one attempt to connect may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// A silent connection is asked this often whether it is alive: a broker that hangs is noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Attempts of the client itself before our own loops take over; they know how to say that they wait.
const CONNECT_ATTEMPTS: u32 = 3;

pub(crate) type Client = Pulsar<TokioExecutor>;

/// What a shared connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Producing,
    Consuming,
}

/// The clients of one bus, and how many of its consumers are connected.
pub(crate) struct Clients {
    broker: Broker,
    producing: Mutex<Option<Client>>,
    consuming: Mutex<Option<Client>>,
    pub(crate) consumers_wanted: AtomicUsize,
    pub(crate) consumers_connected: AtomicUsize,
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
            consuming: Mutex::new(None),
            consumers_wanted: AtomicUsize::new(0),
            consumers_connected: AtomicUsize::new(0),
        }
    }

    pub(crate) fn broker(&self) -> &Broker {
        &self.broker
    }

    pub(crate) fn all_connected(&self) -> bool {
        self.consumers_connected.load(Ordering::Relaxed) >= self.consumers_wanted.load(Ordering::Relaxed)
    }

    /// The shared client for this purpose; made if there is none.
    ///
    /// Must not be cancelled (a client that is dropped while it connects leaves later ones waiting): call it from a
    /// task of its own.
    pub(crate) async fn shared(&self, purpose: Purpose) -> Result<Client, pulsar::Error> {
        let mut slot = self.slot(purpose).lock().await;
        if let Some(client) = slot.as_ref() {
            return Ok(client.clone());
        }
        let client = self.own().await?;
        *slot = Some(client.clone());
        Ok(client)
    }

    /// Forgets the shared client, so that the next one who needs it connects anew.
    pub(crate) async fn forget(&self, purpose: Purpose) {
        *self.slot(purpose).lock().await = None;
    }

    /// A client that nobody else uses. Must not be cancelled either.
    pub(crate) async fn own(&self) -> Result<Client, pulsar::Error> {
        let mut builder = Pulsar::builder(self.broker.url.clone(), TokioExecutor)
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
                max_retries: Some(20),
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
            Purpose::Consuming => &self.consuming,
        }
    }
}

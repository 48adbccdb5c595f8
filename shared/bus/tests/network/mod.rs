//! A network between clients and the broker that loses single commands of Pulsar's protocol.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use anyhow::{Context as _, Result};
use prost::Message as _;
use pulsar::message::proto::{BaseCommand, CommandError, ServerError, base_command::Type};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// What can be lost, each once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// The broker's answer to the next subscribe.
    SubscribeAnswer,
    /// The next permits of a consumer.
    Permits,
    /// The next subscribe: it is answered with an error.
    Subscribe,
}

/// The network, gone when it is dropped.
pub struct Network {
    address: SocketAddr,
    losses: Losses,
    connections: Arc<AtomicUsize>,
    carrying: JoinHandle<()>,
}

type Losses = Arc<Mutex<Vec<Loss>>>;

impl Network {
    /// A network in front of this broker.
    pub async fn before(broker_url: &str) -> Result<Self> {
        let broker = broker_url.strip_prefix("pulsar://").context("pulsar://")?.trim_end_matches('/').to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, losses) = (listener.local_addr()?, Losses::default());
        let connections = Arc::new(AtomicUsize::new(0));
        let (to_lose, accepted) = (Arc::clone(&losses), Arc::clone(&connections));
        let carrying = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                accepted.fetch_add(1, Ordering::Relaxed);
                let (broker, losses) = (broker.clone(), Arc::clone(&to_lose));
                tokio::spawn(async move { carry(client, &broker, address, losses).await });
            }
        });
        Ok(Network { address, losses, connections, carrying })
    }

    /// Where the broker is found behind it.
    pub fn url(&self) -> String {
        format!("pulsar://{}", self.address)
    }

    /// Loses this the next time it passes.
    pub fn lose(&self, loss: Loss) {
        self.losses.lock().unwrap_or_else(PoisonError::into_inner).push(loss);
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// What is still to be lost.
    pub fn to_lose(&self) -> usize {
        self.losses.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.carrying.abort();
    }
}

fn take(losses: &Losses, loss: Loss) -> bool {
    let mut losses = losses.lock().unwrap_or_else(PoisonError::into_inner);
    let found = losses.iter().position(|known| *known == loss);
    found.map(|at| losses.remove(at)).is_some()
}

/// One connection, until either side closes it.
async fn carry(client: TcpStream, broker: &str, address: SocketAddr, losses: Losses) -> Result<()> {
    let broker = TcpStream::connect(broker).await?;
    let (mut asks, mut hears) = client.into_split();
    let (mut says, mut listens) = broker.into_split();
    // The requests whose answer is lost or replaced by an error.
    let (lost, refused) = (AtomicU64::new(u64::MAX), AtomicU64::new(u64::MAX));
    let ask = pass(&mut asks, &mut listens, |command| {
        if let Some(subscribe) = &command.subscribe {
            for (loss, request) in [(Loss::SubscribeAnswer, &lost), (Loss::Subscribe, &refused)] {
                if take(&losses, loss) {
                    request.store(subscribe.request_id, Ordering::Relaxed);
                }
            }
        }
        command.r#type() != Type::Flow || !take(&losses, Loss::Permits)
    });
    let answer = pass(&mut says, &mut hears, |command| {
        // The broker announces its own address; it must be reached through this proxy.
        if let Some(lookup) = &mut command.lookup_topic_response {
            lookup.broker_service_url = Some(format!("pulsar://{address}"));
        }
        let Some(success) = &command.success else { return true };
        let request_id = success.request_id;
        if request_id == refused.load(Ordering::Relaxed) {
            let (error, message) = (ServerError::PersistenceError.into(), "the disk is full".to_owned());
            let error = Some(CommandError { request_id, error, message });
            *command = BaseCommand { r#type: Type::Error.into(), error, ..BaseCommand::default() };
        }
        request_id != lost.load(Ordering::Relaxed)
    });
    tokio::select! {
        ended = ask => ended,
        ended = answer => ended,
    }
}

/// Forwards the commands that `look` lets through.
async fn pass(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    look: impl Fn(&mut BaseCommand) -> bool,
) -> Result<()> {
    loop {
        let total = usize::try_from(from.read_u32().await?)?;
        let mut frame = vec![0; total];
        from.read_exact(&mut frame).await?;
        let (size, rest) = frame.split_first_chunk::<4>().context("a frame without a command")?;
        let (command, payload) = rest.split_at(usize::try_from(u32::from_be_bytes(*size))?);
        let mut command = BaseCommand::decode(command)?;
        if !look(&mut command) {
            continue;
        }
        let command = command.encode_to_vec();
        to.write_u32(u32::try_from(4 + command.len() + payload.len())?).await?;
        to.write_u32(u32::try_from(command.len())?).await?;
        to.write_all(&command).await?;
        to.write_all(payload).await?;
    }
}

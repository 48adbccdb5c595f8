//! A network between a browser and a site, which can hold back what the site says, as a crowded one does; or hold back
//! streams until they end, as some tunnels and proxies do.

use std::{net::SocketAddr, time::Duration};

use anyhow::Result;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy, split},
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
    task::JoinHandle,
    time::Instant,
};

use crate::Site;

/// Most pieces that are held back of one connection; then the site is not read from.
const HELD_MAX: usize = 1_000;
/// Largest piece, in bytes.
const PIECE_MAX: usize = 16 * 1024;

/// How the head of a stream tells it from another answer.
const STREAM: &[u8] = b"content-type: text/event-stream";
/// The end of an answer of unknown length.
const END: &[u8] = b"\r\n0\r\n\r\n";
/// Most that is held back of a stream, in bytes; then the connection is given up.
const STREAM_MAX: usize = 16 * 1024 * 1024;

/// How it treats what the site says.
#[derive(Debug, Clone, Copy, Default)]
struct Manner {
    /// It arrives so much later.
    delay: Duration,
    /// Streams arrive when they have ended.
    holds_streams: bool,
}

/// The network, gone when it is dropped.
pub struct Network {
    address: SocketAddr,
    manner: watch::Sender<Manner>,
    carrying: JoinHandle<()>,
}

impl Network {
    /// A network that holds back nothing yet, in front of this site.
    ///
    /// # Errors
    /// If there is no port for it.
    pub async fn before(site: &Site) -> Result<Self> {
        let site: SocketAddr = site.address().trim_start_matches("http://").parse()?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, manner) = (listener.local_addr()?, watch::Sender::new(Manner::default()));
        let manners = manner.subscribe();
        let carrying = tokio::spawn(async move {
            while let Ok((browser, _)) = listener.accept().await {
                tokio::spawn(carry(browser, site, manners.clone()));
            }
        });
        Ok(Network { address, manner, carrying })
    }

    /// Where the site is found behind it.
    pub fn address(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What the site says from now on arrives so much later.
    pub fn hold_back(&self, delay: Duration) {
        self.manner.send_modify(|manner| manner.delay = delay);
    }

    /// Streams that begin from now on arrive as a whole, when they have ended; or again as they come.
    pub fn hold_streams(&self, holds_streams: bool) {
        self.manner.send_modify(|manner| manner.holds_streams = holds_streams);
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.carrying.abort();
    }
}

/// One connection, until either side closes it.
async fn carry(browser: TcpStream, site: SocketAddr, manner: watch::Receiver<Manner>) {
    let Ok(site) = TcpStream::connect(site).await else { return };
    let (mut asks, mut hears) = split(browser);
    let (mut says, mut listens) = split(site);
    let (hold, mut held) = mpsc::channel::<(Instant, Vec<u8>)>(HELD_MAX);
    let hold_back = async move {
        let mut piece = vec![0; PIECE_MAX];
        let mut stream: Option<Vec<u8>> = None;
        while let Ok(length @ 1..) = says.read(&mut piece).await {
            let said = &piece[..length];
            let Manner { delay, holds_streams } = *manner.borrow();
            if holds_streams && stream.is_none() && said.windows(STREAM.len()).any(|window| window == STREAM) {
                stream = Some(Vec::new());
            }
            let all = match stream.take() {
                None => said.to_vec(),
                Some(mut held) => {
                    held.extend_from_slice(said);
                    if !held.ends_with(END) && held.len() < STREAM_MAX {
                        stream = Some(held);
                        continue;
                    }
                    held
                }
            };
            if hold.send((Instant::now() + delay, all)).await.is_err() {
                return;
            }
        }
    };
    let hand_on = async move {
        while let Some((due, piece)) = held.recv().await {
            tokio::time::sleep_until(due).await;
            if hears.write_all(&piece).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        _ = copy(&mut asks, &mut listens) => {}
        () = async { tokio::join!(hold_back, hand_on); } => {}
    }
}

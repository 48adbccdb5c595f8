//! A network between a browser and a site. It can delay what the site sends, like a crowded one, or hold back streams
//! until they end, as some tunnels and proxies do.

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

/// The most pieces held back per connection. With more, the site is not read from.
const HELD_MAX: usize = 1_000;
/// The largest piece, in bytes.
const PIECE_MAX: usize = 16 * 1024;

/// Identifies a stream by the head of the answer.
const STREAM: &[u8] = b"content-type: text/event-stream";
/// The end of an answer of unknown length.
const END: &[u8] = b"\r\n0\r\n\r\n";
/// The most bytes of a stream that are held back. With more, the connection is closed.
const STREAM_MAX: usize = 16 * 1024 * 1024;

/// How the network treats what the site sends.
#[derive(Debug, Clone, Copy, Default)]
struct Manner {
    /// The delay of each piece.
    delay: Duration,
    /// Streams arrive once they have ended.
    holds_streams: bool,
}

/// The network, gone when it is dropped.
pub struct Network {
    address: SocketAddr,
    manner: watch::Sender<Manner>,
    carrying: JoinHandle<()>,
}

impl Network {
    /// A network in front of this site that holds back nothing yet.
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

    /// The site's address behind this network.
    pub fn address(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Delays by so much what the site sends from now on.
    pub fn hold_back(&self, delay: Duration) {
        self.manner.send_modify(|manner| manner.delay = delay);
    }

    /// Streams that begin from now on arrive whole, when they have ended; or, with `false`, as they come.
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

//! A network between a browser and the website, which can hold back what the website says, as a crowded one does.

use std::{net::SocketAddr, time::Duration};

use anyhow::Result;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy, split},
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
    task::JoinHandle,
    time::Instant,
};

/// Most pieces that are held back of one connection; then the website is not read from.
const HELD_MAX: usize = 1_000;
/// Largest piece, in bytes.
const PIECE_MAX: usize = 16 * 1024;

/// The network, gone when it is dropped.
pub struct Network {
    address: SocketAddr,
    delay: watch::Sender<Duration>,
    carrying: JoinHandle<()>,
}

impl Network {
    /// A network that holds back nothing yet, in front of this website.
    ///
    /// # Errors
    /// If there is no port for it.
    pub async fn before(website: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, delay) = (listener.local_addr()?, watch::Sender::new(Duration::ZERO));
        let delays = delay.subscribe();
        let carrying = tokio::spawn(async move {
            while let Ok((browser, _)) = listener.accept().await {
                tokio::spawn(carry(browser, website, delays.clone()));
            }
        });
        Ok(Network { address, delay, carrying })
    }

    /// Where the website is found behind it.
    pub fn address(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What the website says from now on arrives so much later.
    pub fn hold_back(&self, delay: Duration) {
        self.delay.send_replace(delay);
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.carrying.abort();
    }
}

/// One connection, until either side closes it.
async fn carry(browser: TcpStream, website: SocketAddr, delay: watch::Receiver<Duration>) {
    let Ok(website) = TcpStream::connect(website).await else { return };
    let (mut asks, mut hears) = split(browser);
    let (mut says, mut listens) = split(website);
    let (hold, mut held) = mpsc::channel::<(Instant, Vec<u8>)>(HELD_MAX);
    let hold_back = async move {
        let mut piece = vec![0; PIECE_MAX];
        while let Ok(length @ 1..) = says.read(&mut piece).await {
            let due = Instant::now() + *delay.borrow();
            if hold.send((due, piece[..length].to_vec())).await.is_err() {
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

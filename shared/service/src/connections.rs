//! HTTP connections: how many there may be at once, how long one may be idle, and when one whose peer has vanished is
//! closed.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{Router, body::Body, extract::ConnectInfo, http::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Sleep, sleep},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt as _;
use tracing::{debug, warn};

/// How long the head of a request may take, and how long a connection may be idle before it.
const HEAD_WITHIN: Duration = Duration::from_secs(30);
/// Longest head that is read, in bytes.
const HEAD_MAX: usize = 16 * 1024;
/// Pause after a connection could not be accepted: with too many open files, the next attempt would fail as well.
const PAUSE: Duration = Duration::from_millis(100);
/// A connection is closed if its peer accepts no data for this long; streams send heartbeats, so there is always data.
pub const GONE_AFTER: Duration = Duration::from_secs(30);
/// Keep-alive of idle connections: the first probe, the interval, and the number of probes.
const ASKED_AFTER: Duration = Duration::from_secs(15);
const ASKED_EVERY: Duration = Duration::from_secs(5);
const ASKED_TIMES: u32 = 3;

/// How many connections there may be.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// At once. Further ones wait in the system's queue.
    pub connections: usize,
    /// From one address other than this machine's. Further ones are closed at once.
    pub of_an_address: usize,
}

#[derive(Debug, Clone, Copy)]
struct Timeouts {
    head_within: Duration,
    gone_after: Duration,
}

/// Serves connections until told to stop, and then finishes the requests under way.
pub async fn serve(limits: Limits, listener: TcpListener, routes: Router, stop: CancellationToken) {
    let timeouts = Timeouts { head_within: HEAD_WITHIN, gone_after: GONE_AFTER };
    serve_within(limits, timeouts, listener, routes, stop).await;
}

async fn serve_within(
    limits: Limits,
    timeouts: Timeouts,
    listener: TcpListener,
    routes: Router,
    stop: CancellationToken,
) {
    let slots = Slots { free: Arc::new(Semaphore::new(limits.connections)), taken: Arc::default(), limits };
    let under_way = TaskTracker::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(timeouts.head_within).max_buf_size(HEAD_MAX);
    loop {
        let accepted = tokio::select! {
            accepted = slots.accept(&listener) => accepted,
            () = stop.cancelled() => break,
        };
        let (stream, peer, slot) = match accepted {
            Ok(Some(accepted)) => accepted,
            Ok(None) => continue,
            Err(error) => {
                warn!(%error, "a connection could not be accepted");
                sleep(PAUSE).await;
                continue;
            }
        };
        let routes = routes.clone();
        let answer = service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            routes.clone().oneshot(request)
        });
        let line = Line { stream, gone_after: timeouts.gone_after, stuck: None, _slot: slot };
        let (connection, stop) = (http.serve_connection(TokioIo::new(line), answer).with_upgrades(), stop.clone());
        under_way.spawn(async move {
            let mut connection = pin!(connection);
            let ended = tokio::select! {
                ended = &mut connection => ended,
                () = stop.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                debug!(%error, %peer, "a connection was broken off");
            }
        });
    }
    drop(listener);
    under_way.close();
    under_way.wait().await;
}

/// The slots for connections.
struct Slots {
    free: Arc<Semaphore>,
    taken: Taken,
    limits: Limits,
}

/// How many connections each address has.
type Taken = Arc<Mutex<HashMap<IpAddr, usize>>>;

fn lock(taken: &Taken) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Slots {
    /// The next connection, once there is a slot for it; `None` if its address has too many.
    async fn accept(&self, listener: &TcpListener) -> io::Result<Option<(TcpStream, SocketAddr, Slot)>> {
        let free = Arc::clone(&self.free).acquire_owned().await.map_err(io::Error::other)?;
        let (stream, peer) = listener.accept().await?;
        let Some(slot) = self.take(free, peer.ip().to_canonical()) else { return Ok(None) };
        prepare(&stream);
        Ok(Some((stream, peer, slot)))
    }

    fn take(&self, free: OwnedSemaphorePermit, address: IpAddr) -> Option<Slot> {
        let mut taken = lock(&self.taken);
        let count = taken.entry(address).or_default();
        if *count >= self.limits.of_an_address && !address.is_loopback() {
            return None;
        }
        *count += 1;
        Some(Slot { taken: Arc::clone(&self.taken), address, _free: free })
    }
}

/// Sends small writes at once and detects peers that vanish. A failure here means that the peer has left, which
/// reading will show.
fn prepare(stream: &TcpStream) {
    drop(stream.set_nodelay(true));
    let socket = SockRef::from(stream);
    let asked = TcpKeepalive::new().with_time(ASKED_AFTER).with_interval(ASKED_EVERY).with_retries(ASKED_TIMES);
    drop(socket.set_tcp_keepalive(&asked));
    // Other systems have no such limit for unconfirmed data.
    #[cfg(target_os = "linux")]
    drop(socket.set_tcp_user_timeout(Some(GONE_AFTER)));
}

/// One connection's slot, until it is dropped.
struct Slot {
    taken: Taken,
    address: IpAddr,
    _free: OwnedSemaphorePermit,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        if let Some(count) = taken.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.address);
            }
        }
    }
}

/// A connection and its slot, also after an upgrade to a WebSocket; closed if nothing can be written for too long.
struct Line {
    stream: TcpStream,
    gone_after: Duration,
    /// The timeout, while nothing can be written.
    stuck: Option<Pin<Box<Sleep>>>,
    _slot: Slot,
}

impl Line {
    fn written(&mut self, context: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.stuck = None;
            return written;
        }
        let gone_after = self.gone_after;
        ready!(self.stuck.get_or_insert_with(|| Box::pin(sleep(gone_after))).as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer accepts no more data")))
    }
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buf)
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, buf);
        self.written(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bufs);
        self.written(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use axum::{extract::ConnectInfo, routing::get};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        task::JoinHandle,
        time::Instant,
    };

    use super::*;

    const LIMITS: Limits = Limits { connections: 10, of_an_address: 10 };
    const TIMEOUTS: Timeouts = Timeouts { head_within: HEAD_WITHIN, gone_after: GONE_AFTER };
    const ASKING: &[u8] = b"GET / HTTP/1.1\r\nhost: beer\r\nconnection: close\r\n\r\n";

    /// A house of one page, which says who asks.
    async fn house(limits: Limits, timeouts: Timeouts) -> (SocketAddr, CancellationToken, JoinHandle<()>) {
        let who = get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.to_string() });
        open(limits, timeouts, Router::new().route("/", who)).await
    }

    async fn open(
        limits: Limits,
        timeouts: Timeouts,
        routes: Router,
    ) -> (SocketAddr, CancellationToken, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        let serving = tokio::spawn(serve_within(limits, timeouts, listener, routes, stop.clone()));
        (address, stop, serving)
    }

    /// What comes back after these bytes, until the connection is closed.
    async fn said(stream: &mut TcpStream, bytes: &[u8]) -> String {
        stream.write_all(bytes).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn who_asks_is_known_and_a_stop_ends_what_is_idle() {
        let (address, stop, serving) = house(LIMITS, TIMEOUTS).await;
        let mut idle = TcpStream::connect(address).await.unwrap();
        let mut asking = TcpStream::connect(address).await.unwrap();
        let me = asking.local_addr().unwrap().to_string();
        let answer = said(&mut asking, ASKING).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with(&me), "{answer}");
        stop.cancel();
        serving.await.unwrap();
        assert_eq!(idle.read(&mut [0; 1]).await.unwrap(), 0, "closed");
    }

    #[tokio::test]
    async fn who_says_nothing_or_half_a_head_is_not_waited_for() {
        let (address, _stop, _serving) =
            house(LIMITS, Timeouts { head_within: Duration::from_millis(50), ..TIMEOUTS }).await;
        for said_so_far in ["", "GET / HTTP/1.1\r\nhost: b", "GET / HTTP/1.1\r\nhost: beer\r\n\r\n"] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let closed = tokio::time::timeout(HEAD_WITHIN / 2, said(&mut stream, said_so_far.as_bytes())).await;
            assert!(closed.is_ok(), "{said_so_far:?}");
        }
    }

    #[tokio::test]
    async fn who_comes_when_all_places_are_taken_waits_for_one() {
        let timeouts = Timeouts { head_within: Duration::from_millis(200), ..TIMEOUTS };
        let (address, _stop, _serving) = house(Limits { connections: 1, ..LIMITS }, timeouts).await;
        let idle = TcpStream::connect(address).await.unwrap();
        let began = Instant::now();
        let mut asking = TcpStream::connect(address).await.unwrap();
        let answer = said(&mut asking, ASKING).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        // The idle one has to be given up first.
        assert!(began.elapsed() >= timeouts.head_within / 2, "after {:?}", began.elapsed());
        drop(idle);
    }

    #[tokio::test]
    async fn a_head_that_does_not_end_is_refused() {
        let (address, _stop, _serving) = house(LIMITS, TIMEOUTS).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!("GET / HTTP/1.1\r\nhost: beer\r\nx: {}", "x".repeat(HEAD_MAX));
        let answer = said(&mut stream, head.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    }

    #[tokio::test]
    async fn who_takes_nothing_any_more_gives_the_place_back() {
        let timeouts = Timeouts { gone_after: Duration::from_millis(200), ..TIMEOUTS };
        // More than the system takes for a peer that reads nothing.
        let much = get(|| async { vec![b'x'; 64 * 1024 * 1024] });
        let routes = Router::new().route("/", much).route("/who", get(|| async { "beer" }));
        let (address, _stop, _serving) = open(Limits { connections: 1, ..LIMITS }, timeouts, routes).await;
        let mut silent = TcpStream::connect(address).await.unwrap();
        silent.write_all(ASKING).await.unwrap();
        let mut asking = TcpStream::connect(address).await.unwrap();
        let asked = said(&mut asking, b"GET /who HTTP/1.1\r\nhost: beer\r\nconnection: close\r\n\r\n");
        let answer = tokio::time::timeout(HEAD_WITHIN, asked).await.unwrap();
        assert!(answer.ends_with("beer"), "{answer}");
    }

    #[tokio::test]
    async fn a_peer_that_leaves_without_a_word_is_noticed_by_the_system() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let slots = Slots { free: Arc::new(Semaphore::new(1)), taken: Arc::default(), limits: LIMITS };
        let (stream, ..) = slots.accept(&listener).await.unwrap().unwrap();
        let socket = SockRef::from(&stream);
        assert!(socket.keepalive().unwrap() && socket.tcp_nodelay().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap() + ASKED_EVERY * ASKED_TIMES, GONE_AFTER);
        #[cfg(target_os = "linux")]
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(GONE_AFTER));
    }

    #[tokio::test]
    async fn one_address_does_not_take_every_place() {
        let limits = Limits { connections: 10, of_an_address: 3 };
        let slots = Slots { free: Arc::new(Semaphore::new(10)), taken: Arc::default(), limits };
        let slot = |address: [u8; 4]| {
            let free = Arc::clone(&slots.free).try_acquire_owned().unwrap();
            slots.take(free, address.into())
        };
        let mut greedy: Vec<_> = (0..5).filter_map(|_| slot([10, 0, 0, 7])).collect();
        assert_eq!(greedy.len(), 3);
        assert!(slot([10, 0, 0, 8]).is_some());
        let here: Vec<_> = (0..5).filter_map(|_| slot([127, 0, 0, 1])).collect();
        assert_eq!(here.len(), 5, "programs on this machine always get in");
        greedy.pop();
        assert!(slot([10, 0, 0, 7]).is_some());
        drop((greedy, here));
        assert!(lock(&slots.taken).is_empty());
        assert_eq!(slots.free.available_permits(), 10);
    }
}

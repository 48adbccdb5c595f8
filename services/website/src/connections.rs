//! Connections of browsers: how many there may be at once, and how long one may say nothing.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo, http::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;
use tracing::{debug, warn};

use crate::live::STREAMS_MAX;

/// Most connections at once: every stream that may be open, and half as many for all else. The next one waits at the
/// door, in the system's queue. Below the 4,096 files that `docker-compose.yml` lets the website open.
const CONNECTIONS_MAX: usize = STREAMS_MAX + STREAMS_MAX / 2;
/// How long the head of a request may take, and how long a connection may be idle before it.
const HEAD_WITHIN: Duration = Duration::from_secs(30);
/// Longest head that is read, in bytes.
const HEAD_MAX: usize = 16 * 1024;
/// Pause after a connection could not be taken: with too many files open, the next attempt would fail as well.
const PAUSE: Duration = Duration::from_millis(100);

#[derive(Debug, Clone, Copy)]
struct Limits {
    connections: usize,
    head_within: Duration,
}

/// Serves whoever connects until told to stop; then ends when what is under way is answered.
pub async fn serve(listener: TcpListener, routes: Router, stop: CancellationToken) {
    let limits = Limits { connections: CONNECTIONS_MAX, head_within: HEAD_WITHIN };
    serve_within(limits, listener, routes, stop).await;
}

async fn serve_within(limits: Limits, listener: TcpListener, routes: Router, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let under_way = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.head_within).max_buf_size(HEAD_MAX);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = stop.cancelled() => break,
        };
        let (stream, peer, place) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                warn!(%error, "a connection could not be taken");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let routes = routes.clone();
        let answer = service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            routes.clone().oneshot(request)
        });
        let connection = under_way.watch(http.serve_connection(TokioIo::new(stream), answer));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                debug!(%error, %peer, "a connection was broken off");
            }
            drop(place);
        });
    }
    drop(listener);
    under_way.shutdown().await;
}

/// The next connection, once there is a place for it.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    // What is sent is small and wanted now. A caller who is gone already is noticed when it is read from.
    drop(stream.set_nodelay(true));
    Ok((stream, peer, place))
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

    const LIMITS: Limits = Limits { connections: 10, head_within: HEAD_WITHIN };
    const ASKING: &[u8] = b"GET / HTTP/1.1\r\nhost: beer\r\nconnection: close\r\n\r\n";

    /// A house of one page, which says who asks.
    async fn house(limits: Limits) -> (SocketAddr, CancellationToken, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        let who = get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.to_string() });
        let serving = tokio::spawn(serve_within(limits, listener, Router::new().route("/", who), stop.clone()));
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
        let (address, stop, serving) = house(LIMITS).await;
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
        let (address, _stop, _serving) = house(Limits { head_within: Duration::from_millis(50), ..LIMITS }).await;
        for said_so_far in ["", "GET / HTTP/1.1\r\nhost: b", "GET / HTTP/1.1\r\nhost: beer\r\n\r\n"] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let closed = tokio::time::timeout(HEAD_WITHIN / 2, said(&mut stream, said_so_far.as_bytes())).await;
            assert!(closed.is_ok(), "{said_so_far:?}");
        }
    }

    #[tokio::test]
    async fn who_comes_when_all_places_are_taken_waits_for_one() {
        let limits = Limits { connections: 1, head_within: Duration::from_millis(200) };
        let (address, _stop, _serving) = house(limits).await;
        let idle = TcpStream::connect(address).await.unwrap();
        let began = Instant::now();
        let mut asking = TcpStream::connect(address).await.unwrap();
        let answer = said(&mut asking, ASKING).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        // The idle one has to be given up first.
        assert!(began.elapsed() >= limits.head_within / 2, "after {:?}", began.elapsed());
        drop(idle);
    }

    #[tokio::test]
    async fn a_head_that_does_not_end_is_refused() {
        let (address, _stop, _serving) = house(LIMITS).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!("GET / HTTP/1.1\r\nhost: beer\r\nx: {}", "x".repeat(HEAD_MAX));
        let answer = said(&mut stream, head.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
}

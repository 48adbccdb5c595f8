//! Server-sent events: the common part of all streams.

use std::{collections::HashMap, convert::Infallible, future::Future, time::Duration};

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{
        IntoResponse as _, Response,
        sse::{Event, Sse},
    },
};
use futures_util::{Stream, StreamExt as _, stream};
use serde_json::json;
use service::now;
use tokio::{
    sync::mpsc,
    time::{Instant, Interval, MissedTickBehavior, interval_at},
};
use tokio_util::sync::CancellationToken;

use crate::{
    http::admission::{Client, Streams},
    pure::layout::Fragment,
};

/// `Retry-After` for refused clients, in seconds.
const AGAIN_AFTER_S: &str = "5";
/// A page that receives nothing for twice as long shows that it is not live.
const HEARTBEAT_EVERY: Duration = Duration::from_millis(1500);
/// Events buffered for a slow reader. When the buffer is full the stream waits and then sends the newest state only.
const WAITING_MAX: usize = 1;

/// The sending end of a stream. Its methods return `None` when the reader is gone.
pub struct Sender(mpsc::Sender<Event>);

impl Sender {
    pub async fn event(&self, name: &str, data: &str) -> Option<()> {
        self.0.send(event(name, data)).await.ok()
    }

    /// Sends a heartbeat with the server's time, to which a page sets its clock.
    pub async fn heartbeat(&self) -> Option<()> {
        self.event("heartbeat", &json!({"now": now().micros()}).to_string()).await
    }
}

/// An event with the server's time as its id, so that a page can tell a late one from a new one.
pub fn event(name: &str, data: &str) -> Event {
    Event::default().event(name).data(data).id(now().micros().to_string())
}

/// Asks proxies not to buffer, transform or store a stream.
pub fn not_held_back(mut stream: Response) -> Response {
    let headers = stream.headers_mut();
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"));
    stream
}

/// A stream that a task feeds. It ends when `feed` returns or the reader is gone.
pub fn channel<F, Feeding>(feed: F) -> impl Stream<Item = Result<Event, Infallible>> + Send
where
    F: FnOnce(Sender) -> Feeding,
    Feeding: Future<Output = Option<()>> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(WAITING_MAX);
    tokio::spawn(feed(Sender(sender)));
    stream::unfold(receiver, |mut receiver| async move { receiver.recv().await.map(|event| (Ok(event), receiver)) })
}

/// A stream as a response to this client, until shutdown. If too many are open, `None`, and `begin` is not called.
pub fn serve<Events>(
    streams: &Streams,
    shutdown: &CancellationToken,
    client: &Client,
    begin: impl FnOnce() -> Events,
) -> Option<Response>
where
    Events: Stream<Item = Result<Event, Infallible>> + Send + 'static,
{
    let permit = streams.admit(client)?;
    let ended = shutdown.clone().cancelled_owned();
    let events = begin().take_until(ended).map(move |event| {
        let _held_as_long_as_the_stream = &permit;
        event
    });
    Some(not_held_back(Sse::new(Box::pin(events)).into_response()))
}

/// The first events of a stream, by name, as a response that ends. Pages behind a tunnel or proxy that buffers streams
/// poll it every two seconds.
pub fn once(events: impl IntoIterator<Item = (&'static str, String)>) -> Response {
    let events: Vec<_> = events.into_iter().map(|(name, data)| Ok::<Event, Infallible>(event(name, &data))).collect();
    not_held_back(Sse::new(stream::iter(events)).into_response())
}

/// 503: too many streams are open, or the first state cannot be read.
pub fn too_many() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, AGAIN_AFTER_S)]).into_response()
}

/// Ticks when a heartbeat is due. Reset it after any other event.
pub fn heartbeat() -> Interval {
    let mut heartbeat = interval_at(Instant::now() + HEARTBEAT_EVERY, HEARTBEAT_EVERY);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    heartbeat
}

/// Ticks when a page may be sent changes again.
pub fn pace(every: Duration) -> Interval {
    let mut pace = tokio::time::interval(every);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pace
}

/// The fragments a reader has, so that only changed ones are sent.
#[derive(Default)]
pub struct Sent(HashMap<String, String>);

impl Sent {
    /// The fragments that changed since they were last sent, as the data of an event; `None` if none did.
    pub fn news(&mut self, fragments: &[Fragment]) -> Option<String> {
        let mut news = serde_json::Map::new();
        for Fragment { id, html } in fragments {
            if self.0.get(id) != Some(html) {
                self.0.insert(id.clone(), html.clone());
                news.insert(id.clone(), html.clone().into());
            }
        }
        (!news.is_empty()).then(|| serde_json::Value::Object(news).to_string())
    }
}

//! Server-sent events: what every stream of the website has in common.

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
    http::{
        admission::{Client, Streams},
        lead::Lead,
    },
    pure::layout::Fragment,
};

/// After so many seconds whoever was turned away may try again.
const AGAIN_AFTER_S: &str = "5";
/// A page that hears nothing for longer knows that it is not live.
const HEARTBEAT_EVERY: Duration = Duration::from_millis(1500);
/// Events that wait for a slow reader; then the stream waits for it, and skips to what is so by then.
const WAITING_MAX: usize = 1;

/// The sending end of a stream. `None` is the end of it: nobody listens any more.
pub struct Wire(mpsc::Sender<Event>);

impl Wire {
    /// Sends an event.
    pub async fn event(&self, name: &str, data: &str) -> Option<()> {
        self.0.send(event(name, data)).await.ok()
    }

    /// Sends a heartbeat with the server's time, by which a page sets its clock.
    pub async fn heartbeat(&self) -> Option<()> {
        self.event("heartbeat", &json!({"now": now().micros()}).to_string()).await
    }
}

/// An event. Its id is the server's time: what arrives late on a crowded network can be told from what is new.
pub fn event(name: &str, data: &str) -> Event {
    Event::default().event(name).data(data).id(now().micros().to_string())
}

/// Asks proxies to hand a stream on as it comes: neither held back, nor changed, nor kept.
pub fn not_held_back(mut stream: Response) -> Response {
    let headers = stream.headers_mut();
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"));
    stream
}

/// A stream fed by a task of its own, which ends with `None` or when nobody listens any more.
pub fn channel<F, Feeding>(feed: F) -> impl Stream<Item = Result<Event, Infallible>> + Send
where
    F: FnOnce(Wire) -> Feeding,
    Feeding: Future<Output = Option<()>> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(WAITING_MAX);
    tokio::spawn(feed(Wire(sender)));
    stream::unfold(receiver, |mut receiver| async move { receiver.recv().await.map(|event| (Ok(event), receiver)) })
}

/// A stream as a response to this client; `None` if it or all together have too many: then it is not begun. It ends when
/// the website does.
pub fn serve<Events>(
    streams: &Streams,
    shutdown: &CancellationToken,
    client: &Client,
    begin: impl FnOnce() -> Events,
) -> Option<Response>
where
    Events: Stream<Item = Result<Event, Infallible>> + Send + 'static,
{
    let place = streams.admit(client)?;
    let ended = shutdown.clone().cancelled_owned();
    let events = begin().take_until(ended).map(move |event| {
        let _held_as_long_as_the_stream = &place;
        event
    });
    Some(not_held_back(Sse::new(Box::pin(events)).into_response()))
}

/// What a stream begins with, as an answer that ends: for pages behind a tunnel or a proxy that holds streams back. They
/// ask again every two seconds.
pub async fn once(fragments: String, lead: Option<Lead>) -> Response {
    let mut events = vec![event("fragments", &fragments)];
    if let Some(mut lead) = lead
        && let Some(position) = lead.next().await
    {
        events.push(event("follow", &position));
    }
    let events = stream::iter(events.into_iter().map(Ok::<Event, Infallible>));
    not_held_back(Sse::new(events).into_response())
}

/// As many streams are open as there may be, of this client or of all; or what they would say cannot be read.
pub fn too_many() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, AGAIN_AFTER_S)]).into_response()
}

/// Ticks when a heartbeat is due: reset by whatever else is sent.
pub fn heartbeat() -> Interval {
    let mut heartbeat = interval_at(Instant::now() + HEARTBEAT_EVERY, HEARTBEAT_EVERY);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    heartbeat
}

/// Ticks when a page may be sent what changed.
pub fn pace(every: Duration) -> Interval {
    let mut pace = tokio::time::interval(every);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pace
}

/// What a reader was sent, so that only what changed is sent again.
#[derive(Default)]
pub struct Sent(HashMap<String, String>);

impl Sent {
    /// The fragments that are not as they were sent, as the data of an event.
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

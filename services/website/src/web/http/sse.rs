//! Server-sent events: what every stream of the website has in common, and the streams of the pages.

use std::{
    collections::HashMap,
    convert::Infallible,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    http::{HeaderValue, header},
    response::{
        IntoResponse as _, Response,
        sse::{Event, Sse},
    },
};
use events::{
    beers::{self, Beer},
    ids::{BeerId, OrderId},
    topics::{self, TopicSpec},
};
use futures_util::{Stream, StreamExt as _, stream};
use serde_json::json;
use service::now;
use tokio::{
    sync::mpsc,
    time::{Instant, Interval, MissedTickBehavior, interval_at},
};

use crate::{order::view::{Alive, OrderView}, shop::control::shop::Site, stage::{control::broker_monitor::Looking, pure::console::ConsoleView, read_model::past::PastView}, web::{http::{admission::Client, lead::Lead}, pure::{layout::{self, Fragment, Frame, Theme}, texts::Language}}};

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
pub fn serve<Events>(site: &Arc<Site>, client: &Client, begin: impl FnOnce() -> Events) -> Option<Response>
where
    Events: Stream<Item = Result<Event, Infallible>> + Send + 'static,
{
    let place = site.live.streams.admit(client)?;
    let ended = site.context.shutdown.clone().cancelled_owned();
    let events = begin().take_until(ended).map(move |event| {
        let _held_as_long_as_the_stream = &place;
        event
    });
    Some(not_held_back(Sse::new(Box::pin(events)).into_response()))
}

/// Ticks when a heartbeat is due: reset by whatever else is sent.
pub fn heartbeat() -> Interval {
    let mut heartbeat = interval_at(Instant::now() + HEARTBEAT_EVERY, HEARTBEAT_EVERY);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    heartbeat
}

/// Ticks when a page may be sent what changed.
fn pace(every: Duration) -> Interval {
    let mut pace = tokio::time::interval(every);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pace
}

/// A page everybody sees the same of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Page {
    /// `/`
    Shop,
    /// `/stage`
    Map,
    /// `/stage/deliveries`
    Deliveries,
    /// `/stage/orders`
    Orders,
    /// `/stage/stock`, with the explanation of a beer or without
    Stock(Option<&'static Beer>),
    /// `/stage/analysis`
    Analysis,
    /// `/stage/past`
    Past,
    /// `/stage/rebuild`
    Rebuild,
    /// `/stage/questions`
    Questions,
    /// `/stage/fraud`
    Fraud,
    /// `/stage/ledger`
    Ledger,
    /// `/stage/pulsar`, with one topic looked at more closely or without
    Pulsar(Option<&'static TopicSpec>),
    /// `/stage/qr`
    Qr,
    /// `/console`
    Console,
}

impl Page {
    /// The page a stream was asked for.
    pub fn of_name(name: &str) -> Option<Page> {
        match name {
            "shop" => Some(Page::Shop),
            "map" => Some(Page::Map),
            "deliveries" => Some(Page::Deliveries),
            "orders" => Some(Page::Orders),
            "stock" => Some(Page::Stock(None)),
            "analysis" => Some(Page::Analysis),
            "past" => Some(Page::Past),
            "rebuild" => Some(Page::Rebuild),
            "questions" => Some(Page::Questions),
            "fraud" => Some(Page::Fraud),
            "ledger" => Some(Page::Ledger),
            "qr" => Some(Page::Qr),
            "console" => Some(Page::Console),
            "pulsar" => Some(Page::Pulsar(None)),
            _ => Page::of_one(name),
        }
    }

    /// The page about one beer, or one topic.
    fn of_one(name: &str) -> Option<Page> {
        if let Some(topic) = name.strip_prefix("pulsar-") {
            return topics::find(topic).map(|topic| Page::Pulsar(Some(topic)));
        }
        beers::find(&BeerId::new(name.strip_prefix("stock-")?)).map(|beer| Page::Stock(Some(beer)))
    }

    /// How often it is sent what changed: ten times a second on the stage, the map, which draws dots of its own in
    /// between, five times, twice on a phone; a list to pick from once.
    const fn pace(self) -> Duration {
        match self {
            Page::Shop => Duration::from_millis(500),
            Page::Map => Duration::from_millis(200),
            Page::Orders => Duration::from_secs(1),
            _ => Duration::from_millis(100),
        }
    }
}

/// A reader of pages, as far as it makes a difference to what is rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Reader {
    /// In which language.
    pub language: Language,
    /// Whether the presenter's buttons are there.
    pub presenter: bool,
}

/// What a rendering depends on: changes of what is known, and of the settings.
type Version = (u64, u64);

type Rendered = (Version, Arc<Vec<Fragment>>);

/// Pages as they were rendered last, so that a room full of readers costs one rendering.
#[derive(Default)]
pub struct Renderings(Mutex<HashMap<(Page, Reader), Rendered>>);

impl Renderings {
    fn of(&self, site: &Site, page: Page, reader: Reader, version: Version) -> Option<Arc<Vec<Fragment>>> {
        let mut renderings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of_version, fragments)) = renderings.get(&(page, reader))
            && *of_version == version
        {
            return Some(Arc::clone(fragments));
        }
        let fragments = match render(site, page, reader) {
            Ok(fragments) => Arc::new(fragments),
            Err(error) => {
                tracing::warn!(?page, %error, "a page cannot be rendered");
                return None;
            }
        };
        renderings.insert((page, reader), (version, Arc::clone(&fragments)));
        Some(fragments)
    }
}

fn frame<'a>(reader: Reader, alive: &'a Alive, path: &'a str) -> Frame<'a> {
    let Reader { language, presenter } = reader;
    Frame { language, theme: Theme::default(), alive, now: now(), presenter, follow: false, path }
}

fn render(site: &Site, page: Page, reader: Reader) -> askama::Result<Vec<Fragment>> {
    let alive = site.alive();
    let frame = frame(reader, &alive, "");
    match page {
        Page::Shop => pages::shop::fragments(&site.known(|known| known.shelves.beers()), frame),
        Page::Map => pages::map::fragments(&site.map(), frame),
        Page::Deliveries => pages::deliveries::fragments(&site.deliveries(), frame),
        Page::Orders => pages::newest::fragments(&site.newest(), frame),
        Page::Stock(beer) => pages::stock::fragments(&site.stock(beer), frame),
        Page::Analysis => pages::analysis::fragments(&site.analysis(), frame),
        Page::Past => pages::past::fragments(&now_as_past(site), frame),
        Page::Rebuild => pages::rebuild::fragments(&site.known(|known| known.rebuilt()), frame),
        Page::Questions => pages::questions::fragments(&site.asked(), frame),
        Page::Fraud => pages::fraud::fragments(&site.fraud(), frame),
        Page::Pulsar(topic) => pages::pulsar::fragments(&site.pulsar(topic), frame),
        Page::Ledger => pages::ledger::fragments(&site.known(|known| known.ledger()), frame),
        Page::Qr => pages::qr::fragments(&site.house.entrance.view(), frame),
        Page::Console => pages::console::fragments(&console(site), frame),
    }
}

/// What the time machine shows while it rests.
pub(crate) fn now_as_past(site: &Site) -> PastView {
    let began_at = site.context.stage.settings().began_at;
    site.known(|known| known.now(began_at))
}

/// What the console shows.
pub(crate) fn console(site: &Site) -> ConsoleView {
    let (courier, worker) = site.known(|known| (known.busiest_courier(), known.last_worker()));
    let director = &site.house.director;
    let settings = (*director.settings()).clone();
    ConsoleView { settings, courier, worker, offered_broker_stop: director.watches_broker }
}

/// What a reader was sent, so that only what changed is sent again.
#[derive(Default)]
struct Sent(HashMap<String, String>);

impl Sent {
    /// The fragments that are not as they were sent, as the data of an event.
    fn news(&mut self, fragments: &[Fragment]) -> Option<String> {
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

/// All fragments of a page as they are now, as the data of an event.
pub fn fragments_now(site: &Site, page: Page, reader: Reader) -> Option<String> {
    let seen = (*site.live.version().borrow(), site.context.stage.settings().version);
    Sent::default().news(&site.renderings.of(site, page, reader, seen)?)
}

/// The same of the page about one order.
pub fn fragments_of_order(site: &Site, view: &OrderView, reader: Reader, page: OrderPage) -> Option<String> {
    Sent::default().news(&(page.fragments)(view, frame(reader, &site.alive(), "")).ok()?)
}

/// The stream of a page: all its fragments, then those that change; and where the stage is, for a window that follows the
/// speaker or is the speaker's.
pub fn page(
    site: Arc<Site>,
    page: Page,
    reader: Reader,
    follows: bool,
) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    channel(move |wire| async move {
        // As long as somebody looks the broker is asked.
        let _looking = match page {
            Page::Pulsar(topic) => Some(Looking::at(&site, topic)),
            _ => None,
        };
        let mut version = site.live.version();
        let mut settings = site.context.stage.follow();
        let mut sent = Sent::default();
        let mut heartbeat = heartbeat();
        let mut pace = pace(page.pace());
        let mut lead = Lead::new(&site, follows);
        let mut stale = true;
        loop {
            tokio::select! {
                _ = pace.tick(), if stale => {
                    stale = false;
                    let seen = (*version.borrow_and_update(), settings.borrow_and_update().version);
                    let fragments = site.renderings.of(&site, page, reader, seen)?;
                    if let Some(news) = sent.news(&fragments) {
                        wire.event("fragments", &news).await?;
                        heartbeat.reset();
                    }
                }
                changed = version.changed(), if !stale => {
                    changed.ok()?;
                    stale = true;
                }
                changed = settings.changed(), if !stale => {
                    changed.ok()?;
                    stale = true;
                }
                page = lead.next() => wire.event("follow", &page?).await?,
                _ = heartbeat.tick() => wire.heartbeat().await?,
            }
        }
    })
}

/// After a change of an order it is looked again so much later: what stock-level shows and the analysis has counted
/// names no order in its messages.
const LOOK_AGAIN_AFTER: [Duration; 3] =
    [Duration::from_millis(150), Duration::from_millis(600), Duration::from_secs(2)];
/// Nothing more is expected.
const FAR_AWAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Where an order is shown.
#[derive(Clone, Copy)]
pub struct OrderPage {
    /// The page, as its fragments.
    pub fragments: fn(&OrderView, Frame<'_>) -> askama::Result<Vec<Fragment>>,
    /// How often it is sent what changed.
    pub pace: Duration,
}

/// The stream of a page about one order; `is_own` if it is shown to whoever ordered it.
pub fn order(
    site: Arc<Site>,
    order_id: OrderId,
    is_own: bool,
    reader: Reader,
    follows: bool,
    page: OrderPage,
) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    channel(move |wire| async move {
        let mut changed = site.live.follow(&order_id);
        let mut presence = site.live.presence();
        let mut settings = site.context.stage.follow();
        let mut names_hidden = settings.borrow_and_update().choices.hide_names;
        let mut sent = Sent::default();
        let mut heartbeat = heartbeat();
        let mut pace = pace(page.pace);
        let mut lead = Lead::new(&site, follows);
        let mut told = changed.borrow().on_its_way.clone();
        let mut looks = LOOK_AGAIN_AFTER.iter();
        let look = tokio::time::sleep(FAR_AWAY);
        tokio::pin!(look);
        let mut known = None;
        let mut stale = true;
        loop {
            tokio::select! {
                _ = pace.tick(), if stale => {
                    stale = false;
                    let on_its_way = changed.borrow_and_update().on_its_way.clone();
                    if on_its_way != told {
                        wire.event("notice", &json!({"courier": on_its_way}).to_string()).await?;
                        told = on_its_way;
                    }
                    let view = match known.take() {
                        Some(view) => view,
                        None => site.order_shown(&order_id, is_own).await.ok()??,
                    };
                    let fragments = (page.fragments)(&view, frame(reader, &site.alive(), "")).ok()?;
                    known = Some(view);
                    if let Some(news) = sent.news(&fragments) {
                        wire.event("fragments", &news).await?;
                        heartbeat.reset();
                    }
                    look.as_mut().reset(Instant::now() + looks.next().copied().unwrap_or(FAR_AWAY));
                }
                change = changed.changed(), if !stale => {
                    change.ok()?;
                    looks = LOOK_AGAIN_AFTER.iter();
                    known = None;
                    stale = true;
                }
                () = &mut look, if !stale => {
                    known = None;
                    stale = true;
                }
                changed = settings.changed() => {
                    changed.ok()?;
                    let hidden = settings.borrow_and_update().choices.hide_names;
                    // Whoever looks at their own sees their name in any case; no other setting is on this page.
                    if std::mem::replace(&mut names_hidden, hidden) != hidden && !is_own {
                        known = None;
                        stale = true;
                    }
                }
                // What is known of the order is as it was.
                somebody = presence.changed() => {
                    somebody.ok()?;
                    stale = true;
                }
                page = lead.next() => wire.event("follow", &page?).await?,
                _ = heartbeat.tick() => wire.heartbeat().await?,
            }
        }
    })
}

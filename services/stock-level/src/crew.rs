//! The crew: workers who read the log by one subscription and hand what they took in at the desk.

use bus::{Bus, BusError, Consumer, Dealt, Position, Received};
use events::{
    ids::Service,
    settings::Fold,
    stock::StockEvent,
    topics::{Dealing, STOCK_EVENTS},
};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

/// Most events a worker takes at once where they come in order; where they are dealt singly it has one in hand.
const AT_ONCE_IN_ORDER: usize = 256;
/// Most hand-ins that wait at the desk.
const AT_THE_DESK_MAX: usize = 64;

/// How the crew works. Changing it is: stop the crew, start another, fold afresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mode {
    /// How the subscription deals events out.
    pub dealing: Dealing,
    /// How many workers there are.
    pub workers: u32,
    /// How events become levels.
    pub fold: Fold,
}

impl Mode {
    /// Whether all events of a beer come to one worker, in order.
    pub fn in_order(&self) -> bool {
        !matches!(self.dealing, Dealing::Shared)
    }
}

/// What a worker hands in: events it took, and where to say that they are folded and published.
pub(crate) struct HandIn {
    pub(crate) worker: String,
    pub(crate) events: Vec<Received<StockEvent>>,
    pub(crate) done: oneshot::Sender<()>,
}

/// Workers at work.
pub struct Crew {
    workers: JoinSet<()>,
    stop: CancellationToken,
}

impl Crew {
    /// Starts the workers of this mode; what they hand in comes out of the receiver, which ends when all have stopped.
    pub(crate) fn start(bus: &Bus, mode: Mode) -> Result<(Self, mpsc::Receiver<HandIn>), BusError> {
        let (desk, hand_ins) = mpsc::channel(AT_THE_DESK_MAX);
        let stop = CancellationToken::new();
        let mut workers = JoinSet::new();
        for number in 1..=mode.workers {
            let name = format!("worker-{number}");
            // Singly dealt events cost a round trip each, and acknowledgements of several workers on one connection
            // wait for each other.
            let dealt = Dealt {
                name: Some(name.clone()),
                own_connection: true,
                instead: Some(mode.dealing),
                ..Dealt::default()
            };
            let consumer = bus.consumer(STOCK_EVENTS, Service::StockLevel, dealt)?;
            let at_once = if mode.dealing == Dealing::Failover { AT_ONCE_IN_ORDER } else { 1 };
            workers.spawn(work(name, consumer, at_once, desk.clone(), stop.clone()));
        }
        Ok((Crew { workers, stop }, hand_ins))
    }

    /// Lets the workers finish and acknowledge what they have in hand, then closes their consumers.
    pub async fn stop(mut self) {
        self.stop.cancel();
        while self.workers.join_next().await.is_some() {}
    }
}

/// One worker: take, hand in, acknowledge.
async fn work(
    name: String,
    mut consumer: Consumer<StockEvent>,
    at_once: usize,
    desk: mpsc::Sender<HandIn>,
    stop: CancellationToken,
) {
    loop {
        let events = tokio::select! {
            () = stop.cancelled() => return,
            events = consumer.receive(at_once) => events,
        };
        let taken: Vec<Position> = events.iter().map(|event| event.position).collect();
        let (done, folded) = oneshot::channel();
        let handed_in = desk.send(HandIn { worker: name.clone(), events, done }).await.is_ok();
        // Without an answer the desk has failed: what was taken is not acknowledged and comes again.
        if !handed_in || folded.await.is_err() {
            return;
        }
        consumer.acknowledge(&taken).await;
    }
}

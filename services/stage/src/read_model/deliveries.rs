//! Parcels as the stage shows them: lanes, the queue, retries, dead letters.

use events::{
    delivery::FailureReason,
    ids::{Moment, OrderId, Service},
    unreadable::ReasonCode,
};
use web::order::view::What;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeliveriesView {
    /// Exactly the couriers employed.
    pub couriers: Vec<Lane>,
    /// Whether delivery reported its couriers less than two seconds ago.
    pub live: bool,
    /// Parcels waiting for a courier.
    pub queue: u64,
    /// The first of them, at most 30.
    pub queued: Vec<OrderId>,
    /// Parcels that wait for another attempt, soonest first, at most 50.
    pub retries: Vec<Retry>,
    /// The number of all retries.
    pub retries_total: u64,
    /// Dead letters, newest first, at most 100.
    pub dead_letters: Vec<DeadLetterView>,
    /// The number of all dead letters.
    pub dead_letters_total: u64,
    /// What the services do not believe, at most 100 lines.
    pub untrue: Vec<Untrue>,
    /// Orders delivered in this episode.
    pub delivered: u64,
    pub delivered_in_10_s: u64,
    /// Customers and addresses are shortened, so an address is not offered for correction.
    pub names_hidden: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    pub courier: String,
    pub carrying: Option<Parcel>,
    /// Their deliveries in this episode.
    pub delivered: u64,
}

/// A parcel with a courier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parcel {
    pub order_id: OrderId,
    /// Empty if the stage does not know the order.
    pub address: String,
    /// The attempt within its round.
    pub attempt: u32,
    pub since: Moment,
    pub until: Moment,
    /// The courier who crashed with it in this very attempt.
    pub taken_over_from: Option<String>,
}

/// A parcel that waits for another attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    pub order_id: OrderId,
    pub address: String,
    /// The attempt that failed.
    pub attempt: u32,
    pub reason: FailureReason,
    /// When it is handed out again.
    pub retry_at: Moment,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    pub at: Moment,
    /// A failed attempt, the one that stranded it, or a redrive.
    pub what: What,
}

/// How many messages of one topic one reader does not believe for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Untrue {
    /// The name of a service, or of the stage.
    pub service: &'static str,
    pub topic: &'static str,
    pub code: ReasonCode,
    pub count: u64,
}

/// A dead letter: an order or a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeadLetterView {
    /// An order that nobody could deliver. It can be redriven or returned.
    Stranded {
        order_id: OrderId,
        customer: String,
        /// The address that was tried.
        address: String,
        reason: FailureReason,
        /// The number of attempts.
        attempts: u32,
        /// When it stranded.
        at: Moment,
        /// All attempts and redrives, oldest first.
        history: Vec<Tried>,
    },
    /// A message that nobody could read.
    Unreadable {
        /// The topic it was read from.
        topic: String,
        message_id: String,
        reader: Service,
        code: ReasonCode,
        reason: String,
        /// Its first bytes, as text.
        first_bytes: String,
        at: Moment,
    },
}

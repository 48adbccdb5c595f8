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
    /// Whether delivery itself said who is employed, less than two seconds ago.
    pub live: bool,
    /// Parcels waiting for a courier.
    pub queue: u64,
    /// The first of them, at most 30.
    pub queued: Vec<OrderId>,
    /// Parcels waiting to be tried again, soonest first, at most 50.
    pub retries: Vec<Retry>,
    /// How many there are in all.
    pub retries_total: u64,
    /// Dead letters, newest first, at most 100.
    pub dead_letters: Vec<DeadLetterView>,
    /// How many there are in all.
    pub dead_letters_total: u64,
    /// What the services do not believe, at most 100 lines.
    pub untrue: Vec<Untrue>,
    /// Orders delivered in this episode.
    pub delivered: u64,
    /// Deliveries in the last ten seconds.
    pub delivered_in_10_s: u64,
    /// Customers and addresses are shortened: an address is no proposal for its correction then.
    pub names_hidden: bool,
}

/// A courier and what they carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    pub courier: String,
    /// The parcel in their hands.
    pub carrying: Option<Parcel>,
    /// How many they delivered in this episode.
    pub delivered: u64,
}

/// A parcel on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parcel {
    pub order_id: OrderId,
    /// Where to; empty if the website does not know the order.
    pub address: String,
    /// Which attempt of its round.
    pub attempt: u32,
    pub since: Moment,
    pub until: Moment,
    /// Who crashed with it in their hands in this very attempt.
    pub taken_over_from: Option<String>,
}

/// A parcel that waits to be tried again.
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

/// Something that was tried with a parcel, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    pub at: Moment,
    /// An attempt that failed, the one that stranded it, or a redrive.
    pub what: What,
}

/// Messages of one topic that one reader does not believe, for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Untrue {
    /// Who: the name of a service, or of the stage.
    pub service: &'static str,
    pub topic: &'static str,
    pub code: ReasonCode,
    pub count: u64,
}

/// A dead letter of either kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeadLetterView {
    /// An order nobody could deliver: it can be redriven or returned.
    Stranded {
        order_id: OrderId,
        /// Who waits for it.
        customer: String,
        /// Where it should have gone.
        address: String,
        /// Why the last attempt failed.
        reason: FailureReason,
        /// How many there were.
        attempts: u32,
        /// When it was put aside.
        at: Moment,
        /// What was tried so far, oldest first.
        history: Vec<Tried>,
    },
    /// A message nobody could read.
    Unreadable {
        /// The topic it was read from.
        topic: String,
        /// Its message id there.
        message_id: String,
        /// Who could not read it.
        reader: Service,
        code: ReasonCode,
        reason: String,
        /// How it begins, as text.
        first_bytes: String,
        /// When it was met.
        at: Moment,
    },
}

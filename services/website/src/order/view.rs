//! What the pages show: plain data, gathered by the shop's books, rendered by `pages`. No database, no clock.

use events::{
    beers::Beer,
    decisions::Refusal,
    delivery::FailureReason,
    ids::{BeerId, EventId, Moment, OrderId, Service},
    insights::{Forecast, Fraud, Ledger, Sales},
    orders::{Fault, Line},
    quantities::{Bottles, Cents, Sequence},
};
use serde::{Deserialize, Serialize};

use crate::stage::read_model::outages::Outage;

mod console;
pub use console::ConsoleView;

mod deliveries;
pub use deliveries::{DeadLetterView, DeliveriesView, Lane, Parcel, Retry, Tried, Untrue};

mod map;
pub use map::{MapView, Standing};
mod entrance;
pub use entrance::{EntranceView, QrView, Reach};

mod newest;
pub use newest::{NewestOrder, NewestView};

mod past;
pub use past::{FraudView, PastView, QuestionsView, RebuildView};

mod pulsar;
pub use pulsar::PulsarView;

mod stock;
pub use stock::{Explained, Happened, StockView, Write};

/// Where an order is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Safe at the website, not decided yet: "being checked".
    Placed,
    /// Bottles put aside; in the couriers' queue.
    Accepted,
    /// Not accepted, see its reason.
    Refused,
    /// With a courier.
    PickedUp,
    /// With the customer.
    Delivered,
    /// An attempt failed; back in the queue, maybe after a delay.
    Retrying,
    /// Among the dead letters.
    Stranded,
    /// Given up; bottles back on the shelf.
    Returned,
    /// Its episode is over.
    Ended,
}

impl Status {
    /// All of them.
    pub const ALL: [Status; 9] = [
        Status::Placed,
        Status::Accepted,
        Status::Refused,
        Status::PickedUp,
        Status::Delivered,
        Status::Retrying,
        Status::Stranded,
        Status::Returned,
        Status::Ended,
    ];
}

/// One hop of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// When.
    pub at: Moment,
    /// The id of the event that says so.
    pub event_id: EventId,
    /// Who.
    pub service: Service,
    /// Through which topic.
    pub topic: &'static str,
    /// What happened.
    pub what: What,
}

/// What happened to an order at one hop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum What {
    /// Safe at the website.
    Placed,
    /// The warehouse said yes.
    Accepted {
        /// How many it put aside.
        bottles: Bottles,
    },
    /// The warehouse said no.
    Refused {
        /// Why.
        reason: Refusal,
    },
    /// Bottles of one beer were put aside.
    Reserved {
        /// Which beer.
        beer: BeerId,
        /// How many.
        bottles: Bottles,
        /// How many are left.
        level: Bottles,
    },
    /// Bottles came back on the shelf.
    Released {
        /// Which beer.
        beer: BeerId,
        /// How many.
        bottles: Bottles,
        /// How many there are now.
        level: Bottles,
    },
    /// stock-level shows the new level.
    Shown {
        /// Which beer.
        beer: BeerId,
        /// How many it shows.
        level: Bottles,
    },
    /// inventory-analysis has it in its books.
    Counted,
    /// A courier took it.
    PickedUp {
        /// Who.
        courier: String,
    },
    /// A courier could not deliver it.
    AttemptFailed {
        /// Who.
        courier: String,
        /// Why.
        reason: FailureReason,
        /// When the queue hands it out again.
        retry_at: Moment,
    },
    /// Nobody could deliver it.
    Stranded {
        /// Why the last attempt failed.
        reason: FailureReason,
        /// How many there were.
        attempts: u32,
    },
    /// The presenter had it tried again.
    Redriven {
        /// Where to now.
        address: String,
    },
    /// The presenter gave it up.
    Returned,
    /// The customer has it.
    Delivered {
        /// Who brought it.
        courier: String,
    },
}

/// One order with its way so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderView {
    /// Its id.
    pub order_id: OrderId,
    /// Where it is.
    pub status: Status,
    /// Who ordered.
    pub customer: String,
    /// Where to.
    pub address: String,
    /// What.
    pub lines: Vec<Line>,
    /// What it costs.
    pub total: Cents,
    /// Why it was refused or stranded.
    pub refusal: Option<Refusal>,
    /// Why the last attempt failed, while it is retrying or stranded.
    pub failure: Option<FailureReason>,
    /// Who has or had it last.
    pub courier: Option<String>,
    /// Its way, oldest first.
    pub journey: Vec<Step>,
}

/// One beer: the truth (the log), and what is shown (stock-level).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BeerOnShelf {
    /// Which.
    pub beer: &'static Beer,
    /// The log's level; `None` until its first event was read.
    pub level: Option<Bottles>,
    /// The log's last sequence.
    pub sequence: Sequence,
    /// What stock-level says; `None` until it said something.
    pub shown_level: Option<Bottles>,
    /// The highest sequence stock-level handled.
    pub shown_sequence: Sequence,
    /// Shown differs from the log, and no event is unhandled.
    pub wrong: bool,
    /// Of how many of the last events nobody can say yet that stock-level has handled them.
    pub behind: u64,
    /// Who wrote the shown level.
    pub worker: Option<String>,
}

/// What all stage pages need to know.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Alive {
    /// Whether Pulsar is connected.
    pub pulsar: bool,
    /// The services that said something in the last two seconds.
    pub services: Vec<Service>,
    /// Those among them that get nothing of what waits for them, and on which topic.
    pub standing_still: Vec<(Service, &'static str)>,
}

/// `/stage/analysis`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AnalysisView {
    /// What was sold.
    pub sales: Option<Sales>,
    /// What will be sold out.
    pub forecast: Option<Forecast>,
    /// What is suspicious.
    pub fraud: Option<Fraud>,
}

/// `/stage/ledger`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LedgerView {
    /// The sums.
    pub ledger: Option<Ledger>,
    /// Since when `balanced` is what it is.
    pub since: Option<Moment>,
    /// Who was gone and came back, newest first.
    pub outages: Vec<Outage>,
}

/// `/`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ShopView {
    /// All beers, in the order of the catalogue.
    pub beers: Vec<BeerOnShelf>,
    /// Sent along with the form: the same one twice is one order.
    pub order_token: String,
    /// Who to order for, already filled in.
    pub customer: String,
    /// Where to, already filled in.
    pub address: String,
    /// What was typed and is wrong, if this page answers a form.
    pub attempt: Option<Attempt>,
}

/// An order as it was typed, with what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attempt {
    /// Who.
    pub customer: String,
    /// Where to.
    pub address: String,
    /// What; in the order of the indices in `faults`.
    pub lines: Vec<TypedLine>,
    /// What is wrong.
    pub faults: Vec<Fault>,
}

/// One number field as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypedLine {
    /// Which beer.
    pub beer: BeerId,
    /// What stood in its field, a number or not.
    pub bottles: String,
}

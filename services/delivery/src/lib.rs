//! Delivery: couriers deliver parcels; a parcel that cannot be delivered is kept until a person decides.
//!
//! Each courier is a consumer of the Shared queue `delivery-orders` and holds one parcel at a time. The pure core in [`round`]
//! decides what an attempt leads to. One writer (`service::idempotent_consumer`) records it for all couriers: the state of the
//! parcel and the outbox, in one transaction. A parcel is acknowledged only when the outcome of its attempt is committed;
//! if a courier dies before that, another one gets the parcel.
//!
//! The number of couriers, their pace, and whether they are paused are stage settings, and may change at any time.
//! The roster, which is pure as well, decides who is hired, dismissed, or back after a crash; the crew carries it out.
//!
//! Deliberately absent: the client's dead-letter policy and negative acknowledgements, which support neither a growing
//! delay nor a reason; and a list of retries: they wait in the queue, which delivers them when they are due.
//!
//! In reading order:

pub mod round;

mod config;
pub use config::Config;

mod store;

mod updates;

mod handler;

mod courier;

mod roster;

mod crew;

mod consume;
pub use consume::{run, run_with};

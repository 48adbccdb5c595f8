//! Delivery: couriers bring parcels, and what nobody can deliver is kept until a person decides.
//!
//! Each courier is a consumer of the Shared queue `delivery-orders`, with one parcel in hand. The pure core in [`round`]
//! says what becomes of an attempt. One writer writes it for all couriers (`service::idempotent_consumer`): the book of
//! parcels and the outbox, in one transaction. A parcel is acknowledged only when the outcome of its attempt is committed;
//! a courier who dies before that leaves it to another.
//!
//! How many couriers there are, their pace and whether they work are the speaker's settings, and hold while they work.
//! The roster, pure as well, says who is hired, dismissed, and back after a crash; the crew does it.
//!
//! Deliberately absent: the client's dead-letter policy and negative acknowledgements, which know neither a growing
//! delay nor a reason; and any list of retries that wait: they wait in the queue, which hands them out when it is time.
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

//! Why something on the stage could not be done.

use bus::{AdminError, SetUpError, with_causes};
use events::ids::Service;
use service::environment::Unusable;
use store::StoreError;

use crate::control::shop::NotTaken;

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The broker does not confirm it.
    #[error("Pulsar does not answer")]
    Away,
    /// The broker was sent a change of the settings and does not confirm it. It does not hold.
    #[error("not confirmed: Pulsar does not answer")]
    Unconfirmed,
    /// Nobody answered in time.
    #[error("{service} did not answer within {seconds} s")]
    NoAnswer {
        service: Service,
        /// How long was waited.
        seconds: u64,
    },
    /// Others wait for answers already, as many as may.
    #[error("too many questions wait for their answers")]
    TooManyAsk,
    /// The answer was none to the question.
    #[error("{0} gave another answer")]
    OtherAnswer(Service),
    /// It does not say that it has heard of the settings.
    #[error("{0} is silent")]
    Silent(Service),
    /// A rebuild was asked for.
    #[error("inventory-analysis does not begin the rebuild")]
    NotBegun,
    /// The answer is no.
    #[error("{0}")]
    Refused(String),
    /// The stage is in no state for it.
    #[error("{0}")]
    Conflict(&'static str),
    /// Nothing was read about it.
    #[error("no such order")]
    NoSuchOrder,
    /// Somebody was faster, or it never was.
    #[error("this order does not lie among the dead letters")]
    NotStranded,
    /// The act has fewer steps.
    #[error("no such step in this act")]
    NoSuchStep,
    /// A setting in the environment cannot be used.
    #[error(transparent)]
    Environment(#[from] Unusable),
    /// A request cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another program holds the lock of the database.
    #[error("the request cannot be written in time")]
    Locked,
    /// The shop does not take an order.
    #[error(transparent)]
    Shop(#[from] NotTaken),
    /// The broker cannot be set up, or refuses an admin call.
    #[error("{0}")]
    Broker(String),
}

impl From<AdminError> for ControlError {
    fn from(error: AdminError) -> Self {
        ControlError::Broker(with_causes(&error).to_string())
    }
}

impl From<SetUpError> for ControlError {
    fn from(error: SetUpError) -> Self {
        ControlError::Broker(with_causes(&error).to_string())
    }
}

//! Why something on the stage failed.

use bus::{AdminError, SetUpError, with_causes};
use events::ids::Service;
use service::environment::Unusable;
use store::StoreError;

use crate::control::shop::NotTaken;

#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The broker does not confirm.
    #[error("Pulsar does not answer")]
    Away,
    /// A change of the settings was sent but not confirmed. It is not in force.
    #[error("not confirmed: Pulsar does not answer")]
    Unconfirmed,
    #[error("{service} did not answer within {seconds} s")]
    NoAnswer { service: Service, seconds: u64 },
    #[error("too many questions wait for an answer")]
    TooManyAsk,
    /// The answer does not fit the question.
    #[error("{0} gave an unexpected answer")]
    OtherAnswer(Service),
    /// It does not confirm the settings.
    #[error("{0} is silent")]
    Silent(Service),
    #[error("inventory-analysis does not start the rebuild")]
    NotBegun,
    /// The service refused, with its reason.
    #[error("{0}")]
    Refused(String),
    /// The state of the stage does not allow it.
    #[error("{0}")]
    Conflict(&'static str),
    /// Nothing was read about this order.
    #[error("no such order")]
    NoSuchOrder,
    /// It was redriven or returned already, or never stranded.
    #[error("this order is not among the dead letters")]
    NotStranded,
    #[error("no such step in this act")]
    NoSuchStep,
    #[error(transparent)]
    Environment(#[from] Unusable),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another program holds the lock of the database.
    #[error("the request cannot be written in time")]
    Locked,
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

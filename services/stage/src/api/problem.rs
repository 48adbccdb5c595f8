//! What the API answers when a use case fails.

use web::http::problem::Problem;

use crate::control::control_error::ControlError;

impl From<ControlError> for Problem {
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::NoSuchStep | ControlError::NoSuchOrder => Problem::not_found(error.to_string()),
            ControlError::Refused(_) | ControlError::Conflict(_) | ControlError::NotStranded => {
                Problem::conflict(error.to_string())
            }
            ControlError::Store(error) => error.into(),
            ControlError::Away
            | ControlError::Unconfirmed
            | ControlError::NoAnswer { .. }
            | ControlError::OtherAnswer(_)
            | ControlError::Silent(_)
            | ControlError::NotBegun
            | ControlError::TooManyAsk
            | ControlError::Broker(_)
            | ControlError::Environment(_)
            | ControlError::Locked
            | ControlError::Shop(_) => Problem::unavailable(error.to_string()),
        }
    }
}

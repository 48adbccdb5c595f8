//! Who may do what the presenter does, and why something could not be done.

use axum::http::HeaderMap;
use web::http::problem::Problem;

use crate::stage::control::{control_error::ControlError, stage::Stage};

/// The token as a bearer, or the cookie of a browser that has signed in.
pub(super) fn authorize(stage: &Stage, headers: &HeaderMap) -> Result<(), Problem> {
    if stage.is_presenter(headers) { Ok(()) } else { Err(Problem::unauthorized()) }
}

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
            | ControlError::Shop(_) => Problem::unavailable(error.to_string()),
        }
    }
}

//! What the presenter does with an order nobody could deliver.

use events::{
    delivery::DeliveryRequest,
    orders::{ADDRESS_MAX, Fault, text_problem},
};
use web::order::view::Status;

use crate::stage::control::{control_error::ControlError, stage::Stage};

/// What is wrong with a corrected address, if anything.
///
/// # Errors
/// The fault.
pub fn check_address(address: &str) -> Result<(), Fault> {
    match text_problem(address, ADDRESS_MAX) {
        Some(problem) => Err(Fault { field: "address".to_owned(), problem }),
        None => Ok(()),
    }
}

/// Asks delivery to try a stranded order again, or to bring its bottles back.
///
/// # Errors
/// If the order is not stranded, or the request cannot be stored in time. Then nothing is asked.
pub async fn ask_delivery(stage: &Stage, request: DeliveryRequest) -> Result<(), ControlError> {
    let order_id = request.order_id();
    let status = stage.known(|known| known.orders.get(order_id).map(|order| order.progress.status));
    match status.ok_or(ControlError::NoSuchOrder)? {
        Status::Stranded => stage.request(request).await,
        _ => Err(ControlError::NotStranded),
    }
}

//! What the presenter does with an order that nobody could deliver.

use events::{
    delivery::DeliveryRequest,
    orders::{ADDRESS_MAX, Fault, text_problem},
};
use tokio::time::timeout_at;
use web::order::view::Status;

use crate::control::{control_error::ControlError, stage::Stage};

/// Checks a corrected address.
pub fn check_address(address: &str) -> Result<(), Fault> {
    match text_problem(address, ADDRESS_MAX) {
        Some(problem) => Err(Fault { field: "address".to_owned(), problem }),
        None => Ok(()),
    }
}

/// Asks delivery to redrive a stranded order, or to return its bottles.
///
/// # Errors
/// If the order is not stranded, or the request cannot be stored in time. Then nothing is asked.
pub async fn ask_delivery(stage: &Stage, request: DeliveryRequest) -> Result<(), ControlError> {
    let mut changes = stage.live.follow(request.order_id());
    loop {
        let status = stage.known(|known| Some(known.orders.get(request.order_id())?.progress.status));
        if status == Some(Status::Stranded) {
            return stage.request(request).await;
        }
        // After a crash, the messages since the last checkpoint may not be read again yet.
        if !matches!(timeout_at(stage.up_to_date_by, changes.changed()).await, Ok(Ok(()))) {
            return Err(status.map_or(ControlError::NoSuchOrder, |_| ControlError::NotStranded));
        }
    }
}

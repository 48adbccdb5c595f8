//! The presenter's forms on the page of dead letters.

use std::sync::Arc;

use axum::{
    Form,
    extract::{Path, State},
    response::{IntoResponse as _, Redirect, Response},
};
use events::{delivery::DeliveryRequest, ids::OrderId};
use serde::Deserialize;
use web::{http::visitor::Visitor, pure::problem_page::Problem};

use crate::control::{
    control_error::ControlError,
    dead_letters::{ask_delivery, check_address},
    stage::Stage,
};

#[derive(Deserialize)]
pub(super) struct Corrected {
    #[serde(default)]
    address: String,
}

pub(super) async fn redrive(
    State(stage): State<Arc<Stage>>,
    Path(order_id): Path<String>,
    visitor: Visitor,
    Form(corrected): Form<Corrected>,
) -> Response {
    let address = corrected.address.trim();
    if !address.is_empty() && check_address(address).is_err() {
        return visitor.problem(&stage.alive(), Problem::Unusable);
    }
    let address = (!address.is_empty()).then(|| address.to_owned());
    ask(&stage, &visitor, &order_id, |order_id| DeliveryRequest::Redrive { order_id, address }).await
}

pub(super) async fn give_up(
    State(stage): State<Arc<Stage>>,
    Path(order_id): Path<String>,
    visitor: Visitor,
) -> Response {
    ask(&stage, &visitor, &order_id, |order_id| DeliveryRequest::ReturnToStock { order_id }).await
}

/// Asks delivery, if the presenter sent this.
async fn ask(
    stage: &Stage,
    visitor: &Visitor,
    order_id: &str,
    request: impl FnOnce(OrderId) -> DeliveryRequest,
) -> Response {
    if !visitor.presenter {
        return Redirect::to("/sign-in?next=/deliveries").into_response();
    }
    let Ok(order_id) = order_id.parse::<OrderId>() else { return visitor.problem(&stage.alive(), Problem::NotFound) };
    match ask_delivery(stage, request(order_id)).await {
        // Somebody was faster; the page shows the result.
        Ok(()) | Err(ControlError::NotStranded | ControlError::NoSuchOrder) => {
            Redirect::to("/deliveries").into_response()
        }
        Err(_) => visitor.problem(&stage.alive(), Problem::Unavailable),
    }
}

//! The page about one order, if there is such an order.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use events::ids::OrderId;
use web::{http::visitor::Visitor, pure::problem_page::Problem};

use crate::{control::shop::Shop, pages::order, pure::order_rate::Orderer};

/// The page of a customer's order. The browser that placed it sees names in any case.
pub async fn own(
    State(shop): State<Arc<Shop>>,
    Path(order_id): Path<String>,
    visitor: Visitor,
    orderer: Orderer,
) -> Response {
    let Ok(order_id) = order_id.parse::<OrderId>() else { return visitor.problem(&shop.alive(), Problem::NotFound) };
    match shop.order_shown(&order_id, shop.customers.is_own(&orderer, &order_id)).await {
        Ok(Some(view)) => visitor.show(&shop.alive(), StatusCode::OK, |frame| order::render(&view, frame)),
        Ok(None) => visitor.problem(&shop.alive(), Problem::NotFound),
        Err(error) => {
            tracing::warn!(%error, "an order cannot be read");
            visitor.problem(&shop.alive(), Problem::Unavailable)
        }
    }
}

//! A page about one order, if there is such an order.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use events::ids::OrderId;
use web::{
    http::visitor::Visitor,
    order::view::OrderView,
    pure::{layout::Frame, problem_page::Problem},
};

use crate::shop::{control::shop::Shop, pages::order, pure::order_rate::Orderer};

/// The page of a customer's order.
pub async fn own(
    State(shop): State<Arc<Shop>>,
    Path(order_id): Path<String>,
    visitor: Visitor,
    orderer: Orderer,
) -> Response {
    let is_own = |order_id: &OrderId| shop.customers.is_own(&orderer, order_id);
    show(&shop, &visitor, &order_id, is_own, order::render).await
}

/// A page about one order; whoever looks at their own sees their name in any case.
pub async fn show(
    shop: &Shop,
    visitor: &Visitor,
    order_id: &str,
    is_own: impl FnOnce(&OrderId) -> bool,
    render: fn(&OrderView, Frame<'_>) -> askama::Result<String>,
) -> Response {
    let Ok(order_id) = order_id.parse::<OrderId>() else { return visitor.problem(&shop.alive(), Problem::NotFound) };
    match shop.order_shown(&order_id, is_own(&order_id)).await {
        Ok(Some(view)) => visitor.show(&shop.alive(), StatusCode::OK, |frame| render(&view, frame)),
        Ok(None) => visitor.problem(&shop.alive(), Problem::NotFound),
        Err(error) => {
            tracing::warn!(%error, "an order cannot be read");
            visitor.problem(&shop.alive(), Problem::Unavailable)
        }
    }
}

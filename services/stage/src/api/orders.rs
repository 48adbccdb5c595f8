//! One order with all its hops.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use web::{http::problem::Problem, order::json::OrderShown};

use crate::control::stage::Stage;

/// An order with all its hops so far. While `hide_names` is set, customer and addresses are shortened. The 10,000
/// newest orders are known in detail.
#[utoipa::path(
    get, path = "/orders/{order_id}", tag = "orders", params(("order_id" = String, Path)),
    responses((status = 200, body = OrderShown), (status = 404, body = Problem))
)]
pub(super) async fn order(
    State(stage): State<Arc<Stage>>,
    Path(order_id): Path<String>,
) -> Result<Json<OrderShown>, Problem> {
    let order = order_id.parse().ok().and_then(|order_id| stage.order(&order_id));
    order.map(|order| Json(OrderShown::from(order))).ok_or_else(|| Problem::not_found("no such order"))
}

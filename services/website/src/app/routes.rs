//! Everything the website serves in one episode.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Path, State},
    middleware,
    response::Response,
    routing::{any, get},
};
use utoipa_axum::{router::OpenApiRouter, routes};
use web::{
    http::{
        body::{BODY_MAX, read_in_time},
        problem::Problem,
        server::{asset, compression},
        visitor::Visitor,
    },
    order::json::OrderShown,
    pure::problem_page,
};

use crate::{
    app::{guard, openapi},
    shop::{api as shop_api, control::shop::Shop, pages as shop_pages},
    stage::{api as stage_api, control::stage::Stage, pages as stage_pages},
};

/// All routes of shop and stage.
pub fn routes(shop: Arc<Shop>, stage: Arc<Stage>) -> Router {
    let pages = shop_pages::routes()
        .with_state(Arc::clone(&shop))
        .merge(stage_pages::routes().with_state(Arc::clone(&stage)))
        .route("/assets/{*name}", get(asset))
        .fallback_service(any(nothing_here).with_state(Arc::clone(&shop)))
        .layer(middleware::from_fn(read_in_time));
    let (api, description) = shop_api::routes()
        .with_state(Arc::clone(&shop))
        .merge(stage_api::routes().with_state(Arc::clone(&stage)))
        .merge(OpenApiRouter::new().routes(routes!(order)).with_state((shop, Arc::clone(&stage))))
        .split_for_parts();
    let api = api
        .route("/openapi.json", get(openapi::document).with_state(openapi::describe(description)))
        .fallback(|| async { Problem::not_found("there is nothing at this address") })
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() });
    pages
        .merge(Router::new().nest("/api", api))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(middleware::from_fn_with_state(stage, guard::let_in))
        .layer(compression())
}

/// An order and its way so far. While `hide_names` is set, customer and addresses are shortened.
//
// The stage knows every hop. The shop answers before the stage has read of the order, and when its episode is over.
#[utoipa::path(
    get, path = "/orders/{order_id}", tag = "orders", params(("order_id" = String, Path)),
    responses((status = 200, body = OrderShown), (status = 404, body = Problem))
)]
async fn order(
    State((shop, stage)): State<(Arc<Shop>, Arc<Stage>)>,
    Path(order_id): Path<String>,
) -> Result<Json<OrderShown>, Problem> {
    match order_id.parse().ok().and_then(|order_id| stage.order(&order_id)) {
        Some(order) => Ok(Json(OrderShown::from(order))),
        None => shop_api::order(State(shop), Path(order_id)).await,
    }
}

async fn nothing_here(State(shop): State<Arc<Shop>>, visitor: Visitor) -> Response {
    visitor.problem(&shop.alive(), problem_page::Problem::NotFound)
}

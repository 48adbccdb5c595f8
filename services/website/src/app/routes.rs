//! Everything the website serves in one episode.

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, State},
    middleware,
    response::Response,
    routing::{any, get},
};
use web::{
    http::{
        body::{BODY_MAX, read_in_time},
        problem::Problem,
        server::{asset, compression},
        visitor::Visitor,
    },
    pure::problem_page,
};

use crate::{
    app::{guard, openapi},
    shop::{api as shop_api, control::shop::Shop, pages as shop_pages},
    stage::{api as stage_api, control::stage::Stage, pages as stage_pages},
};

/// All routes of shop and stage.
pub fn routes(stage: Arc<Stage>) -> Router {
    let shop = Arc::clone(&stage.shop);
    let pages = shop_pages::routes()
        .with_state(Arc::clone(&shop))
        .merge(stage_pages::routes().with_state(Arc::clone(&stage)))
        .route("/assets/{*name}", get(asset))
        .fallback_service(any(nothing_here).with_state(Arc::clone(&shop)))
        .layer(middleware::from_fn(read_in_time));
    let (api, description) =
        shop_api::routes().with_state(shop).merge(stage_api::routes().with_state(Arc::clone(&stage))).split_for_parts();
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

async fn nothing_here(State(shop): State<Arc<Shop>>, visitor: Visitor) -> Response {
    visitor.problem(&shop.alive(), problem_page::Problem::NotFound)
}

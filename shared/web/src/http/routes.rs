//! The routes of every site: its pages, the files they load, its API and its description, collected from the routes.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, State},
    middleware,
    routing::get,
};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    http::{
        body::{BODY_MAX, read_in_time},
        guard::nothing_here,
        problem::Problem,
        server::asset,
        site::Site,
    },
    pure::assets::Asset,
};

#[utoipa::path(get, path = "/api/openapi.json", responses((status = 200, description = "OpenAPI")))]
pub async fn document(State(description): State<Arc<OpenApi>>) -> Json<OpenApi> {
    Json((*description).clone())
}

/// All routes of a site: its pages, the files they load, and its API below `/api`. `about` is its description so far.
pub fn site<S: Site>(
    site: &Arc<S>,
    (pages, assets): (Router<Arc<S>>, &'static [Asset]),
    (api, about): (OpenApiRouter<Arc<S>>, OpenApi),
) -> Router {
    let pages = pages
        .route("/assets/{*name}", get(asset).with_state(assets))
        .fallback(nothing_here::<S>)
        .layer(middleware::from_fn(read_in_time))
        .with_state(Arc::clone(site));
    let (api, description) = api.with_state(Arc::clone(site)).split_for_parts();
    let description = Arc::new(about.nest("/api", description));
    let api = api
        .route("/openapi.json", get(document).with_state(description))
        .fallback(|| async { Problem::not_found("there is nothing at this address") })
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() });
    pages.merge(Router::new().nest("/api", api)).layer(DefaultBodyLimit::max(BODY_MAX))
}

//! Orders and beers as JSON, over the use cases that the pages call. May not import the pages.

mod beers;
mod live;
mod orders;
mod socket;

use std::sync::Arc;

use axum::middleware;
use utoipa_axum::{router::OpenApiRouter, routes};
use web::http::trace;

use crate::control::shop::Shop;

/// Everything of the shop below `/api`, and its description.
pub fn routes() -> OpenApiRouter<Arc<Shop>> {
    OpenApiRouter::new()
        .routes(routes!(beers::beers))
        .routes(routes!(orders::place))
        .routes(routes!(orders::order))
        .routes(routes!(socket::open))
        .routes(routes!(live::live))
        .layer(middleware::from_fn(trace::request))
}

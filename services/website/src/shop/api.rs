//! Orders and beers as JSON, over the use cases that the pages call. May not import the pages.

mod beers;
mod orders;
mod socket;

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};
use utoipa::OpenApi;

use crate::shop::control::shop::Shop;

/// Everything of the shop below `/api`.
pub fn routes() -> Router<Arc<Shop>> {
    Router::new()
        .route("/beers", get(beers::beers))
        .route("/orders", post(orders::place))
        .route("/orders/socket", get(socket::open))
        .route("/orders/{order_id}", get(orders::show))
}

/// Its part of the description of the API, made from the handlers themselves.
#[derive(OpenApi)]
#[openapi(paths(beers::beers, orders::place, orders::show, socket::open))]
pub struct Api;

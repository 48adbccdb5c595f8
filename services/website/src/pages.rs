//! The pages a customer sees. May not import the API.

pub mod assets;
pub mod checkout;
mod live;
pub mod order;
pub mod order_stream;
pub mod shop;
pub mod show_order;
pub mod slowly;
mod way;

use std::sync::Arc;

use axum::{
    Router, middleware,
    routing::{get, post},
};
use web::http::trace;

use crate::control::shop::Shop;

/// Every page of the shop, and its streams.
pub fn routes() -> Router<Arc<Shop>> {
    Router::new()
        .route("/", get(checkout::show))
        .route("/orders", post(checkout::order).layer(middleware::from_fn(trace::request)))
        .route("/orders/{order_id}", get(show_order::own))
        .route("/live/shop", get(live::beers))
        .route("/live/orders/{order_id}", get(live::order))
}

#[cfg(test)]
mod tests;

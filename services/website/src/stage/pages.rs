//! The pages of the stage and the console. May not import the API.

pub mod alerts;
pub mod analysis;
pub mod axis;
pub mod bursts;
pub mod chart;
pub mod console;
pub mod controls;
pub mod dead_letters;
pub mod deliveries;
pub mod explained;
pub mod follow;
pub mod fraud;
pub mod handlers;
pub mod lanes;
pub mod ledger;
pub mod live;
pub mod map;
pub mod newest;
pub mod past;
pub mod pulsar;
pub mod qr;
pub mod questions;
pub mod rebuild;
pub mod recovery;
pub mod sign_in;
pub mod stock;
pub mod streams;
pub mod switches;
pub mod travel;
pub mod view;
pub mod wording;

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};

use crate::stage::control::stage::Stage;

/// Every page of the stage, and its streams.
pub fn routes() -> Router<Arc<Stage>> {
    Router::new()
        .route("/stage", get(handlers::beginning))
        .route("/stage/past", get(travel::page))
        .route("/stage/past/fragments", get(travel::fragments))
        .route("/stage/qr", get(handlers::qr))
        .route("/stage/{page}", get(handlers::stage))
        .route("/stage/orders/newest", get(handlers::newest))
        .route("/stage/orders/{order_id}", get(handlers::followed))
        .route("/stage/dead-letters/{order_id}/redrive", post(dead_letters::redrive))
        .route("/stage/dead-letters/{order_id}/return", post(dead_letters::give_up))
        .route("/console", get(handlers::console))
        .route("/sign-in", get(sign_in::page).post(sign_in::sign_in))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/live/{page}", get(live::page))
        .route("/live/followed/{order_id}", get(live::followed))
}

#[cfg(test)]
mod tests;

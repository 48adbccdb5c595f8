//! The pages of the stage and the console. May not import the API.

pub mod alerts;
pub mod analysis;
pub mod assets;
pub mod axis;
pub mod bursts;
pub mod chart;
pub mod console;
pub mod controls;
pub mod dead_letters;
pub mod deliveries;
pub mod explained;
pub mod figures;
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
pub mod welcome;
pub mod wording;

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};

use crate::control::stage::Stage;

pub fn routes() -> Router<Arc<Stage>> {
    Router::new()
        .route("/", get(handlers::beginning))
        .route("/welcome", get(handlers::welcome))
        .route("/past", get(travel::page))
        .route("/past/fragments", get(travel::fragments))
        .route("/qr", get(handlers::qr))
        .route("/{page}", get(handlers::stage))
        .route("/orders/newest", get(handlers::newest))
        .route("/orders/{order_id}", get(handlers::followed))
        .route("/dead-letters/{order_id}/redrive", post(dead_letters::redrive))
        .route("/dead-letters/{order_id}/return", post(dead_letters::give_up))
        .route("/console", get(handlers::console))
        .route("/sign-in", get(sign_in::page).post(sign_in::sign_in))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/live/{page}", get(live::page))
        .route("/live/followed/{order_id}", get(live::followed))
}

#[cfg(test)]
mod tests;

//! The stage as JSON, over the use cases that the pages call. May not import the pages.

mod acts;
mod console;
mod entrance;
mod live;
mod past;
mod problem;
mod rehearse;
mod stage;
mod stock;

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};
use utoipa::OpenApi;

use crate::stage::control::stage::Stage;

/// Everything of the stage below `/api`.
pub fn routes() -> Router<Arc<Stage>> {
    Router::new()
        .route("/stock", get(stock::stock))
        .route("/ledger", get(stage::ledger))
        .route("/insights", get(stage::insights))
        .route("/deliveries", get(stage::deliveries))
        .route("/dead-letters/{order_id}/redrive", post(stage::redrive))
        .route("/dead-letters/{order_id}/return", post(stage::return_to_stock))
        .route("/stock/bursts", get(stock::bursts))
        .route("/stock/explain/{beer}", get(stock::explain))
        .route("/settings", get(console::settings).patch(console::change_settings))
        .route("/stage/burst", post(console::burst))
        .route("/stage/reset", post(console::reset))
        .route("/stage/crash", post(console::crash))
        .route("/stage/next", post(acts::next))
        .route("/stage/back", post(acts::back))
        .route("/stage/again", post(acts::again))
        .route("/stage/acts/{act}", post(acts::begin))
        .route("/stage/steps/{step}", post(acts::play))
        .route("/stage/rehearse/{act}", post(rehearse::rehearse))
        .route("/stage/address", post(entrance::choose))
        .route("/history", get(past::history))
        .route("/questions", get(past::questions))
        .route("/questions/{question}", post(past::ask))
        .route("/analysis/rebuild", get(past::rebuild).post(past::begin_rebuild))
        .route("/fraud", get(past::fraud))
        .route("/live", get(live::feed))
}

/// Its part of the description of the API, made from the handlers themselves.
#[derive(OpenApi)]
#[openapi(paths(
    acts::again,
    acts::back,
    acts::begin,
    acts::next,
    acts::play,
    console::burst,
    console::change_settings,
    console::crash,
    console::reset,
    console::settings,
    entrance::choose,
    live::feed,
    past::ask,
    past::begin_rebuild,
    past::fraud,
    past::history,
    past::questions,
    past::rebuild,
    rehearse::rehearse,
    stage::deliveries,
    stage::insights,
    stage::ledger,
    stage::redrive,
    stage::return_to_stock,
    stock::bursts,
    stock::explain,
    stock::stock,
))]
pub struct Api;

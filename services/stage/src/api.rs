//! The stage as JSON, over the same use cases as the pages. May not import the pages.

mod acts;
mod console;
mod entrance;
mod live;
mod orders;
mod past;
mod problem;
mod rehearse;
mod stage;
mod stock;

use std::sync::Arc;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::control::stage::Stage;

/// Everything of the stage below `/api`, and its description.
pub fn routes() -> OpenApiRouter<Arc<Stage>> {
    OpenApiRouter::new()
        .routes(routes!(stock::stock))
        .routes(routes!(stock::bursts))
        .routes(routes!(stock::explain))
        .routes(routes!(orders::order))
        .routes(routes!(stage::ledger))
        .routes(routes!(stage::insights))
        .routes(routes!(stage::deliveries))
        .routes(routes!(stage::redrive))
        .routes(routes!(stage::return_to_stock))
        .routes(routes!(console::settings, console::change_settings))
        .routes(routes!(console::burst))
        .routes(routes!(console::reset))
        .routes(routes!(console::crash))
        .routes(routes!(acts::next))
        .routes(routes!(acts::back))
        .routes(routes!(acts::again))
        .routes(routes!(acts::begin))
        .routes(routes!(acts::play))
        .routes(routes!(rehearse::rehearse))
        .routes(routes!(entrance::choose))
        .routes(routes!(past::history))
        .routes(routes!(past::questions))
        .routes(routes!(past::ask))
        .routes(routes!(past::rebuild, past::begin_rebuild))
        .routes(routes!(past::fraud))
        .routes(routes!(live::live))
}

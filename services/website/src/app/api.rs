//! The JSON API, for programs and for whoever is curious. Described at `/api/openapi.json`.

mod problem;

mod orders;
pub use orders::read_order;

mod socket;

mod shelf;

mod stage;

mod console;

mod past;
pub(crate) use past::as_of;

mod acts;

mod rehearse;

mod entrance;

mod live;

mod openapi;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    routing::{get, post},
};

use crate::shop::control::shop::Site;
pub(crate) use problem::Problem;

pub(crate) use stage::check_address;

/// Largest body that is read, in bytes.
pub const BODY_MAX: usize = 16 * 1024;
/// A body that takes longer to arrive is given up.
pub const BODY_WITHIN: Duration = Duration::from_secs(10);

/// Everything below `/api`.
pub fn routes() -> Router<Arc<Site>> {
    let api = Router::new()
        .route("/beers", get(shelf::beers))
        .route("/stock", get(shelf::stock))
        .route("/orders", post(orders::place))
        .route("/orders/socket", get(socket::open))
        .route("/orders/{order_id}", get(orders::show))
        .route("/ledger", get(stage::ledger))
        .route("/insights", get(stage::insights))
        .route("/deliveries", get(stage::deliveries))
        .route("/dead-letters/{order_id}/redrive", post(stage::redrive))
        .route("/dead-letters/{order_id}/return", post(stage::return_to_stock))
        .route("/stock/bursts", get(shelf::bursts))
        .route("/stock/explain/{beer}", get(shelf::explain))
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
        .route("/openapi.json", get(openapi::document))
        .fallback(|| async { Problem::not_found("there is nothing at this address") })
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() });
    Router::new().nest("/api", api)
}

//! Everything the website serves in one episode.

use std::sync::Arc;

use axum::{Router, middleware};
use utoipa::OpenApi;
use web::{
    http::{guard::refuse_foreign, routes::site, server::compression},
    pure::address::Address,
};

use crate::{
    api,
    app::stage,
    control::shop::Shop,
    pages::{self, assets::ASSETS},
};

#[derive(OpenApi)]
#[openapi(
    info(title = "My Belgian beers online", description = "Order beers, and follow them."),
    paths(web::http::routes::document)
)]
struct Api;

/// All routes of the shop.
pub(super) fn routes(shop: &Arc<Shop>, stage: &Address) -> Router {
    let pages = pages::routes().merge(stage::moved(stage));
    site(shop, (pages, ASSETS), (api::routes(), Api::openapi()))
        .layer(middleware::from_fn_with_state(Arc::clone(shop), refuse_foreign::<Shop>))
        .layer(compression())
}

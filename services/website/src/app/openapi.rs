//! The description of the API, made from the handlers themselves; a test compares it with what they answer.

use axum::Json;
use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};

use crate::{shop::api::{orders, socket}, stage::api::{acts, console, entrance, live, past, rehearse, stage, stock}};

#[derive(OpenApi)]
#[openapi(
    info(title = "My Belgian beers online", description = "Order beers, follow them, and see whether the sums hold."),
    paths(
        shelf::beers, shelf::stock, orders::place, orders::show, socket::open, stage::ledger, stage::insights, stage::deliveries,
        stage::redrive, stage::return_to_stock, shelf::explain, shelf::bursts, console::settings, console::change_settings,
        console::burst, console::reset, console::crash, acts::begin, acts::play, acts::next, acts::back, acts::again, rehearse::rehearse, past::history, past::questions, past::ask, past::rebuild,
        past::begin_rebuild, past::fraud, entrance::choose, live::feed, document,
    ),
    modifiers(&Token)
)]
struct Api;

struct Token;

impl Modify for Token {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("The presenter's token."));
        let components = openapi.components.get_or_insert_with(Default::default);
        components.add_security_scheme("presenter", SecurityScheme::Http(scheme.build()));
    }
}

/// This document.
#[utoipa::path(get, path = "/api/openapi.json", responses((status = 200, description = "OpenAPI")))]
pub(super) async fn document() -> Json<utoipa::openapi::OpenApi> {
    Json(Api::openapi())
}

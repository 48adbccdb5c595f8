//! The description of the API, put together from its two halves; a test compares it with what they answer.

use axum::Json;
use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};

use crate::{shop::api::Api as ShopApi, stage::api::Api as StageApi};

#[derive(OpenApi)]
#[openapi(
    info(title = "My Belgian beers online", description = "Order beers, follow them, and see whether the sums hold."),
    paths(document),
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
pub async fn document() -> Json<utoipa::openapi::OpenApi> {
    let mut all = Api::openapi();
    all.merge(ShopApi::openapi());
    all.merge(StageApi::openapi());
    Json(all)
}

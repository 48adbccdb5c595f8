//! The description of the API, collected from its routes; a test compares it with what they answer.

use std::sync::Arc;

use axum::{Json, extract::State};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        self,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

#[derive(OpenApi)]
#[openapi(
    info(title = "My Belgian beers online", description = "Order beers, follow them, and see whether the sums hold."),
    paths(document),
    modifiers(&Token)
)]
struct Api;

struct Token;

impl Modify for Token {
    fn modify(&self, openapi: &mut openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("The presenter's token."));
        let components = openapi.components.get_or_insert_with(Default::default);
        components.add_security_scheme("presenter", SecurityScheme::Http(scheme.build()));
    }
}

/// This document.
#[utoipa::path(get, path = "/api/openapi.json", responses((status = 200, description = "OpenAPI")))]
pub async fn document(State(description): State<Arc<openapi::OpenApi>>) -> Json<openapi::OpenApi> {
    Json((*description).clone())
}

/// The whole description, from that of what is below `/api`.
pub fn describe(below_api: openapi::OpenApi) -> Arc<openapi::OpenApi> {
    Arc::new(Api::openapi().nest("/api", below_api))
}

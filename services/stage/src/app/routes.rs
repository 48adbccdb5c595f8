//! Everything the stage serves in one episode.

use std::sync::Arc;

use axum::{Router, middleware};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        self,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use web::http::{routes::site, server::compression};

use crate::{
    api,
    app::guard,
    control::stage::Stage,
    pages::{self, assets::ASSETS},
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "My Belgian beers online: the stage",
        description = "See what happens and whether the sums hold, and direct the demo."
    ),
    paths(web::http::routes::document),
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

pub(super) fn routes(stage: &Arc<Stage>) -> Router {
    site(stage, (pages::routes(), ASSETS), (api::routes(), Api::openapi()))
        .layer(middleware::from_fn_with_state(Arc::clone(stage), guard::let_in))
        .layer(compression())
}

//! The stage's pages were once served here. A browser on this machine that still has an old address is redirected; everybody
//! else gets 404.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::{ConnectInfo, Request, State},
    http::HeaderMap,
    response::{IntoResponse as _, Redirect},
    routing::get,
};
use web::{
    http::{guard::nothing_here, visitor::Visitor},
    pure::{address::Address, arrival},
};

use crate::control::shop::Shop;

/// The prefix of the stage's pages.
const PAGES: &str = "/stage";
/// The one page of the stage without that prefix.
const CONSOLE: &str = "/console";

/// The old addresses, redirected to the stage at this one.
pub(super) fn moved(stage: &Address) -> Router<Arc<Shop>> {
    let stage = stage.clone();
    let to_stage = get(
        move |State(shop): State<Arc<Shop>>,
              ConnectInfo(peer): ConnectInfo<SocketAddr>,
              headers: HeaderMap,
              visitor: Visitor,
              request: Request| async move {
            if arrival::is_of_this_machine(&headers, peer) {
                Redirect::temporary(&address(
                    stage.url(),
                    request.uri().path_and_query().map_or("/", |path| path.as_str()),
                ))
                .into_response()
            } else {
                nothing_here(State(shop), visitor).await
            }
        },
    )
    .fallback(nothing_here::<Shop>);
    Router::new().route(PAGES, to_stage.clone()).route("/stage/{*page}", to_stage.clone()).route(CONSOLE, to_stage)
}

/// The new address of a page of the stage.
fn address(stage_url: &str, old: &str) -> String {
    let page = old.strip_prefix(PAGES).unwrap_or(old);
    let slash = if page.starts_with('/') { "" } else { "/" };
    format!("{stage_url}{slash}{page}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_address_leads_to_the_same_page() {
        let now = |old| address("http://127.0.0.1:8001", old);
        assert_eq!(now("/stage"), "http://127.0.0.1:8001/");
        assert_eq!(now("/stage?lang=fr&follow"), "http://127.0.0.1:8001/?lang=fr&follow");
        assert_eq!(now("/stage/stock?beer=orval"), "http://127.0.0.1:8001/stock?beer=orval");
        assert_eq!(now("/console"), "http://127.0.0.1:8001/console");
    }
}

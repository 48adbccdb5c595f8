//! What the presenter does with dead letters, from their page.

use std::sync::Arc;

use axum::{
    Form,
    extract::{Path, State},
    http::{HeaderMap, Uri},
    response::{IntoResponse as _, Redirect, Response},
};
use events::{delivery::DeliveryRequest, ids::OrderId};
use serde::Deserialize;

use crate::{app::api, shop::control::shop::Site, web::{http::visitor::Visitor, pure::problem_page::Problem}};

#[derive(Deserialize)]
pub(super) struct Corrected {
    #[serde(default)]
    address: String,
}

pub(super) async fn redrive(
    State(site): State<Arc<Site>>,
    Path(order_id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    Form(corrected): Form<Corrected>,
) -> Response {
    let address = corrected.address.trim();
    let visitor = Visitor::of(&site, &uri, &headers);
    if !address.is_empty() && api::check_address(address).is_err() {
        return visitor.problem(&site, Problem::Unusable);
    }
    let address = (!address.is_empty()).then(|| address.to_owned());
    visitor.ask(&site, &order_id, |order_id| DeliveryRequest::Redrive { order_id, address }).await
}

pub(super) async fn give_up(
    State(site): State<Arc<Site>>,
    Path(order_id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let visitor = Visitor::of(&site, &uri, &headers);
    visitor.ask(&site, &order_id, |order_id| DeliveryRequest::ReturnToStock { order_id }).await
}

impl Visitor {
    /// Asks delivery for something, if the presenter does.
    async fn ask(&self, site: &Site, order_id: &str, request: impl FnOnce(OrderId) -> DeliveryRequest) -> Response {
        if !self.presenter {
            return Redirect::to("/sign-in?next=/stage/deliveries").into_response();
        }
        let Ok(order_id) = order_id.parse::<OrderId>() else { return self.problem(site, Problem::NotFound) };
        if !site.known(|known| known.parcels.is_stranded(&order_id)) {
            // Somebody was faster; the page shows what became of it.
            return Redirect::to("/stage/deliveries").into_response();
        }
        match site.request(request(order_id)).await {
            Ok(()) => Redirect::to("/stage/deliveries").into_response(),
            Err(_) => self.problem(site, Problem::Unavailable),
        }
    }
}

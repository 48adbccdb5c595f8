//! The beers, for a customer.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{control::shop::Shop, pure::form::Offer};

/// A beer of the shop.
#[derive(Serialize, ToSchema)]
pub(super) struct Beer {
    #[schema(example = "orval")]
    beer: &'static str,
    name: &'static str,
    brewery: &'static str,
    style: &'static str,
    abv: f64,
    price_cents: u64,
    /// The level that stock-level shows; null before its first message.
    level: Option<u32>,
}

impl From<Offer> for Beer {
    fn from(offer: Offer) -> Self {
        Beer {
            beer: offer.beer.id,
            name: offer.beer.name,
            brewery: offer.beer.brewery,
            style: offer.beer.style,
            abv: offer.beer.abv(),
            price_cents: offer.beer.price.0,
            level: offer.level.map(|level| level.0),
        }
    }
}

/// The beers, as the shop shows them.
#[utoipa::path(get, path = "/beers", tag = "shelf", responses((status = 200, body = [Beer])))]
pub(super) async fn beers(State(shop): State<Arc<Shop>>) -> Json<Vec<Beer>> {
    Json(shop.offers().into_iter().map(Beer::from).collect())
}

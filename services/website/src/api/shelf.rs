//! The beers: for a customer, and for whoever wants to know whether what is shown is true.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{site::Site, views::BeerOnShelf};

/// A beer of the shop.
#[derive(Serialize, ToSchema)]
pub(super) struct Beer {
    #[schema(example = "orval")]
    beer: &'static str,
    name: &'static str,
    brewery: &'static str,
    style: &'static str,
    /// Percent by volume.
    abv: f64,
    price_cents: u64,
    /// What stock-level shows; null until it has said something.
    level: Option<u32>,
}

/// The beers, as the shop shows them.
#[utoipa::path(get, path = "/api/beers", responses((status = 200, body = [Beer])))]
pub(super) async fn beers(State(site): State<Arc<Site>>) -> Json<Vec<Beer>> {
    let beer = |shelf: BeerOnShelf| Beer {
        beer: shelf.beer.id,
        name: shelf.beer.name,
        brewery: shelf.beer.brewery,
        style: shelf.beer.style,
        abv: shelf.beer.abv(),
        price_cents: shelf.beer.price.0,
        level: shelf.shown_level.map(|level| level.0),
    };
    Json(site.known(|known| known.shelves.beers()).into_iter().map(beer).collect())
}

/// All beers, the truth beside what is shown.
#[derive(Serialize, ToSchema)]
pub(super) struct Stock {
    beers: Vec<StockOfBeer>,
    /// How many beers are wrong.
    wrong: usize,
}

/// One beer, the truth beside what is shown.
#[derive(Serialize, ToSchema)]
pub(super) struct StockOfBeer {
    beer: &'static str,
    /// The log's truth.
    level: Option<u32>,
    sequence: u64,
    /// What stock-level says.
    shown_level: Option<u32>,
    /// The highest sequence it handled.
    shown_sequence: u64,
    /// What is shown differs, and no event of this beer is unhandled.
    wrong: bool,
    /// How many events of this beer are unhandled.
    behind: u64,
}

/// The stock, the truth beside what is shown.
#[utoipa::path(get, path = "/api/stock", responses((status = 200, body = Stock)))]
pub(super) async fn stock(State(site): State<Arc<Site>>) -> Json<Stock> {
    let view = site.known(|known| known.shelves.view());
    Json(Stock::from(view.beers.as_slice()))
}

impl From<&[BeerOnShelf]> for Stock {
    fn from(shelves: &[BeerOnShelf]) -> Self {
        let beer = |shelf: &BeerOnShelf| StockOfBeer {
            beer: shelf.beer.id,
            level: shelf.level.map(|level| level.0),
            sequence: shelf.sequence.0,
            shown_level: shelf.shown_level.map(|level| level.0),
            shown_sequence: shelf.shown_sequence.0,
            wrong: shelf.wrong,
            behind: shelf.behind,
        };
        Stock { beers: shelves.iter().map(beer).collect(), wrong: shelves.iter().filter(|shelf| shelf.wrong).count() }
    }
}

//! The order form: as it is shown, and what happens when it is sent.

use std::{collections::HashMap, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Form,
    extract::{ConnectInfo, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Redirect, Response},
};
use events::{
    beers::BEERS,
    ids::BeerId,
    orders::{Line, PlaceOrder, PlaceOrderType},
    quantities::Bottles,
};
use rand::seq::IndexedRandom as _;
use service::now;

use crate::{order::view::{Attempt, ShopView, TypedLine}, shop::control::{customers::Orderer, shop::{Key, Site}}, web::{http::visitor::Visitor, pure::{layout, problem_page::Problem}}};

/// Longest token of a form that is taken as its key.
const TOKEN_MAX: usize = 64;

/// Who to order for, when nobody has typed anything: customers of this shop, and where they live.
const REGULARS: [(&str, &str); 8] = [
    ("Ada", "Grote Markt 12, Brussel"),
    ("Jef", "Korenlei 7, Gent"),
    ("Amélie", "Rue Neuve 41, Liège"),
    ("Lotte", "Meir 88, Antwerpen"),
    ("Thibault", "Rue de Fer 15, Namur"),
    ("Karel", "Oude Markt 3, Leuven"),
    ("Sofie", "Markt 21, Brugge"),
    ("Céline", "Grand-Place 5, Mons"),
];

/// The shop, with a form that is already filled in; or with what was typed and is wrong.
pub fn view(site: &Site, attempt: Option<Attempt>) -> ShopView {
    let (customer, address) = REGULARS.choose(&mut rand::rng()).copied().unwrap_or(REGULARS[0]);
    ShopView {
        beers: site.known(|known| known.shelves.beers()),
        order_token: format!("{:032x}", rand::random::<u128>()),
        customer: customer.to_owned(),
        address: address.to_owned(),
        attempt,
    }
}

/// The form was sent: the order is in the books before the customer sees its page. Sent twice, it is one order.
pub async fn order(
    State(site): State<Arc<Site>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    uri: Uri,
    headers: HeaderMap,
    Form(fields): Form<HashMap<String, String>>,
) -> Response {
    let visitor = Visitor::of(&site, &uri, &headers);
    let (order, typed) = read(&fields);
    let faults = order.faults();
    if !faults.is_empty() {
        let attempt = Attempt { customer: order.customer, address: order.address, lines: typed, faults };
        let view = view(&site, Some(attempt));
        return visitor.show(&site, StatusCode::UNPROCESSABLE_ENTITY, |frame| pages::shop::render(&view, frame));
    }
    let orderer = Orderer::of(&site.house.cookies, &headers, peer);
    if let Err(wait) = site.house.count_order(&orderer) {
        return too_fast(&site, &visitor, &fields, wait);
    }
    let token = fields.get("order_token").filter(|token| (1..=TOKEN_MAX).contains(&token.len()));
    match site.place(order, token.cloned().map(Key::Form), now()).await {
        Ok(order_id) => {
            let response = Redirect::to(&format!("/orders/{order_id}")).into_response();
            site.house.owns(&orderer, order_id);
            site.house.with_browser_cookie(response, &headers, peer)
        }
        Err(_) => visitor.problem(&site, Problem::Unavailable),
    }
}

/// An order nobody could drink as fast as it was sent: its page keeps it.
fn too_fast(site: &Site, visitor: &Visitor, fields: &HashMap<String, String>, wait: Duration) -> Response {
    let slowly = |frame: pages::Frame<'_>| pages::slowly::render(fields, wait, frame);
    let mut response = visitor.show(site, StatusCode::TOO_MANY_REQUESTS, slowly);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(pages::slowly::seconds(wait)));
    response
}

/// The order in a form: one line for each beer with something but 0 in its field.
fn read(fields: &HashMap<String, String>) -> (PlaceOrder, Vec<TypedLine>) {
    let field = |name: &str| fields.get(name).map(|value| value.trim().to_owned()).unwrap_or_default();
    let typed: Vec<TypedLine> = BEERS
        .iter()
        .map(|beer| TypedLine { beer: beer.beer_id(), bottles: field(&format!("bottles-{}", beer.id)) })
        .filter(|line| !line.bottles.is_empty() && line.bottles.parse() != Ok(0_u32))
        .collect();
    let line = |line: &TypedLine| Line {
        beer: BeerId::new(line.beer.as_str()),
        // What is no number is out of range, like 0.
        bottles: Bottles(line.bottles.parse().unwrap_or(0)),
    };
    let order = PlaceOrder {
        kind: PlaceOrderType::PlaceOrder,
        order_id: None,
        customer: field("customer"),
        address: field("address"),
        lines: typed.iter().map(line).collect(),
    };
    (order, typed)
}

#[cfg(test)]
mod tests {
    use events::orders::Problem as Wrong;

    use super::*;

    fn form(fields: &[(&str, &str)]) -> HashMap<String, String> {
        fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_form_becomes_the_lines_that_are_not_zero() {
        let fields = [("customer", " Ada "), ("address", "Gent"), ("bottles-orval", "2"), ("bottles-duvel", "0")];
        let (order, _) = read(&form(&fields));
        assert_eq!(order.faults(), []);
        assert_eq!((order.customer.as_str(), order.lines.len()), ("Ada", 1));
    }

    #[test]
    fn what_is_no_number_is_kept_and_named() {
        let (order, typed) = read(&form(&[("customer", "Ada"), ("address", "Gent"), ("bottles-orval", "two")]));
        assert_eq!(typed[0].bottles, "two");
        assert_eq!(order.faults()[0].problem, Wrong::BottlesOutOfRange);
    }
}

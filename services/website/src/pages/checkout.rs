//! The order form: how it is shown, and what happens when it is sent.

use std::{collections::HashMap, sync::Arc, time::Duration};

use axum::{
    Form,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use rand::seq::IndexedRandom as _;
use service::now;
use web::{
    http::visitor::Visitor,
    pure::{arrival::Arrival, layout::Frame, problem_page::Problem},
};

use crate::{
    control::{request::Key, shop::Shop},
    pages::{shop as page, slowly},
    pure::{
        form::{self, Attempt, ShopView},
        order_rate::{Orderer, whole_seconds},
    },
};

/// The longest form token that is used as a key.
const TOKEN_MAX: usize = 64;

/// Customers to fill in while nobody has typed anything, with their addresses.
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

/// The shop, with the form filled in, or with the rejected order.
pub fn view(shop: &Shop, attempt: Option<Attempt>) -> ShopView {
    let (customer, address) = REGULARS.choose(&mut rand::rng()).copied().unwrap_or(REGULARS[0]);
    ShopView {
        beers: shop.offers(),
        order_token: format!("{:032x}", rand::random::<u128>()),
        customer: customer.to_owned(),
        address: address.to_owned(),
        attempt,
    }
}

/// Places the order of a form. It is stored before the customer sees its page. A form that is sent twice is one order.
pub async fn order(
    State(shop): State<Arc<Shop>>,
    visitor: Visitor,
    orderer: Orderer,
    arrival: Arrival,
    Form(fields): Form<HashMap<String, String>>,
) -> Response {
    let (order, typed) = form::read(&fields);
    let faults = order.faults();
    if !faults.is_empty() {
        let attempt = Attempt { customer: order.customer, address: order.address, lines: typed, faults };
        let view = view(&shop, Some(attempt));
        return visitor.show(&shop.alive(), StatusCode::UNPROCESSABLE_ENTITY, |frame| page::render(&view, frame));
    }
    if let Err(wait) = shop.customers.count_order(&orderer) {
        return too_fast(&shop, &visitor, &fields, wait);
    }
    let token = fields.get("order_token").filter(|token| (1..=TOKEN_MAX).contains(&token.len()));
    match shop.place(order, token.cloned().map(Key::Form), now()).await {
        Ok(order_id) => {
            let response = Redirect::to(&format!("/orders/{order_id}")).into_response();
            shop.customers.owns(&orderer, order_id);
            shop.customers.with_browser_cookie(response, &orderer, &arrival)
        }
        Err(_) => visitor.problem(&shop.alive(), Problem::Unavailable),
    }
}

/// The page for an order that came too fast; it keeps what was typed.
fn too_fast(shop: &Shop, visitor: &Visitor, fields: &HashMap<String, String>, wait: Duration) -> Response {
    let slowly = |frame: Frame<'_>| slowly::render(fields, wait, frame);
    let mut response = visitor.show(&shop.alive(), StatusCode::TOO_MANY_REQUESTS, slowly);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(whole_seconds(wait)));
    response
}

pub async fn show(State(shop): State<Arc<Shop>>, visitor: Visitor, orderer: Orderer, arrival: Arrival) -> Response {
    let view = view(&shop, None);
    let page = visitor.show(&shop.alive(), StatusCode::OK, |frame| page::render(&view, frame));
    shop.customers.with_browser_cookie(page, &orderer, &arrival)
}

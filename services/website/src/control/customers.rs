//! The customers, across episodes: who orders, how fast, and which orders are theirs.

use std::{
    net::SocketAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::{http::HeaderMap, response::Response};
use events::ids::OrderId;
use web::{
    http::{
        browser,
        cookies::{Cookies, with_cookie},
        stage_key::StageKey,
    },
    pure::{
        address::Address,
        arrival::{self, Arrival},
    },
};

use crate::pure::order_rate::{Browsers, Orderer};

impl Orderer {
    fn of(cookies: &Cookies, headers: &HeaderMap, peer: SocketAddr) -> Orderer {
        match browser::browser(cookies, headers) {
            Some(id) => Orderer::Browser(id),
            None => Orderer::Nameless(browser::address(headers, peer)),
        }
    }
}

/// The customers of the shop.
pub struct Customers {
    pub cookies: Cookies,
    stage_key: StageKey,
    pub public: Option<Address>,
    browsers: Mutex<Browsers>,
}

impl Customers {
    pub fn new(cookies: Cookies, stage_key: StageKey, public: Option<Address>) -> Self {
        Customers { cookies, stage_key, public, browsers: Mutex::default() }
    }

    /// Who sent a request.
    pub fn orderer(&self, headers: &HeaderMap, peer: SocketAddr) -> Orderer {
        Orderer::of(&self.cookies, headers, peer)
    }

    /// Who sent a request, if their orders are counted. Those of programs on this machine and of the stage are not.
    pub fn counted(&self, headers: &HeaderMap, peer: SocketAddr) -> Option<Orderer> {
        let is_counted = !arrival::is_of_this_machine(headers, peer) && !self.stage_key.is_sent(headers);
        is_counted.then(|| self.orderer(headers, peer))
    }

    fn browsers(&self) -> MutexGuard<'_, Browsers> {
        self.browsers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an order of this orderer.
    ///
    /// # Errors
    /// As [`Browsers::order`].
    pub fn count_order(&self, orderer: &Orderer) -> Result<(), Duration> {
        self.browsers().order(orderer, Instant::now())
    }

    /// Remembers this order as this orderer's own.
    pub fn owns(&self, orderer: &Orderer, order_id: OrderId) {
        self.browsers().owns(orderer, order_id);
    }

    /// Whether this orderer is a browser that has placed this order.
    pub fn is_own(&self, orderer: &Orderer, order_id: &OrderId) -> bool {
        match orderer {
            Orderer::Browser(browser) => self.browsers().is_own(browser, order_id),
            Orderer::Nameless(_) => false,
        }
    }

    /// Gives a browser its cookie, if it has none yet.
    pub fn with_browser_cookie(&self, response: Response, orderer: &Orderer, arrival: &Arrival) -> Response {
        match orderer {
            Orderer::Browser(_) => response,
            Orderer::Nameless(_) => with_cookie(response, browser::cookie(&self.cookies, arrival)),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderValue, header};

    use super::*;

    #[test]
    fn a_browser_is_known_by_a_cookie_of_ours_only() {
        let cookies = Cookies::of("aaaa");
        let with = |cookie: &str| HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_str(cookie).unwrap())]);
        let peer = SocketAddr::from(([127, 0, 0, 1], 5000));
        let id = browser::new_id();
        let known = Orderer::of(&cookies, &with(&format!("lang=fr; browser-aaaa={id}")), peer);
        assert_eq!(known, Orderer::Browser(id.clone()));
        let wrong = ["browser-aaaa=", "browser-aaaa=12", &format!("browser-aaaa={}", "g".repeat(32)), "lang=fr"];
        for wrong in wrong.into_iter().chain([format!("browser={id}").as_str()]) {
            assert_eq!(Orderer::of(&cookies, &with(wrong), peer), Orderer::Nameless(peer.ip()), "{wrong}");
        }
    }
}

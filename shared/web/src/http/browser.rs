//! Identifies a browser by a random id in a cookie, and finds the address a request comes from.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use axum::http::HeaderMap;

use crate::{
    http::cookies::{Cookie, Cookies},
    pure::arrival::Arrival,
};

/// The cookie with a browser's id.
const COOKIE: &str = "browser";
/// 128 bits, in hexadecimal digits.
const ID_LENGTH: usize = 32;
const KEPT_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// The id in the browser's cookie. A cookie with anything else counts as missing.
pub fn browser(cookies: &Cookies, headers: &HeaderMap) -> Option<String> {
    let id = cookies.read(headers, COOKIE);
    id.filter(|id| id.len() == ID_LENGTH && id.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

pub fn cookie(cookies: &Cookies, arrival: &Arrival) -> Cookie<'static> {
    cookies.set(COOKIE, &new_id(), KEPT_FOR, arrival.is_https)
}

/// A new id: random, so unique and impossible to guess.
pub fn new_id() -> String {
    format!("{:032x}", rand::random::<u128>())
}

/// The client's address: the peer's, or the last entry of `X-Forwarded-For` if the peer is a proxy on this machine. The
/// client controls the entries before the last.
pub fn address(headers: &HeaderMap, peer: SocketAddr) -> IpAddr {
    let peer = peer.ip().to_canonical();
    let forwarded = headers.get_all("x-forwarded-for").iter().next_back().filter(|_| peer.is_loopback());
    let client = forwarded.and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse::<IpAddr>().ok());
    client.map_or(peer, |client| client.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn a_proxy_on_this_machine_says_who_asks_and_nobody_else_does() {
        let forwarded = |list: &str| {
            let name: HeaderName = "x-forwarded-for".parse().unwrap();
            HeaderMap::from_iter([(name, HeaderValue::from_str(list).unwrap())])
        };
        let (here, room) = (SocketAddr::from(([127, 0, 0, 1], 5000)), SocketAddr::from(([10, 0, 0, 7], 5000)));
        let phone = IpAddr::from([192, 0, 2, 5]);
        assert_eq!(address(&forwarded("192.0.2.5"), here), phone);
        assert_eq!(address(&forwarded("1.2.3.4, 192.0.2.5"), here), phone, "the first is what the phone says");
        assert_eq!(address(&forwarded("192.0.2.5"), room), room.ip());
        assert_eq!(address(&forwarded("unknown"), here), here.ip());
        assert_eq!(address(&HeaderMap::new(), here), here.ip());
    }
}

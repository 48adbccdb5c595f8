//! How a request arrived: at which address, over https or not, through a proxy or not, and whether one of the site's
//! own pages sent it.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName, header};

use crate::pure::address::Address;

/// Headers that a proxy adds. A request with one of them does not come from a program on this machine.
const FORWARDED: [HeaderName; 2] = [HeaderName::from_static("x-forwarded-for"), header::FORWARDED];
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// Where a request comes from, in the browser's words. Over plain http, browsers send it on loopback addresses only.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// How a request arrived.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arrival {
    /// The requested host in lower case, with its port unless that is the default one.
    pub host: String,
    /// Whether the browser used https.
    pub is_https: bool,
    /// The host of `PUBLIC_URL` in the same form; empty without one.
    public_host: String,
}

impl Arrival {
    /// Reads the headers. Those of a proxy count only if it is on this machine or in a private network.
    pub fn of(headers: &HeaderMap, peer: SocketAddr, public: Option<&Address>) -> Self {
        // Each proxy adds to the list; the first entry is the proxy that the browser spoke to.
        let first = |name: &HeaderName| text(headers, name).split(',').next().unwrap_or_default().trim().to_owned();
        let said = |name: &HeaderName| if is_near(peer.ip()) { first(name) } else { String::new() };
        let host = Some(said(&FORWARDED_HOST)).filter(|host| !host.is_empty()).unwrap_or_else(|| first(&header::HOST));
        let host = without_usual_port(&host);
        let public_host = public.map(|public| without_usual_port(public.name())).unwrap_or_default();
        let is_public_https = public.is_some_and(Address::is_https) && host == public_host;
        let is_https = said(&FORWARDED_PROTO).eq_ignore_ascii_case("https") || is_public_https;
        Arrival { host, is_https, public_host }
    }

    /// Whether a page of this site sent the request, or no page at all. Otherwise a request that changes something is
    /// refused. Browsers that send no `Sec-Fetch-Site` send `Origin`; programs send neither.
    pub fn is_from_own_page(&self, headers: &HeaderMap) -> bool {
        match text(headers, &FETCH_SITE) {
            // `same-site` is another port of this host, or another host of the same domain.
            "same-origin" | "none" => return true,
            "" => {}
            _ => return false,
        }
        self.has_own_origin(headers)
    }

    /// Whether `Origin` is this site or missing. Every browser sends it with a WebSocket.
    pub fn has_own_origin(&self, headers: &HeaderMap) -> bool {
        if !headers.contains_key(header::ORIGIN) {
            return true;
        }
        let origin = text(headers, &header::ORIGIN);
        let host =
            ["http://", "https://"].iter().find_map(|scheme| origin.strip_prefix(scheme)).map(without_usual_port);
        host.is_some_and(|host| !host.is_empty() && (host == self.host || host == self.public_host))
    }
}

/// Wrong tokens are counted per address, forwarded ones apart: a guest who guesses through the tunnel does not lock out
/// the presenter at the laptop itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Guesser {
    pub address: IpAddr,
    /// Whether a proxy forwarded the request.
    pub is_forwarded: bool,
}

/// The guesser that a token in this request counts for.
pub fn guesser(headers: &HeaderMap, peer: SocketAddr) -> Guesser {
    Guesser { address: peer.ip().to_canonical(), is_forwarded: is_forwarded(headers) }
}

/// Whether a program on this machine sent the request. A client of a proxy on this machine does not count.
pub fn is_of_this_machine(headers: &HeaderMap, peer: SocketAddr) -> bool {
    peer.ip().to_canonical().is_loopback() && !is_forwarded(headers)
}

fn is_forwarded(headers: &HeaderMap) -> bool {
    FORWARDED.iter().any(|name| headers.contains_key(name))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Whether this address may be our proxy: on this machine or in a private network.
fn is_near(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

/// Hosts are compared in this form: browsers leave the default port out, proxies do not.
fn without_usual_port(host: &str) -> String {
    let usual = [":80", ":443"].iter().find_map(|port| host.strip_suffix(port));
    usual.unwrap_or(host).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const HERE: [u8; 4] = [127, 0, 0, 1];
    const FAR: [u8; 4] = [203, 0, 113, 9];

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        };
        pairs.iter().map(pair).collect()
    }

    fn arrival(pairs: &[(&'static str, &str)], peer: [u8; 4], public: Option<&str>) -> Arrival {
        Arrival::of(&headers(pairs), (peer, 5000).into(), public.and_then(Address::read).as_ref())
    }

    fn host_and_https(arrival: Arrival) -> (String, bool) {
        (arrival.host, arrival.is_https)
    }

    #[test]
    fn a_proxy_is_believed_from_near_only() {
        let said = [
            ("host", "127.0.0.1:8000"),
            ("x-forwarded-host", "Beer.example.com:443, inner"),
            ("x-forwarded-proto", "https, http"),
        ];
        for near in [HERE, [172, 18, 0, 1], [192, 168, 1, 1]] {
            let seen = host_and_https(arrival(&said, near, None));
            assert_eq!(seen, ("beer.example.com".to_owned(), true), "{near:?}");
        }
        assert_eq!(host_and_https(arrival(&said, FAR, None)), ("127.0.0.1:8000".to_owned(), false));
    }

    #[test]
    fn the_public_address_is_https_where_it_is_used() {
        let public = Some("https://beer.example.com");
        assert!(arrival(&[("host", "beer.example.com")], FAR, public).is_https);
        assert!(!arrival(&[("host", "127.0.0.1:8000")], HERE, public).is_https, "the laptop itself");
        assert!(!arrival(&[("host", "beer.example.com")], FAR, Some("http://beer.example.com")).is_https);
    }

    #[test]
    fn what_another_page_sends_is_told_from_what_ours_send() {
        let sent = |said: &[(&'static str, &str)]| {
            let said = [&[("host", "10.0.0.7:8000")], said].concat();
            arrival(&said, HERE, Some("https://beer.example.com")).is_from_own_page(&headers(&said))
        };
        for own in [
            [].as_slice(),
            &[("origin", "http://10.0.0.7:8000")],
            &[("origin", "https://beer.example.com")],
            &[("x-forwarded-host", "b.example.com"), ("origin", "https://b.example.com")],
            &[("sec-fetch-site", "same-origin"), ("origin", "http://10.0.0.7:8000")],
            &[("sec-fetch-site", "none")],
        ] {
            assert!(sent(own), "{own:?}");
        }
        for foreign in [
            [("origin", "https://evil.example")].as_slice(),
            &[("origin", "http://10.0.0.7:9000")],
            &[("origin", "http://10.0.0.7")],
            &[("origin", "null")],
            &[("origin", "")],
            &[("origin", "http://")],
            &[("origin", "ftp://10.0.0.7:8000")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site"), ("origin", "http://10.0.0.7:8000")],
        ] {
            assert!(!sent(foreign), "{foreign:?}");
        }
    }

    #[test]
    fn a_program_on_this_machine_is_not_somebody_by_a_proxy_on_it() {
        let is_ours = |pairs, peer: [u8; 4]| is_of_this_machine(&headers(pairs), (peer, 5000).into());
        assert!(is_ours(&[], HERE));
        assert!(!is_ours(&[("x-forwarded-for", "10.0.0.7")], HERE));
        assert!(!is_ours(&[("forwarded", "for=10.0.0.7")], HERE));
        assert!(!is_ours(&[], [10, 0, 0, 7]));
    }
}

//! The headers of every response, and the files that pages load.

use axum::{
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use tower_http::compression::{
    CompressionLayer, CompressionLevel, DefaultPredicate, Predicate, predicate::NotForContentType,
};

use crate::pure::assets::{self, Asset};

/// Nothing is loaded from elsewhere, and no script or style is inline.
const POLICY: &str = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'";

/// The content security policy of a page. It may show pages of the sites `framed` in a frame, and pages of the sites
/// `ancestors` may frame it; without ancestors, nobody may. Sites are addresses such as `http://localhost:8001`.
pub fn policy(framed: &[&str], ancestors: &[&str]) -> HeaderValue {
    let policy = format!("{POLICY}; frame-src {}; frame-ancestors {}", sources(framed), sources(ancestors));
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static(POLICY))
}

/// A list of sources. Anything but a plain address is left out, as it could end the directive and begin another. So is
/// an IPv6 address, which no policy can name.
fn sources(sites: &[&str]) -> String {
    let is_plain = |site: &&str| site.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:/".contains(&byte));
    let plain: Vec<&str> = sites.iter().copied().filter(is_plain).filter(|site| !site.is_empty()).collect();
    if plain.is_empty() { "'none'".to_owned() } else { plain.join(" ") }
}

/// Compresses text, for crowded networks. It leaves out streams, whose events must leave at once, and the typeface,
/// which is already compressed.
pub fn compression() -> CompressionLayer<impl Predicate> {
    let is_text = DefaultPredicate::new().and(NotForContentType::const_new("font/"));
    CompressionLayer::new().gzip(true).quality(CompressionLevel::Fastest).compress_when(is_text)
}

/// Adds the headers of every response. One is the site's [`policy`], unless the page has its own.
pub async fn add_headers(State(policy): State<HeaderValue>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(policy);
    let mut add = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    add(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    add(header::REFERRER_POLICY, "same-origin");
    // Every number is current: a cached page would look alive and be old.
    add(header::CACHE_CONTROL, "no-store");
    response
}

/// A file under `/assets/`: one of the site's own, which are the state, or a shared one.
pub async fn asset(State(of_site): State<&'static [Asset]>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = assets::find(of_site, &name) else { return StatusCode::NOT_FOUND.into_response() };
    let etag = asset.etag();
    let caching =
        [(header::ETAG, etag.clone()), (header::CACHE_CONTROL, "public, max-age=31536000, immutable".to_owned())];
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    (caching, [(header::CONTENT_TYPE, asset.content_type)], asset.bytes).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_named_sites_are_framed_or_frame() {
        let policy = |framed: &[&str], ancestors: &[&str]| policy(framed, ancestors).to_str().unwrap().to_owned();
        assert!(policy(&[], &[]).ends_with("; frame-src 'none'; frame-ancestors 'none'"));
        let named = policy(&["http://localhost:8000"], &["http://127.0.0.1:8001", "http://localhost:8001"]);
        let end = "; frame-src http://localhost:8000; frame-ancestors http://127.0.0.1:8001 http://localhost:8001";
        assert!(named.starts_with(POLICY) && named.ends_with(end), "{named}");
        for strange in ["", "http://[::1]:8001", "x; script-src *", "a,b", "a b", "*", "'self'"] {
            assert_eq!(policy(&[strange], &[strange]), policy(&[], &[]), "{strange}");
        }
    }
}

//! What every answer carries, and the files a browser loads beside the pages.

use axum::{
    extract::{Path, Request},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use tower_http::compression::{
    CompressionLayer, CompressionLevel, DefaultPredicate, Predicate, predicate::NotForContentType,
};

use crate::pure::assets;

/// Nothing from anywhere but here, no script or style in a page, and no page in another.
const POLICY: &str = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; \
                      form-action 'self'; frame-ancestors 'none'";

/// Texts go over a crowded network compressed. What comes piece by piece must come at once, and the typeface is
/// compressed already.
pub fn compression() -> CompressionLayer<impl Predicate> {
    let is_text = DefaultPredicate::new().and(NotForContentType::const_new("font/"));
    CompressionLayer::new().gzip(true).quality(CompressionLevel::Fastest).compress_when(is_text)
}

/// What every answer carries.
pub async fn add_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut add = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    add(header::CONTENT_SECURITY_POLICY, POLICY);
    add(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    add(header::REFERRER_POLICY, "same-origin");
    // Every number is of now; a page from a cache would look alive and be old.
    add(header::CACHE_CONTROL, "no-store");
    response
}

/// A file under `/assets/`.
pub async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = assets::find(&name) else { return StatusCode::NOT_FOUND.into_response() };
    let etag = asset.etag();
    let caching =
        [(header::ETAG, etag.clone()), (header::CACHE_CONTROL, "public, max-age=31536000, immutable".to_owned())];
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    (caching, [(header::CONTENT_TYPE, asset.content_type)], asset.bytes).into_response()
}

//! What a site says of itself, so that extractors can tell who sent a request.

use axum::http::HeaderMap;

use crate::{
    http::cookies::Cookies,
    pure::{address::Address, layout::Alive},
};

/// A site whose handlers take a [`Visitor`], a [`Presenter`], a [`Client`] or an [`Arrival`]. Their state is an `Arc` of it.
///
/// [`Visitor`]: crate::http::visitor::Visitor
/// [`Presenter`]: crate::http::presenter::Presenter
/// [`Client`]: crate::http::admission::Client
/// [`Arrival`]: crate::pure::arrival::Arrival
pub trait Site: Send + Sync + 'static {
    /// Its cookies carry the suite's name.
    fn cookies(&self) -> &Cookies;

    /// Where browsers elsewhere find it, if that is configured.
    fn public_address(&self) -> Option<&Address>;

    /// Who is there, for the pages that say what is missing.
    fn alive(&self) -> Alive;

    /// Whether the presenter sent the request with these headers. The one rule for pages, streams and API; a site without a
    /// presenter keeps this answer.
    fn is_presenter(&self, _headers: &HeaderMap) -> bool {
        false
    }
}

//! What extractors need to know of a site.

use axum::http::HeaderMap;

use crate::{
    http::cookies::Cookies,
    pure::{address::Address, layout::Alive},
};

/// A site whose handlers take a [`Visitor`], a [`Presenter`], a [`Client`] or an [`Arrival`]. The state is its `Arc`.
///
/// [`Visitor`]: crate::http::visitor::Visitor
/// [`Presenter`]: crate::http::presenter::Presenter
/// [`Client`]: crate::http::admission::Client
/// [`Arrival`]: crate::pure::arrival::Arrival
pub trait Site: Send + Sync + 'static {
    fn cookies(&self) -> &Cookies;

    /// `PUBLIC_URL`, if it is configured.
    fn public_address(&self) -> Option<&Address>;

    /// For the pages that name what is missing.
    fn alive(&self) -> Alive;

    /// Whether the presenter sent the request with these headers. Pages, streams and API all use this rule; a site
    /// without a presenter keeps this answer.
    fn is_presenter(&self, _headers: &HeaderMap) -> bool {
        false
    }
}

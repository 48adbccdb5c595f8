//! How a request arrived, as extractors.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    extract::{ConnectInfo, FromRequestParts, rejection::ExtensionRejection},
    http::request::Parts,
};

use crate::{
    http::site::Site,
    pure::arrival::{Arrival, Guesser, guesser},
};

impl<S: Site> FromRequestParts<Arc<S>> for Arrival {
    type Rejection = ExtensionRejection;

    async fn from_request_parts(parts: &mut Parts, site: &Arc<S>) -> Result<Self, ExtensionRejection> {
        let ConnectInfo(peer) = ConnectInfo::<SocketAddr>::from_request_parts(parts, site).await?;
        Ok(Arrival::of(&parts.headers, peer, site.public_address()))
    }
}

impl<S: Site> FromRequestParts<Arc<S>> for Guesser {
    type Rejection = ExtensionRejection;

    async fn from_request_parts(parts: &mut Parts, site: &Arc<S>) -> Result<Self, ExtensionRejection> {
        let ConnectInfo(peer) = ConnectInfo::<SocketAddr>::from_request_parts(parts, site).await?;
        Ok(guesser(&parts.headers, peer))
    }
}

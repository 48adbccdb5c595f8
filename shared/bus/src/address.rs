//! Where the broker is, and which part of it is ours.

/// The addresses of a broker, and our credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct Broker {
    /// For messages: `pulsar://host:6650` or `pulsar+ssl://host:6651`.
    pub url: String,
    /// For the admin REST API: `http://host:8080`.
    pub admin_url: String,
    /// A token, if the broker requires one.
    pub token: Option<String>,
    /// Certificates (PEM) that are trusted in addition to the well-known ones, for a broker with its own authority.
    pub authorities: Option<Vec<u8>>,
}

impl std::fmt::Debug for Broker {
    /// Never shows the token: this ends up in logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Broker")
            .field("url", &self.url)
            .field("admin_url", &self.admin_url)
            .field("token", &self.token.as_ref().map(|_| "…"))
            .field("authorities", &self.authorities.as_ref().map(Vec::len))
            .finish()
    }
}

/// The part of a broker that one suite uses: its tenant, and the namespaces of the running episode in it.
/// Each test has its own tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The tenant, by default `beers`.
    pub tenant: String,
    /// The episode, from 1.
    pub episode: u32,
}

//! Where the broker is, and where in it.

/// The addresses of a broker and how to show who we are.
#[derive(Clone, PartialEq, Eq)]
pub struct Broker {
    /// For messages: `pulsar://host:6650` or `pulsar+ssl://host:6651`.
    pub url: String,
    /// For the admin REST API: `http://host:8080`.
    pub admin_url: String,
    /// A token, where the broker wants one.
    pub token: Option<String>,
    /// Certificates that are trusted beside the well-known ones, as PEM: for a broker with an authority of its own.
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

/// The part of a broker one suite uses: its tenant, and in it the namespaces of the running episode.
/// Tests are kept apart by tenants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The tenant, `beers` if nothing else is said.
    pub tenant: String,
    /// The episode, from 1.
    pub episode: u32,
}

//! The address at which browsers find a site.

use std::net::{IpAddr, Ipv4Addr};

use axum::http::Uri;

/// The longest address: a longer one makes a QR code too fine to scan from the last row.
const LENGTH_MAX: usize = 120;

/// The address at which browsers find a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    url: String,
    name_from: usize,
}

impl Address {
    /// Parses an `http` or `https` address without a path, because pages link to each other from the root; else `None`.
    pub fn read(text: &str) -> Option<Self> {
        let uri: Uri = text.parse().ok()?;
        let scheme = uri.scheme_str().filter(|scheme| ["http", "https"].contains(scheme))?;
        let authority = uri.authority().filter(|authority| !authority.host().is_empty())?.as_str();
        let has_more = !matches!(uri.path(), "" | "/") || uri.query().is_some() || text.contains('#');
        if text.len() > LENGTH_MAX || authority.contains('@') || has_more {
            return None;
        }
        let url = format!("{scheme}://{authority}");
        Some(Address { url, name_from: scheme.len() + "://".len() })
    }

    /// Parses what people type: without a scheme it is `http`.
    pub fn typed(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.contains("://") { Address::read(text) } else { Address::read(&format!("http://{text}")) }
    }

    /// The address of this machine in one of its networks.
    pub fn of_machine(ip: Ipv4Addr, port: u16) -> Self {
        let url = if port == 80 { format!("http://{ip}") } else { format!("http://{ip}:{port}") };
        Address { url, name_from: "http://".len() }
    }

    /// The whole address, without a slash at its end.
    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn is_https(&self) -> bool {
        self.url.starts_with("https://")
    }

    /// The address as people type it, without its scheme.
    pub fn name(&self) -> &str {
        self.url.get(self.name_from..).unwrap_or_default()
    }

    /// The address. If no other machine can use it, also with this machine's other names for itself.
    pub fn names_of_this_machine(&self) -> Vec<Self> {
        let uri: Uri = self.url.parse().unwrap_or_default();
        let mut names = vec![self.clone()];
        if let (true, Some(scheme), Some(port)) = (self.is_of_this_machine_only(), uri.scheme_str(), uri.port()) {
            let others = ["127.0.0.1", "localhost"].map(|host| format!("{scheme}://{host}:{port}"));
            names.extend(others.iter().filter(|url| **url != self.url).filter_map(|url| Address::read(url)));
        }
        names
    }

    pub fn is_of_this_machine_only(&self) -> bool {
        let uri: Uri = self.url.parse().unwrap_or_default();
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_ascii_lowercase();
        let is_local = |ip: IpAddr| ip.to_canonical().is_loopback() || ip.is_unspecified();
        host == "localhost" || host.ends_with(".localhost") || host.parse().is_ok_and(is_local)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_http_and_nothing_behind_its_path() {
        let read = |text| Address::read(text).map(|address| (address.url().to_owned(), address.name().to_owned()));
        let both = |url: &str, name: &str| Some((url.to_owned(), name.to_owned()));
        assert_eq!(read("http://10.0.0.7:8000/"), both("http://10.0.0.7:8000", "10.0.0.7:8000"));
        assert_eq!(read("https://example.com"), both("https://example.com", "example.com"));
        for wrong in [
            "",
            "beer",
            "example.com",
            "ftp://example.com",
            "http://",
            "http://a/?x",
            "http://a/#x",
            "https://example.com/beer/",
            "https://example.com/beer",
            "http://u@a",
            "http://a b",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        assert_eq!(read(&format!("http://{}.be", "a".repeat(200))), None);
    }

    #[test]
    fn what_is_typed_needs_no_scheme() {
        let typed = |text| Address::typed(text).map(|address| address.url().to_owned());
        assert_eq!(typed(" beer.local:8000 "), Some("http://beer.local:8000".to_owned()));
        assert_eq!(typed("https://beer.example.com/"), Some("https://beer.example.com".to_owned()));
        for wrong in ["", "not an address", "beer/path", "ftp://beer", "a@b"] {
            assert_eq!(typed(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn some_addresses_lead_nobody_here() {
        for local in [
            "http://localhost:8000",
            "http://LOCALHOST",
            "http://127.0.0.1",
            "http://127.8.8.8:1",
            "http://[::1]:8000",
            "http://0.0.0.0:8000",
            "http://x.localhost",
        ] {
            assert!(Address::read(local).unwrap().is_of_this_machine_only(), "{local}");
        }
        for remote in [
            "http://10.0.0.7:8000",
            "http://laptop.local:8000",
            "http://localhost.example.com",
            "http://[2001:db8::1]:8000",
        ] {
            assert!(!Address::read(remote).unwrap().is_of_this_machine_only(), "{remote}");
        }
        assert_eq!(Address::of_machine(Ipv4Addr::new(10, 0, 0, 7), 80).name(), "10.0.0.7");
    }

    #[test]
    fn this_machine_has_several_names_for_itself_and_others_have_one() {
        let names = |url| {
            let names = Address::read(url).unwrap().names_of_this_machine();
            names.iter().map(|address| address.url().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(names("http://127.0.0.1:8001"), ["http://127.0.0.1:8001", "http://localhost:8001"]);
        assert_eq!(names("https://stage.example.com"), ["https://stage.example.com"]);
        assert_eq!(names("http://10.0.0.7:8001"), ["http://10.0.0.7:8001"]);
    }
}

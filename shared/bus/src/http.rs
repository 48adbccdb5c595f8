//! HTTP clients, for the admin API and all other HTTP calls of the project.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Once,
};

use reqwest::{Client, ClientBuilder, Url};

/// A client for calls to this address. The proxy from the environment (`http_proxy` and the like) is used for outside
/// addresses only: never for this machine, another container, or a neighbour in the same network.
pub fn http_client(address: &str) -> ClientBuilder {
    static CRYPTOGRAPHY: Once = Once::new();
    // Fails only if one is installed already, which is fine.
    CRYPTOGRAPHY.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
    let client = Client::builder();
    if is_near(address) { client.no_proxy() } else { client }
}

fn is_near(address: &str) -> bool {
    let url = Url::parse(address).ok();
    let Some(host) = url.as_ref().and_then(Url::host_str) else { return false };
    match host.trim_matches(['[', ']']).parse().map(|ip: IpAddr| ip.to_canonical()) {
        Ok(IpAddr::V4(ip)) => ip.is_loopback() || ip.is_private() || ip.is_link_local() || ip == Ipv4Addr::UNSPECIFIED,
        Ok(IpAddr::V6(ip)) => {
            ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local() || ip == Ipv6Addr::UNSPECIFIED
        }
        // A name without a dot belongs to the local network or to a container.
        Err(_) => !host.contains('.') || [".localhost", ".local"].iter().any(|zone| host.ends_with(zone)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_for_addresses_outside() {
        for near in [
            "http://127.0.0.1:8080",
            "http://127.1.2.3",
            "http://localhost:8000/x",
            "http://LOCALHOST",
            "http://[::1]:8000",
            "http://[::ffff:127.0.0.1]",
            "http://x.localhost",
            "http://pulsar:8080",
            "http://laptop.local:8000",
            "http://10.0.0.7",
            "http://192.168.1.20:8000",
            "https://172.16.0.1",
            "http://169.254.0.1",
            "http://0.0.0.0:8000",
            "http://[fd00::1]",
        ] {
            assert!(is_near(near), "{near}");
        }
        for outside in [
            "https://broker.example.com:8443",
            "http://8.8.8.8",
            "http://172.32.0.1",
            "http://[2001:db8::1]",
            "nonsense",
            "",
        ] {
            assert!(!is_near(outside), "{outside}");
        }
    }
}

//! Limits on open streams: per browser, per address, and in all.
//!
//! A whole room shares one address, and each of its browsers has a random id in a cookie (see `browser`). A program
//! that opens streams without end uses up only the share of clients without a cookie at its address. One that invents
//! cookies uses up only the share of browsers at its address.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    extract::{ConnectInfo, FromRequestParts, rejection::ExtensionRejection},
    http::{HeaderMap, request::Parts},
};

use crate::{
    http::{browser, site::Site},
    pure::arrival,
};

/// The most open streams, including the sockets for orders.
pub const STREAMS_MAX: usize = 2_000;
/// Streams on top of that, reserved for the presenter and this machine.
pub const RESERVED: usize = 100;
/// The most streams of one browser, which opens one per tab.
const OF_A_BROWSER_MAX: usize = 12;
/// The most streams of all browsers behind one address, which may be a large room.
const BROWSERS_MAX: usize = 1_400;
/// The most streams of all clients without a cookie behind one address.
const NAMELESS_MAX: usize = 500;
/// The most streams of programs on this machine: measurements open many.
const PROGRAMS_HERE_MAX: usize = 1_600;

/// Who opens a stream. An extractor.
#[derive(Debug, Clone)]
pub struct Client {
    browser: Option<String>,
    address: IpAddr,
    is_here: bool,
    is_presenter: bool,
}

/// Clients whose streams are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Group {
    Browser(String),
    BrowsersBehind(IpAddr),
    NamelessBehind(IpAddr),
}

impl<S: Site> FromRequestParts<Arc<S>> for Client {
    type Rejection = ExtensionRejection;

    async fn from_request_parts(parts: &mut Parts, site: &Arc<S>) -> Result<Self, ExtensionRejection> {
        let ConnectInfo(peer) = ConnectInfo::<SocketAddr>::from_request_parts(parts, site).await?;
        Ok(Client::of(&**site, &parts.headers, peer))
    }
}

impl Client {
    fn of(site: &impl Site, headers: &HeaderMap, peer: SocketAddr) -> Self {
        Client {
            browser: browser::browser(site.cookies(), headers),
            address: browser::address(headers, peer),
            is_here: arrival::is_of_this_machine(headers, peer),
            is_presenter: site.is_presenter(headers),
        }
    }

    /// The groups of this client, and the most streams of each.
    fn groups(&self) -> Vec<(Group, usize)> {
        match &self.browser {
            _ if self.is_presenter => Vec::new(),
            None if self.is_here => vec![(Group::NamelessBehind(self.address), PROGRAMS_HERE_MAX)],
            None => vec![(Group::NamelessBehind(self.address), NAMELESS_MAX)],
            Some(_) if self.is_here => Vec::new(),
            Some(id) => vec![
                (Group::Browser(id.clone()), OF_A_BROWSER_MAX),
                (Group::BrowsersBehind(self.address), BROWSERS_MAX),
            ],
        }
    }

    const fn most_in_all(&self) -> usize {
        if self.is_presenter || self.is_here { STREAMS_MAX + RESERVED } else { STREAMS_MAX }
    }
}

/// Counts open streams.
#[derive(Debug, Clone, Default)]
pub struct Streams(Arc<Mutex<Open>>);

#[derive(Debug, Default)]
struct Open {
    all: usize,
    of: HashMap<Group, usize>,
}

/// Permission for one stream, until it is dropped.
#[derive(Debug)]
pub struct Permit {
    streams: Streams,
    groups: Vec<(Group, usize)>,
}

impl Streams {
    /// Permission for another stream of this client; `None` if there are too many.
    pub fn admit(&self, client: &Client) -> Option<Permit> {
        let groups = client.groups();
        let mut open = self.open();
        let is_full = |(group, most): &(Group, usize)| open.of.get(group).is_some_and(|open| open >= most);
        if open.all >= client.most_in_all() || groups.iter().any(is_full) {
            return None;
        }
        open.all += 1;
        for (group, _) in &groups {
            *open.of.entry(group.clone()).or_default() += 1;
        }
        drop(open);
        Some(Permit { streams: self.clone(), groups })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut open = self.streams.open();
        open.all -= 1;
        for (group, _) in &self.groups {
            if let Some(count) = open.of.get_mut(group) {
                *count -= 1;
            }
        }
        open.of.retain(|_, count| *count > 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room() -> IpAddr {
        [10, 0, 0, 7].into()
    }

    fn phone(n: usize, address: IpAddr) -> Client {
        Client { browser: Some(format!("{n:032x}")), address, is_here: false, is_presenter: false }
    }

    fn nameless(address: IpAddr) -> Client {
        Client { browser: None, ..phone(0, address) }
    }

    fn admitted(streams: &Streams, clients: impl Iterator<Item = Client>) -> Vec<Permit> {
        clients.filter_map(|client| streams.admit(&client)).collect()
    }

    #[test]
    fn a_program_without_end_leaves_room_for_every_phone_beside_it() {
        let streams = Streams::default();
        let greedy = admitted(&streams, std::iter::repeat_n(nameless(room()), 2_000));
        assert_eq!(greedy.len(), NAMELESS_MAX);
        let phones = admitted(&streams, (0..1_000).map(|n| phone(n, room())));
        assert_eq!(phones.len(), 1_000);
        assert!(streams.admit(&nameless([10, 0, 0, 8].into())).is_some(), "another address");
    }

    #[test]
    fn one_browser_has_a_few_streams_and_invented_cookies_have_the_share_of_a_room() {
        let streams = Streams::default();
        let mine = admitted(&streams, std::iter::repeat_n(phone(1, room()), 20));
        assert_eq!(mine.len(), OF_A_BROWSER_MAX);
        let invented = admitted(&streams, (2..2_000).map(|n| phone(n, room())));
        assert_eq!(mine.len() + invented.len(), BROWSERS_MAX);
        assert!(streams.admit(&phone(1, [10, 0, 0, 8].into())).is_none(), "its own share is used up wherever it is");
        assert!(streams.admit(&phone(5_000, [10, 0, 0, 8].into())).is_some());
    }

    #[test]
    fn the_presenter_and_this_machine_are_admitted_when_all_places_are_taken() {
        let streams = Streams::default();
        let many = (0..STREAMS_MAX).map(|n| phone(n, IpAddr::from(std::net::Ipv4Addr::from_bits(n as u32))));
        let all = admitted(&streams, many);
        assert_eq!(all.len(), STREAMS_MAX);
        assert!(streams.admit(&phone(9_999, room())).is_none());
        let presenter = Client { is_presenter: true, ..nameless(room()) };
        let here = Client { is_here: true, ..nameless([127, 0, 0, 1].into()) };
        let reserved =
            admitted(&streams, (0..RESERVED + 1).map(|n| if n % 2 == 0 { &presenter } else { &here }.clone()));
        assert_eq!(reserved.len(), RESERVED);
    }

    #[test]
    fn a_place_that_is_given_back_is_free_and_nothing_is_remembered() {
        let streams = Streams::default();
        let places = admitted(&streams, std::iter::repeat_n(phone(1, room()), OF_A_BROWSER_MAX));
        assert!(streams.admit(&phone(1, room())).is_none());
        drop(places);
        assert!(streams.admit(&phone(1, room())).is_some());
        assert!(streams.open().of.is_empty() && streams.open().all == 0);
    }
}

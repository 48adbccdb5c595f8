//! Where browsers find the shop. The QR code shows phones `PUBLIC_URL`, else the host by which the presenter opened the
//! console, else a network of this machine or an address that the presenter chooses or types. Outlives the episodes.

use std::{
    collections::HashMap,
    fs,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bus::http_client;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use reqwest::redirect::Policy;
use service::environment::Unusable;
use tokio::sync::Notify;
use web::{
    http::{addresses, live::LiveUpdates},
    pure::{address::Address, arrival::Arrival},
};

use crate::pure::entrance::{ADDRESSES_MAX, EntranceView, QrView, Reach};

mod networks;

/// How long the shop may take to answer at an address.
const TRY_WITHIN: Duration = Duration::from_secs(2);
/// Files that exist in a container only. No phone is in its networks.
const IN_A_CONTAINER: [&str; 2] = ["/.dockerenv", "/run/.containerenv"];

pub struct Entrance {
    public: Option<Address>,
    /// The stage's port, by which the presenter opens the console.
    stage_port: u16,
    port: u16,
    /// This machine's addresses in networks with phones, with this port.
    networks: fn(u16) -> Vec<Address>,
    state: Mutex<State>,
    asked: Notify,
}

#[derive(Default)]
struct State {
    /// The shop, at the host of the presenter's console.
    console: Option<Address>,
    /// The last address that the presenter typed.
    typed: Option<Address>,
    /// The name of the address that the presenter chose.
    chosen: Option<String>,
    /// Whether the shop answered, by the name of the address.
    tried: HashMap<String, bool>,
}

impl Entrance {
    /// The entrance of the shop on `HTTP_PORT`, or at `PUBLIC_URL`, seen from a stage on this port.
    ///
    /// # Errors
    /// If one of them is unusable.
    pub fn from_environment(stage_port: u16) -> Result<Self, Unusable> {
        let public = addresses::public()?;
        let in_a_container = IN_A_CONTAINER.iter().any(|file| fs::exists(file).unwrap_or(false));
        let networks: fn(u16) -> Vec<Address> = if in_a_container { |_| Vec::new() } else { networks::addresses };
        Ok(Entrance {
            public,
            stage_port,
            port: addresses::HTTP_PORT.number()?,
            networks,
            state: Mutex::default(),
            asked: Notify::new(),
        })
    }

    /// Has all addresses tried in the background.
    pub fn try_all(&self) {
        self.asked.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Call when the presenter opens the console. Returns whether that reveals a new address of the shop.
    pub fn console_opened(&self, arrival: &Arrival) -> bool {
        let told = self.beside(arrival).and_then(|url| Address::read(&url));
        let Some(address) = told.filter(|address| !address.is_of_this_machine_only()) else { return false };
        self.state().console.replace(address.clone()) != Some(address)
    }

    /// The shop as the sender of this request finds it: on the same host. A proxy may hide the stage's port, and the
    /// shop's is unknown; then it is `PUBLIC_URL`, if that is set.
    pub fn shop_at(&self, arrival: &Arrival) -> String {
        let public = || self.public.as_ref().map(|public| public.url().to_owned());
        self.beside(arrival).or_else(public).unwrap_or_else(|| format!("http://127.0.0.1:{}", self.port))
    }

    /// The shop on the host of a request with the stage's own port.
    fn beside(&self, arrival: &Arrival) -> Option<String> {
        let host = arrival.host.strip_suffix(&format!(":{}", self.stage_port))?;
        Some(format!("{}://{host}:{}", if arrival.is_https { "https" } else { "http" }, self.port))
    }

    /// All addresses to choose from.
    fn addresses(&self) -> Vec<Address> {
        if let Some(public) = &self.public {
            return vec![public.clone()];
        }
        let known = {
            let state = self.state();
            [state.console.clone(), state.typed.clone()]
        };
        let addresses = known.into_iter().flatten().chain((self.networks)(self.port));
        let mut unique: Vec<Address> = Vec::new();
        for address in addresses {
            if !unique.contains(&address) {
                unique.push(address);
            }
        }
        unique.truncate(ADDRESSES_MAX);
        unique
    }

    /// Chooses the address of this name, or a typed one; `None` leaves the choice to the stage.
    ///
    /// # Errors
    /// If the address cannot be chosen.
    pub fn choose(&self, name: Option<&str>) -> Result<(), NotChosen> {
        let chosen = match name {
            None => None,
            Some(name) if self.addresses().iter().any(|address| address.name() == name) => Some(name.to_owned()),
            Some(_) if self.public.is_some() => return Err(NotChosen::Fixed),
            Some(typed) => {
                let typed = Address::typed(typed).filter(|typed| !typed.is_of_this_machine_only());
                let typed = typed.ok_or(NotChosen::Unusable)?;
                let name = typed.name().to_owned();
                self.state().typed = Some(typed);
                Some(name)
            }
        };
        self.state().chosen = chosen;
        Ok(())
    }

    pub fn view(&self) -> QrView {
        let addresses = self.addresses();
        let state = self.state();
        let is_settled = self.public.is_some() || state.console.is_some();
        let address = shown(&addresses, state.chosen.as_deref(), is_settled).cloned();
        let reach = |address: &Address| match state.tried.get(address.name()) {
            None => Reach::NotTried,
            Some(true) => Reach::Answers,
            Some(false) => Reach::Silent,
        };
        let entrances = addresses.iter().map(|known| EntranceView {
            name: known.name().to_owned(),
            is_shown: Some(known) == address.as_ref(),
            reach: reach(known),
        });
        QrView { entrances: entrances.collect(), is_fixed: self.public.is_some(), address }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotChosen {
    /// Set by `PUBLIC_URL`.
    #[error("is set by PUBLIC_URL")]
    Fixed,
    /// Phones cannot use it.
    #[error("must be an address that phones can open, such as 192.168.1.20:8000 or https://beer.example.com")]
    Unusable,
}

/// The address that the room sees: the chosen one if it still exists; else the first, unless it is one of several
/// networks.
fn shown<'a>(addresses: &'a [Address], chosen: Option<&str>, is_settled: bool) -> Option<&'a Address> {
    let chosen = chosen.and_then(|name| addresses.iter().find(|address| address.name() == name));
    let usual = || addresses.first().filter(|_| is_settled || addresses.len() == 1);
    chosen.or_else(usual)
}

/// Tries each address whenever [`Entrance::try_all`] asks for it: calls the shop there. Results are shown as they come.
///
/// # Errors
/// Never; it goes on until it is dropped.
pub async fn keep_trying(entrance: Arc<Entrance>, live: Arc<LiveUpdates>) -> anyhow::Result<()> {
    loop {
        entrance.asked.notified().await;
        let trying = entrance.addresses().into_iter().map(|address| async { (answers(&address).await, address) });
        let mut trying: FuturesUnordered<_> = trying.collect();
        while let Some((answers, address)) = trying.next().await {
            entrance.state().tried.insert(address.name().to_owned(), answers);
            live.changed();
        }
    }
}

async fn answers(address: &Address) -> bool {
    let client = http_client(address.url()).timeout(TRY_WITHIN).redirect(Policy::none()).no_proxy().build();
    let Ok(client) = client else { return false };
    let answer = client.get(format!("{}/health/live", address.url())).send().await;
    answer.is_ok_and(|answer| answer.status().is_success())
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, SocketAddr};

    use axum::http::{HeaderMap, HeaderValue, header};

    use super::*;

    const HERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 5000);
    const FAR: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9)), 5000);

    fn entrance(public: Option<&str>) -> Entrance {
        let public = public.and_then(Address::read);
        Entrance {
            public,
            stage_port: 8001,
            port: 8000,
            networks: |_| Vec::new(),
            state: Mutex::default(),
            asked: Notify::new(),
        }
    }

    fn opened_by(host: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::HOST, HeaderValue::from_static(host))])
    }

    fn opened(entrance: &Entrance, headers: &HeaderMap, peer: SocketAddr) -> bool {
        entrance.console_opened(&Arrival::of(headers, peer, None))
    }

    #[test]
    fn the_public_address_wins_over_all() {
        let entrance = entrance(Some("https://beer.example.com/"));
        opened(&entrance, &opened_by("10.0.0.7:8001"), HERE);
        assert_eq!(entrance.choose(Some("10.0.0.7:8000")), Err(NotChosen::Fixed));
        let view = entrance.view();
        assert_eq!(view.address.as_ref().map(Address::url), Some("https://beer.example.com"));
        assert!(view.is_fixed && view.entrances.len() == 1);
    }

    #[test]
    fn the_console_is_opened_by_an_address_that_phones_can_use_or_it_says_nothing() {
        let entrance = entrance(None);
        for local in ["localhost:8001", "127.0.0.1:8001", "[::1]:8001", "10.0.0.7:8000", "beer.example.com", "", "a b"]
        {
            assert!(!opened(&entrance, &opened_by(local), HERE), "{local}");
        }
        assert_eq!(entrance.view(), QrView::default());
        assert!(opened(&entrance, &opened_by("10.0.0.7:8001"), HERE));
        assert!(!opened(&entrance, &opened_by("10.0.0.7:8001"), HERE), "no news");
        assert_eq!(entrance.view().address.as_ref().map(Address::url), Some("http://10.0.0.7:8000"));
    }

    #[test]
    fn a_browser_finds_the_shop_on_the_host_where_it_found_the_stage() {
        let at = |entrance: &Entrance, host| entrance.shop_at(&Arrival::of(&opened_by(host), HERE, None));
        let private = entrance(None);
        for (stage, shop) in [
            ("localhost:8001", "http://localhost:8000"),
            ("127.0.0.1:8001", "http://127.0.0.1:8000"),
            ("[::1]:8001", "http://[::1]:8000"),
            ("10.0.0.7:8001", "http://10.0.0.7:8000"),
            ("stage.example.com", "http://127.0.0.1:8000"),
        ] {
            assert_eq!(at(&private, stage), shop);
        }
        let public = entrance(Some("https://beer.example.com"));
        assert_eq!(at(&public, "localhost:8001"), "http://localhost:8000", "it is faster, and works offline");
        assert_eq!(at(&public, "stage.example.com"), "https://beer.example.com");
        let mut behind_a_proxy = opened_by("127.0.0.1:8001");
        behind_a_proxy.insert("x-forwarded-host", HeaderValue::from_static("10.0.0.7:8001"));
        behind_a_proxy.insert("x-forwarded-proto", HeaderValue::from_static("https"));
        let seen = |peer| private.shop_at(&Arrival::of(&behind_a_proxy, peer, None));
        assert_eq!(seen(HERE), "https://10.0.0.7:8000");
        assert_eq!(seen(FAR), "http://127.0.0.1:8000", "anybody can send this");
    }

    #[test]
    fn the_presenter_may_type_another_address() {
        let entrance = entrance(None);
        for wrong in ["", "not an address", "localhost:8000", "https://example.com/beer"] {
            assert_eq!(entrance.choose(Some(wrong)), Err(NotChosen::Unusable), "{wrong}");
        }
        assert_eq!(entrance.view(), QrView::default());
        opened(&entrance, &opened_by("10.0.0.7:8001"), HERE);
        assert_eq!(entrance.choose(Some("https://beer.example.com/")), Ok(()));
        let shown = || entrance.view().address.map(|address| address.url().to_owned());
        assert_eq!(shown().as_deref(), Some("https://beer.example.com"));
        assert_eq!(entrance.choose(Some("10.0.0.7:8000")), Ok(()));
        assert_eq!(shown().as_deref(), Some("http://10.0.0.7:8000"));
        assert_eq!(entrance.choose(Some("beer.example.com")), Ok(()), "it is still offered");
        assert_eq!(shown().as_deref(), Some("https://beer.example.com"));
    }

    #[test]
    fn the_address_of_the_console_comes_before_those_of_the_networks() {
        let two = |port| [[10, 0, 0, 7], [192, 168, 1, 20]].map(|ip| Address::of_machine(ip.into(), port)).into();
        let entrance = Entrance { networks: two, ..entrance(None) };
        let shown = || entrance.view().address.map(|address| address.name().to_owned());
        assert_eq!(shown(), None);
        assert!(opened(&entrance, &opened_by("beer.local:8001"), HERE));
        assert_eq!(shown().as_deref(), Some("beer.local:8000"));
        assert_eq!(entrance.choose(Some("192.168.1.20:8000")), Ok(()));
        assert_eq!(shown().as_deref(), Some("192.168.1.20:8000"));
        assert_eq!(entrance.choose(Some("typed.local")), Ok(()));
        assert_eq!(shown().as_deref(), Some("typed.local"));
        let offered: Vec<_> = entrance.view().entrances.into_iter().map(|entrance| entrance.name).collect();
        assert_eq!(offered, ["beer.local:8000", "typed.local", "10.0.0.7:8000", "192.168.1.20:8000"]);
        assert_eq!(entrance.choose(None), Ok(()));
        assert_eq!(shown().as_deref(), Some("beer.local:8000"));
    }

    #[test]
    fn among_several_networks_nobody_guesses() {
        let two = ["http://10.0.0.7:8000", "http://192.168.1.20:8000"].map(|url| Address::read(url).unwrap());
        let shown = |addresses, chosen, is_settled| shown(addresses, chosen, is_settled).map(Address::name);
        assert_eq!(shown(&two, None, false), None);
        assert_eq!(shown(&two, Some("192.168.1.20:8000"), false), Some("192.168.1.20:8000"));
        assert_eq!(shown(&two, Some("10.9.9.9:8000"), false), None, "it is gone");
        assert_eq!(shown(&two, None, true), Some("10.0.0.7:8000"));
        assert_eq!(shown(&two[1..], None, false), Some("192.168.1.20:8000"));
        assert_eq!(shown(&[], None, true), None);
    }

    #[tokio::test]
    async fn an_address_answers_if_a_shop_is_behind_it() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = Address::read(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let health = axum::Router::new().route("/health/live", axum::routing::get(|| async { "live" }));
        let serving = tokio::spawn(axum::serve(listener, health).into_future());
        assert!(answers(&address).await);
        serving.abort();
        assert!(serving.await.unwrap_err().is_cancelled());
        assert!(!answers(&address).await);
    }
}

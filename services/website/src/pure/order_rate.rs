//! How fast each browser orders, and which orders are its own. Time is a parameter.
//!
//! A browser is known by a random number in a cookie, so that phones behind one address do not share a limit. Clients
//! without a cookie share a wide limit per address: a single machine does not get around it, and a room of browsers
//! without cookies still gets its beer. The limit is for eager thumbs, not against attackers, who may ask for a new cookie
//! as often as they like.

use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
    time::{Duration, Instant},
};

use events::ids::OrderId;

/// The most orders of one browser within [`WITHIN`].
pub const ORDERS_MAX: usize = 10;
/// The most orders of all clients without a cookie behind one address.
pub const NAMELESS_ORDERS_MAX: usize = 500;
/// The period in which orders are counted.
pub const WITHIN: Duration = Duration::from_secs(10);
/// The most browsers and addresses remembered. The one that ordered longest ago is forgotten first.
const REMEMBERED_MAX: usize = 5_000;
/// The most orders remembered as a browser's own. The oldest is forgotten first.
const OWN_ORDERS_MAX: usize = 50;

/// Whose orders are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Orderer {
    Browser(String),
    /// All clients without a cookie behind this address.
    Nameless(IpAddr),
}

impl Orderer {
    const fn most(&self) -> usize {
        match self {
            Orderer::Browser(_) => ORDERS_MAX,
            Orderer::Nameless(_) => NAMELESS_ORDERS_MAX,
        }
    }
}

/// Whole seconds to wait, at least one.
pub fn whole_seconds(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u64::MAX).max(1)
}

/// The browsers and addresses that ordered lately.
#[derive(Debug, Default)]
pub struct Browsers(HashMap<Orderer, Remembered>);

#[derive(Debug, Default)]
struct Remembered {
    /// When it placed the orders that still count, oldest first.
    placed: VecDeque<Instant>,
    /// When it placed its last order.
    last: Option<Instant>,
    own: VecDeque<OrderId>,
}

impl Browsers {
    /// Counts an order that is about to be placed.
    ///
    /// # Errors
    /// How long to wait, if there were too many. This one is not counted then.
    pub fn order(&mut self, orderer: &Orderer, at: Instant) -> Result<(), Duration> {
        if !self.0.contains_key(orderer) {
            self.make_room();
        }
        let remembered = self.0.entry(orderer.clone()).or_default();
        while remembered.placed.front().is_some_and(|placed| at.saturating_duration_since(*placed) >= WITHIN) {
            remembered.placed.pop_front();
        }
        if let Some(oldest) = remembered.placed.front().filter(|_| remembered.placed.len() >= orderer.most()) {
            return Err(WITHIN.saturating_sub(at.saturating_duration_since(*oldest)));
        }
        remembered.placed.push_back(at);
        remembered.last = Some(at);
        Ok(())
    }

    fn make_room(&mut self) {
        if self.0.len() < REMEMBERED_MAX {
            return;
        }
        let longest_ago = self.0.iter().min_by_key(|(_, remembered)| remembered.last);
        if let Some(forgotten) = longest_ago.map(|(orderer, _)| orderer.clone()) {
            self.0.remove(&forgotten);
        }
    }

    /// Remembers this order as this browser's own.
    pub fn owns(&mut self, orderer: &Orderer, order_id: OrderId) {
        let (Orderer::Browser(_), Some(remembered)) = (orderer, self.0.get_mut(orderer)) else { return };
        if remembered.own.len() >= OWN_ORDERS_MAX {
            remembered.own.pop_front();
        }
        remembered.own.push_back(order_id);
    }

    /// Whether this order is remembered as this browser's own.
    pub fn is_own(&self, browser: &str, order_id: &OrderId) -> bool {
        let remembered = self.0.get(&Orderer::Browser(browser.to_owned()));
        remembered.is_some_and(|remembered| remembered.own.contains(order_id))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;

    const SECOND: u64 = 1_000_000;

    fn phone(n: usize) -> Orderer {
        Orderer::Browser(format!("{n:032x}"))
    }

    fn at(micros: u64) -> Instant {
        static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);
        *BEGINNING + Duration::from_micros(micros)
    }

    #[test]
    fn the_eleventh_order_within_ten_seconds_waits_for_the_first_to_be_old() {
        let mut browsers = Browsers::default();
        for n in 0..10 {
            assert_eq!(browsers.order(&phone(1), at(n * SECOND / 2)), Ok(()));
        }
        assert_eq!(browsers.order(&phone(1), at(5 * SECOND)), Err(Duration::from_secs(5)));
        assert_eq!(browsers.order(&phone(2), at(5 * SECOND)), Ok(()), "another phone");
        assert_eq!(browsers.order(&phone(1), at(10 * SECOND - 1)), Err(Duration::from_micros(1)));
        assert_eq!(browsers.order(&phone(1), at(10 * SECOND)), Ok(()));
        assert_eq!(browsers.order(&phone(1), at(10 * SECOND)), Err(Duration::from_millis(500)));
    }

    #[test]
    fn who_keeps_trying_is_not_kept_waiting_for_it() {
        let mut browsers = Browsers::default();
        for _ in 0..10 {
            browsers.order(&phone(1), at(0)).unwrap();
        }
        for second in 1..10 {
            assert!(browsers.order(&phone(1), at(second * SECOND)).is_err());
        }
        assert_eq!(browsers.order(&phone(1), at(10 * SECOND)), Ok(()));
    }

    #[test]
    fn without_cookies_a_room_shares_a_wide_limit() {
        let mut browsers = Browsers::default();
        let room = Orderer::Nameless([10, 0, 0, 7].into());
        for _ in 0..NAMELESS_ORDERS_MAX {
            browsers.order(&room, at(0)).unwrap();
        }
        assert!(browsers.order(&room, at(SECOND)).is_err());
        assert!(browsers.order(&Orderer::Nameless([10, 0, 0, 8].into()), at(SECOND)).is_ok());
    }

    #[test]
    fn the_browser_that_ordered_longest_ago_is_forgotten() {
        let mut browsers = Browsers::default();
        let order: OrderId = "k7m2q9xd".parse().unwrap();
        for n in 0..REMEMBERED_MAX {
            browsers.order(&phone(n), at(u64::try_from(n).unwrap())).unwrap();
            browsers.owns(&phone(n), order.clone());
        }
        browsers.order(&phone(REMEMBERED_MAX), at(SECOND)).unwrap();
        assert_eq!(browsers.0.len(), REMEMBERED_MAX);
        let knows = |n: usize| browsers.is_own(&format!("{n:032x}"), &order);
        assert!(!knows(0) && knows(1));
    }

    #[test]
    fn an_order_is_its_own_browsers_only() {
        let mut browsers = Browsers::default();
        let order = |n: usize| -> OrderId { format!("o{n}").parse().unwrap() };
        let nameless = Orderer::Nameless([10, 0, 0, 7].into());
        for orderer in [&phone(1), &nameless] {
            browsers.order(orderer, at(0)).unwrap();
        }
        for n in 0..=OWN_ORDERS_MAX {
            browsers.owns(&phone(1), order(n));
            browsers.owns(&nameless, order(n));
        }
        let (mine, yours) = (format!("{:032x}", 1), format!("{:032x}", 2));
        assert!(browsers.is_own(&mine, &order(OWN_ORDERS_MAX)) && !browsers.is_own(&yours, &order(1)));
        assert!(!browsers.is_own(&mine, &order(0)), "the oldest is forgotten");
    }
}

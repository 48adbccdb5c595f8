//! A room full of phones that each follow their own order.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Result;
use tokio::task::JoinSet;

use crate::{Feed, Shop, load};

/// The most phones in a room.
pub const PHONES_MAX: usize = 1_500;

/// What the phones received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard {
    /// The number of open streams.
    pub phones: usize,
    /// All news except heartbeats.
    pub news: u64,
}

/// Places `rate` orders per second for `seconds`. The newest of them are followed by `phones`, each from the moment it
/// is placed. With no phones it is the load alone.
///
/// # Errors
/// If a phone is refused, or the load is beyond its limits.
pub async fn follow(shop: &Shop, phones: usize, rate: u64, seconds: u64) -> Result<Heard> {
    anyhow::ensure!(phones <= PHONES_MAX, "at most {PHONES_MAX} phones");
    let placed: Arc<Mutex<VecDeque<String>>> = Arc::default();
    let news = Arc::new(AtomicU64::new(0));
    let noting = Arc::clone(&placed);
    let load = load::place(shop, rate, seconds, move |id, _| {
        noting.lock().unwrap_or_else(PoisonError::into_inner).push_back(id.to_owned());
    });
    let mut room = JoinSet::new();
    let opened = async {
        let mut open = 0;
        while open < phones {
            let next = placed.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some(id) = next else {
                tokio::time::sleep(Duration::from_millis(5)).await;
                continue;
            };
            let mut feed = Feed::open(shop, &format!("/live/orders/{id}")).await?;
            let news = Arc::clone(&news);
            room.spawn(async move {
                while let Ok(Some(event)) = feed.next().await {
                    news.fetch_add(u64::from(event.name == "fragments"), Ordering::Relaxed);
                }
            });
            open += 1;
        }
        anyhow::Ok(open)
    };
    let (load, open) = tokio::join!(load, opened);
    load?;
    Ok(Heard { phones: open?, news: news.load(Ordering::Relaxed) })
}

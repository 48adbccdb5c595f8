//! How smoothly a real browser draws the map while orders come in.

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::json;

use crate::{Shop, Stage, browser::Browser, load};

/// How smoothly a page was drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frames {
    /// Frames per second over the whole time.
    pub per_second: f64,
    /// Frames in the worst second.
    pub worst: f64,
    /// The longest time without a frame, in milliseconds.
    pub longest_gap_ms: f64,
    /// News from the server, per second.
    pub news_per_second: f64,
}

/// Counts `requestAnimationFrame` per second, and the page's news.
const COUNT: &str = "
    const [seconds, done] = arguments;
    const frames = new Array(seconds).fill(0);
    const began = performance.now();
    let last = began, gap = 0, news = 0;
    const heard = () => { news += 1; };
    document.addEventListener('fragments', heard);
    requestAnimationFrame(function frame(now) {
      gap = Math.max(gap, now - last);
      last = now;
      const second = Math.floor((now - began) / 1000);
      if (second < seconds) { frames[Math.max(0, second)] += 1; requestAnimationFrame(frame); return; }
      document.removeEventListener('fragments', heard);
      done([frames.reduce((sum, n) => sum + n, 0) / seconds, Math.min(...frames), gap, news / seconds]);
    });";

/// Draws the map at 1920 × 1080 for `seconds` while `rate` orders per second come in.
pub async fn count(shop: &Shop, stage: &Stage, rate: u64, seconds: u64) -> Result<Frames> {
    const WARM_UP_S: u64 = 4;
    let browser = Browser::open().await?;
    let driver = browser.driver.clone();
    driver.set_window_rect(0, 0, 1920, 1080).await?;
    driver.set_script_timeout(Duration::from_secs(seconds + 30)).await?;
    driver.goto(stage.address()).await?;
    let shop = shop.clone();
    let ordering = tokio::spawn(async move { load::place(&shop, rate, seconds + 2 * WARM_UP_S, |_, _| {}).await });
    tokio::time::sleep(Duration::from_secs(WARM_UP_S)).await;
    let counted = driver.execute_async(COUNT, vec![json!(seconds)]).await;
    ordering.await??;
    browser.close().await?;
    let counted = counted?;
    let number = |index: usize| counted.json()[index].as_f64().context("the page did not count");
    Ok(Frames { per_second: number(0)?, worst: number(1)?, longest_gap_ms: number(2)?, news_per_second: number(3)? })
}

//! A real browser, without a window, closed whatever happens.

use std::{future::Future, process::Stdio, time::Duration};

use anyhow::{Context as _, Result, ensure};
use bus::http_client;
use serde_json::Value;
use thirtyfour::{By, ChromiumLikeCapabilities as _, DesiredCapabilities, WebDriver};
use tokio::process::{Child, Command};

use crate::{free_port, until};

/// How long the browser may take to open, and a page to say what is expected of it.
const SOON: Duration = Duration::from_secs(20);
/// How long a command to the browser may take.
const COMMAND_WITHIN: Duration = Duration::from_secs(120);
/// The bit of the Shift key among the modifiers of a stroke, in the DevTools protocol.
const SHIFT: u8 = 8;
/// What the browser is told: nothing of its own goes over the network, and it has no window.
const ARGUMENTS: [&str; 10] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--lang=en",
    "--window-size=1280,720",
];

/// A browser and the driver in front of it, closed together.
pub struct Browser {
    /// To tell it what to do.
    pub driver: WebDriver,
    process: Child,
    address: String,
}

impl Browser {
    /// Opens a browser.
    ///
    /// # Errors
    /// If `chromedriver` or its browser cannot be started.
    pub async fn open() -> Result<Self> {
        let port = free_port()?;
        let process = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("chromedriver cannot be started; scripts/need chromium chromedriver installs it")?;
        let mut wanted = DesiredCapabilities::chrome();
        for argument in ARGUMENTS {
            wanted.add_arg(argument)?;
        }
        let address = format!("http://127.0.0.1:{port}");
        let client = http_client(&address).timeout(COMMAND_WITHIN).build()?;
        let driver = until("the browser", SOON, || async {
            Ok(WebDriver::builder(&address, wanted.clone()).client(client.clone()).await?)
        })
        .await?;
        Ok(Browser { driver, process, address })
    }

    /// A command of the DevTools protocol: what the driver's own protocol has no word for.
    ///
    /// # Errors
    /// If it is refused.
    pub async fn command(&self, name: &str, parameters: Value) -> Result<Value> {
        let session = self.driver.handle().session_id().to_string();
        let address = format!("{}/session/{session}/goog/cdp/execute", self.address);
        let body = serde_json::json!({"cmd": name, "params": parameters});
        let answer: Value = http_client(&address).build()?.post(address).json(&body).send().await?.json().await?;
        anyhow::ensure!(answer["value"]["error"].is_null(), "{name}: {answer}");
        Ok(answer["value"].clone())
    }

    /// Presses a key and lets it go: what stands on it in the keyboard's layout, and where it is.
    ///
    /// # Errors
    /// If the browser does not take it.
    pub async fn press(&self, key: &str, code: &str) -> Result<()> {
        self.stroke(key, code, 0).await
    }

    /// The same while Shift is held.
    ///
    /// # Errors
    /// As [`Browser::press`].
    pub async fn press_shifted(&self, key: &str, code: &str) -> Result<()> {
        self.stroke(key, code, SHIFT).await
    }

    async fn stroke(&self, key: &str, code: &str, modifiers: u8) -> Result<()> {
        for kind in ["keyDown", "keyUp"] {
            let stroke = serde_json::json!({"type": kind, "key": key, "code": code, "modifiers": modifiers});
            self.command("Input.dispatchKeyEvent", stroke).await?;
        }
        Ok(())
    }

    /// Closes it.
    ///
    /// # Errors
    /// If it does not answer any more; it is killed then.
    pub async fn close(mut self) -> Result<()> {
        let quit = self.driver.quit().await;
        self.process.kill().await?;
        Ok(quit?)
    }
}

/// Plays in a browser of its own, which is closed whatever happens.
///
/// # Errors
/// If there is no browser, or what was played failed.
pub async fn in_browser<Playing>(play: impl FnOnce(WebDriver) -> Playing) -> Result<()>
where
    Playing: Future<Output = Result<()>>,
{
    let browser = Browser::open().await?;
    let played = play(browser.driver.clone()).await;
    browser.close().await?;
    played
}

/// Plays in a browser of its own with commands of the DevTools protocol; it is closed whatever happens.
///
/// # Errors
/// As [`in_browser`].
pub async fn with_browser(play: impl AsyncFnOnce(&Browser) -> Result<()>) -> Result<()> {
    let browser = Browser::open().await?;
    let played = play(&browser).await;
    browser.close().await?;
    played
}

/// What the first element that matches says.
///
/// # Errors
/// If there is none.
pub async fn text(driver: &WebDriver, selector: &str) -> Result<String> {
    Ok(driver.find(By::Css(selector)).await?.text().await?)
}

/// Waits until an element says this, among other things.
///
/// # Errors
/// If it does not within the limit.
pub async fn until_text(driver: &WebDriver, selector: &str, expected: &str) -> Result<()> {
    until(&format!("{selector} to say {expected:?}"), SOON, || async {
        let text = text(driver, selector).await?;
        ensure!(text.contains(expected), "{selector} says {text:?}");
        Ok(())
    })
    .await
}

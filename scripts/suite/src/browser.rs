//! A real browser without a window, closed whatever happens.

use std::{future::Future, process::Stdio, time::Duration};

use anyhow::{Context as _, Result, ensure};
use bus::http_client;
use serde_json::Value;
use thirtyfour::{By, ChromiumLikeCapabilities as _, DesiredCapabilities, WebDriver};
use tokio::process::{Child, Command};

use crate::{free_port, until};

/// How long the browser may take to open, and a page to show what is expected.
const SOON: Duration = Duration::from_secs(20);
/// The longest time for one command to the browser.
const COMMAND_WITHIN: Duration = Duration::from_secs(120);
/// The bit of the Shift key in the modifiers of a keystroke, in the DevTools protocol.
const SHIFT: u8 = 8;
/// No window, and no network traffic of the browser's own.
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

/// A browser and its driver, closed together.
pub struct Browser {
    pub driver: WebDriver,
    process: Child,
    address: String,
}

impl Browser {
    /// Opens a browser.
    ///
    /// # Errors
    /// If `chromedriver` or its browser cannot be started.
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

    /// A command of the DevTools protocol, for what WebDriver lacks.
    /// If it is refused.
    pub async fn command(&self, name: &str, parameters: Value) -> Result<Value> {
        let session = self.driver.handle().session_id().to_string();
        let address = format!("{}/session/{session}/goog/cdp/execute", self.address);
        let body = serde_json::json!({"cmd": name, "params": parameters});
        let answer: Value = http_client(&address).build()?.post(address).json(&body).send().await?.json().await?;
        anyhow::ensure!(answer["value"]["error"].is_null(), "{name}: {answer}");
        Ok(answer["value"].clone())
    }

    /// Presses a key and releases it: `key` is its character in the keyboard's layout, `code` its position.
    pub async fn press(&self, key: &str, code: &str) -> Result<()> {
        self.stroke(key, code, 0).await
    }

    /// Presses it while Shift is held.
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

    /// Closes both.
    ///
    /// # Errors
    /// If the browser does not answer any more; it is killed then.
    pub async fn close(mut self) -> Result<()> {
        let quit = self.driver.quit().await;
        self.process.kill().await?;
        Ok(quit?)
    }
}

/// Runs `play` in its own browser, which is closed whatever happens.
///
/// # Errors
/// If there is no browser, or `play` fails.
pub async fn in_browser<Playing>(play: impl FnOnce(WebDriver) -> Playing) -> Result<()>
where
    Playing: Future<Output = Result<()>>,
{
    let browser = Browser::open().await?;
    let played = play(browser.driver.clone()).await;
    browser.close().await?;
    played
}

/// Runs `play` in its own browser, with commands of the DevTools protocol. It is closed whatever happens.
///
/// # Errors
/// As [`in_browser`].
pub async fn with_browser(play: impl AsyncFnOnce(&Browser) -> Result<()>) -> Result<()> {
    let browser = Browser::open().await?;
    let played = play(&browser).await;
    browser.close().await?;
    played
}

/// The text of the first element that matches.
pub async fn text(driver: &WebDriver, selector: &str) -> Result<String> {
    Ok(driver.find(By::Css(selector)).await?.text().await?)
}

/// Waits until an element contains this text.
pub async fn until_text(driver: &WebDriver, selector: &str, expected: &str) -> Result<()> {
    until(&format!("{selector} to say {expected:?}"), SOON, || async {
        let text = text(driver, selector).await?;
        ensure!(text.contains(expected), "{selector} says {text:?}");
        Ok(())
    })
    .await
}

//! The room in which an act is played: the APIs of shop and stage, and a browser on the wall.

use std::time::Duration;

use anyhow::{Context as _, Error, Result, bail, ensure};
use reqwest::StatusCode;
use serde_json::{Value, json};
use thirtyfour::{By, WebDriver};

use super::{
    Place,
    witness::{Mark, Witness},
};
use crate::{Shop, Site, Stage, until};

/// How long anything the room must see may take.
pub(super) const SOON: Duration = Duration::from_secs(30);
/// How long the suite may take to come to rest, also after a broker was away.
const REST_WITHIN: Duration = Duration::from_secs(90);
const WALL: (u32, u32) = (1920, 1080);
/// The final states of an order, unless somebody takes care of it.
const ENDS: [&str; 4] = ["delivered", "refused", "stranded", "returned"];

/// An act as the console offers it.
pub(super) struct Act {
    pub(super) number: u8,
    pub(super) title: String,
    pub(super) page: String,
    pub(super) length: u8,
}

pub(super) struct Room<'a> {
    pub(super) place: &'a Place,
    pub(super) shop: &'a Shop,
    pub(super) stage: &'a Stage,
    pub(super) driver: &'a WebDriver,
    pub(super) witness: &'a Witness,
    /// The page of the act.
    pub(super) page: String,
    /// The witness's mark when the act began.
    pub(super) began: Mark,
    done: u8,
}

/// Signs the browser in as the presenter.
pub(super) async fn sign_in(place: &Place, driver: &WebDriver) -> Result<()> {
    driver.set_window_rect(0, 0, WALL.0, WALL.1).await?;
    driver.goto(format!("{}/sign-in?lang=en&next=/console", place.stage.address())).await?;
    driver.find(By::Css("#token")).await?.send_keys(place.stage.token()).await?;
    driver.find(By::Css("button[type=submit]")).await?.click().await?;
    until("the console after signing in", SOON, || async {
        driver.find(By::Css("[data-act]")).await.context("the presenter's token is not accepted")?;
        Ok(())
    })
    .await
}

/// The acts on the console.
pub(super) async fn bill(place: &Place, driver: &WebDriver) -> Result<Vec<Act>> {
    driver.goto(format!("{}/console?lang=en", place.stage.address())).await?;
    let script = "return [...document.querySelectorAll('[data-act]')].map(act => [Number(act.dataset.act), \
                  act.lastChild.textContent.trim(), act.dataset.page, Number(act.dataset.length)])";
    let offered = driver.execute(script, Vec::new()).await?;
    let act = |act: &Value| {
        let number = |value: &Value| value.as_u64().and_then(|number| u8::try_from(number).ok());
        let words = |value: &Value| value.as_str().map(str::to_owned);
        Some(Act { number: number(&act[0])?, title: words(&act[1])?, page: words(&act[2])?, length: number(&act[3])? })
    };
    let acts: Option<Vec<Act>> = offered.json().as_array().into_iter().flatten().map(act).collect();
    acts.filter(|acts| !acts.is_empty()).context("the console offers no act")
}

impl<'a> Room<'a> {
    pub(super) fn new(place: &'a Place, driver: &'a WebDriver, witness: &'a Witness) -> Self {
        let (shop, stage, page, began) = (&place.shop, &place.stage, "/".to_owned(), witness.mark());
        Room { place, shop, stage, driver, witness, page, began, done: 0 }
    }

    /// Puts the suite into the initial state of an act; the wall shows the act's page.
    pub(super) async fn begin(&mut self, act: &Act) -> Result<()> {
        (self.done, self.began, self.page) = (0, self.witness.mark(), act.page.clone());
        self.stage.direct(&format!("/api/stage/acts/{}", act.number), None).await?;
        self.look_at(&act.page).await
    }

    /// Does the next step of the act.
    pub(super) async fn next(&mut self) -> Result<()> {
        self.done += 1;
        self.again().await
    }

    /// Does the last step again.
    pub(super) async fn again(&self) -> Result<()> {
        self.stage.press(&format!("steps/{}", self.done)).await.map(drop)
    }

    /// Does the next step if it is offered here; returns whether it was.
    pub(super) async fn next_if_offered(&mut self) -> Result<bool> {
        self.done += 1;
        let path = format!("/api/stage/steps/{}", self.done);
        let answer = self.stage.post_as_presenter(&path, Some(&self.stage.position().await?)).await?;
        let status = answer.status();
        ensure!(status.is_success() || status == StatusCode::CONFLICT, "{path} is answered {status}");
        Ok(status.is_success())
    }

    /// Does the next step as soon as possible: a broker may be away.
    pub(super) async fn next_when_possible(&mut self) -> Result<()> {
        self.done += 1;
        until("the step to be possible", REST_WITHIN, || self.again()).await
    }

    pub(super) fn steps_done(&self) -> u8 {
        self.done
    }

    /// Adds the step to an error.
    pub(super) fn say_where(&self, error: Error) -> Error {
        if self.done == 0 { error } else { error.context(format!("step {}", self.done)) }
    }

    /// Shows a page of the stage on the wall and waits until it is live.
    pub(super) async fn look_at(&self, page: &str) -> Result<()> {
        self.show(self.stage, page).await
    }

    /// Shows a page of a site in the browser and waits until it is live.
    pub(super) async fn show(&self, site: &Site, page: &str) -> Result<()> {
        self.driver.goto(format!("{}{page}?lang=en", site.address())).await?;
        until(&format!("{page} to be live"), SOON, || async {
            let class = self.driver.find(By::Css("body")).await?.class_name().await?.unwrap_or_default();
            ensure!(class.split_whitespace().any(|class| class == "live"), "{page} is not live");
            Ok(())
        })
        .await
    }

    /// How many elements of the page on the wall match.
    pub(super) async fn count(&self, selector: &str) -> Result<usize> {
        Ok(self.driver.find_all(By::Css(selector)).await?.len())
    }

    /// Waits until enough elements of the page on the wall match.
    pub(super) async fn until_seen(&self, selector: &str, enough: impl Fn(usize) -> bool) -> Result<()> {
        until(&format!("the wall to show {selector}"), SOON, || async {
            let count = self.count(selector).await?;
            ensure!(enough(count), "{count} of them");
            Ok(())
        })
        .await
    }

    /// Waits until the stage's API at this path returns what `so` accepts, and returns it.
    pub(super) async fn until_says(&self, what: &str, path: &str, so: impl Fn(&Value) -> bool) -> Result<Value> {
        until(what, SOON, || async {
            let said = self.stage.get(path).await?;
            if so(&said) { Ok(said) } else { bail!("{said}") }
        })
        .await
    }

    /// Waits until the witness has seen the act's sample order since `mark`, and returns its id.
    pub(super) async fn until_sample_order(&self, mark: Mark) -> Result<String> {
        until("the sample order", SOON, || async {
            for id in self.witness.placed_since(mark) {
                let order = self.stage.get(&format!("/api/orders/{id}")).await?;
                if order["customer"] == "Ada" {
                    return Ok(id);
                }
            }
            bail!("nobody placed it")
        })
        .await
    }

    /// Sends the crowd home, brings everything that is on its way to its end, and stays there.
    pub(super) async fn clear(&self) -> Result<Value> {
        let clear = json!({
            "couriers": 20, "courier_pace_ms": 50, "crowd": null, "stock_level": null, "paused": [], "fraud_watch": false,
            "restock": true
        });
        until("the stage to be cleared", REST_WITHIN, || self.stage.set(&clear)).await?;
        self.at_rest().await
    }

    /// Waits until nothing is on its way and returns the ledger, which balances then.
    pub(super) async fn at_rest(&self) -> Result<Value> {
        let rest = |ledger: &Value| ledger["orders"]["waiting"] == 0 && ledger["deliveries"]["under_way"] == 0;
        self.stage.until_ledger(REST_WITHIN, rest).await
    }

    /// The end of every act: nothing is lost, nothing twice, the sums hold, and the pages show the truth.
    pub(super) async fn curtain(&self) -> Result<()> {
        self.clear().await?;
        for id in self.witness.placed_since(self.began) {
            self.has_ended_once(&id).await?;
        }
        let ledger = self.at_rest().await?;
        ensure!(ledger["contradictions"].as_array().is_some_and(Vec::is_empty), "{ledger}");
        self.until_says("the stock to be shown as it is", "/api/stock", is_true).await?;
        self.everything_flows().await
    }

    /// No service waits for messages that wait for it. Where the broker does not show it, the check passes.
    async fn everything_flows(&self) -> Result<()> {
        let settings = self.stage.get("/api/settings").await?;
        let nobody_is_paused = settings["paused"].as_array().is_some_and(Vec::is_empty);
        if !nobody_is_paused || !self.place.broker.is_ready().await {
            return Ok(());
        }
        self.place.everything_flows(settings["episode"].as_u64().unwrap_or(0)).await
    }

    /// Waits until an order has come to its end; a customer gets it at most once.
    async fn has_ended_once(&self, id: &str) -> Result<()> {
        let ended = |statuses: &[String]| statuses.iter().any(|status| ENDS.contains(&status.as_str()));
        if !ended(&self.witness.statuses(id)) {
            let end = |order: &Value| order["status"].as_str().is_some_and(|status| ENDS.contains(&status));
            self.until_says("an order to end", &format!("/api/orders/{id}"), end).await?;
        }
        let deliveries = self.witness.statuses(id).iter().filter(|status| *status == "delivered").count();
        ensure!(deliveries <= 1, "order {id} was delivered {deliveries} times");
        Ok(())
    }
}

/// Whether every event of the log is handled, and the shown level of every beer is right.
pub(super) fn is_true(stock: &Value) -> bool {
    let behind = stock["beers"].as_array().into_iter().flatten().any(|beer| beer["behind"] != 0);
    stock["wrong"] == 0 && !behind
}

/// A number of the API; 0 if it is missing.
pub(super) fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

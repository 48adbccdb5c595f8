//! The presenter's sign-in: sessions, and attempts to act in the presenter's name.

use anyhow::{Context as _, Result, ensure};
use reqwest::{Method, Response, header};
use serde_json::{Value, json};
use suite::{
    Demo, Site,
    browser::{in_browser, until_text},
    elsewhere::Elsewhere,
    until,
};
use thirtyfour::By;

use crate::browser::{SOON, sign_in};

/// The most wrong tokens per minute.
const GUESSES_MAX: usize = 20;

/// Whether the console opens with this cookie.
async fn is_signed_in(demo: &Demo, cookie: &str) -> Result<bool> {
    let console = demo.stage.http().get(format!("{}/console", demo.stage.address()));
    let answer = console.header(header::COOKIE, cookie).send().await?;
    ensure!(answer.status() == 200, "the console answers {}", answer.status());
    Ok(answer.url().path() == "/console")
}

/// A session survives a kill of the stage and a reset, and ends when the presenter signs out.
pub async fn a_session_outlives_a_crash_and_a_reset(demo: &Demo) -> Result<()> {
    let set = demo.stage.sign_in(&[]).await?;
    ensure!(set.starts_with("presenter-") && !set.contains(demo.stage.token()), "{set}");
    ensure!(set.contains("HttpOnly") && set.contains("SameSite=Lax") && !set.contains("Secure"), "{set}");
    let behind_https = demo.stage.sign_in(&[("x-forwarded-proto", "https")]).await?;
    ensure!(behind_https.contains("; Secure"), "{behind_https}");
    let cookie = set.split(';').next().unwrap_or_default();
    ensure!(is_signed_in(demo, cookie).await?, "not signed in");
    let process = demo.process("stage")?;
    demo.kill("stage").await?;
    until("the stage to be back", SOON, || async {
        ensure!(demo.process("stage")? != process, "it is still the same process");
        ensure!(is_signed_in(demo, cookie).await?, "signed out by a crash");
        Ok(())
    })
    .await?;
    demo.stage.direct("/api/stage/reset", Some(&json!({"keep_settings": true}))).await?;
    ensure!(is_signed_in(demo, cookie).await?, "signed out by a reset");
    let out = demo.stage.http().post(format!("{}/sign-out", demo.stage.address()));
    out.header(header::COOKIE, cookie).send().await?;
    ensure!(!is_signed_in(demo, cookie).await?, "still signed in after signing out");
    let other = behind_https.split(';').next().unwrap_or_default();
    ensure!(is_signed_in(demo, other).await?, "another browser was signed out as well");
    Ok(())
}

/// A link on another site leads the presenter to the console, signed in. What that site sends by itself has no effect,
/// even from another port of this machine.
pub async fn another_site_leads_to_the_console_and_can_do_nothing_else(demo: &Demo) -> Result<()> {
    let here = demo.stage.address();
    let page = format!(
        "<title>Slides</title><a href='{here}/console?lang=en'>console</a>\
         <form method='post' action='{here}/sign-out?lang=en'><button>out</button></form>"
    );
    let elsewhere = Elsewhere::with_page(&page).await?;
    in_browser(|driver| async move {
        sign_in(&driver, demo, "/console").await?;
        for host in ["localhost", "127.0.0.1"] {
            let slides = format!("http://{host}:{}/", elsewhere.port());
            driver.goto(&slides).await?;
            driver.find(By::Css("a")).await?.click().await?;
            until_text(&driver, "#acts", "1").await.with_context(|| format!("from {host}"))?;
            driver.goto(&slides).await?;
            driver.find(By::Css("button")).await?.click().await?;
            until_text(&driver, "main", "another website").await?;
            driver.goto(&slides).await?;
            let post = format!(
                "const done = arguments[0];\
                 fetch('{here}/api/stage/acts/3', {{ method: 'POST', mode: 'no-cors', credentials: 'include' }})\
                 .then(() => done('sent'), (error) => done(String(error)))"
            );
            let sent = driver.execute_async(post, Vec::new()).await?.json().clone();
            ensure!(sent == "sent", "{sent}");
            let settings = demo.stage.get("/api/settings").await?;
            ensure!(settings["act"].is_null(), "a page at {host} began an act: {settings}");
            driver.goto(format!("{here}/console")).await?;
            until_text(&driver, "#acts", "1").await.with_context(|| format!("signed out by {host}"))?;
        }
        Ok(())
    })
    .await
}

/// A form or call with another origin is refused, whoever sends it; one with our own or without any is not.
pub async fn what_another_origin_sends_is_refused(demo: &Demo) -> Result<()> {
    let stages = ["/sign-in", "/sign-out", "/dead-letters/whatever/return", "/api/stage/next"];
    refuses_foreign_origins(&demo.stage, &stages, demo.shop.address()).await?;
    refuses_foreign_origins(&demo.shop, &["/orders", "/api/orders"], demo.stage.address()).await
}

async fn refuses_foreign_origins(site: &Site, paths: &[&str], other_site: &str) -> Result<()> {
    let post = async |path: &str, origin: &str| {
        let request = site.http().post(format!("{}{path}", site.address())).header(header::ORIGIN, origin);
        anyhow::Ok(request.send().await?.status().as_u16())
    };
    for path in paths {
        for foreign in ["https://evil.example", "http://127.0.0.1:1", "null", other_site] {
            let status = post(path, foreign).await?;
            ensure!(status == 403, "{path} from {foreign} is answered {status}");
        }
        let status = post(path, site.address()).await?;
        ensure!(status != 403, "{path} from here is answered {status}");
    }
    Ok(())
}

/// After many wrong tokens from one address, none from there is checked for a while, typed or sent by a program.
pub async fn guessing_the_token_is_slowed_down(demo: &Demo) -> Result<()> {
    // As through a tunnel: requests from this machine itself are counted apart.
    let call = |token: &str| {
        let request = demo.stage.http().patch(format!("{}/api/settings", demo.stage.address()));
        request.header("x-forwarded-for", "203.0.113.9").bearer_auth(token).json(&json!({})).send()
    };
    for _ in 0..GUESSES_MAX {
        let answer = call("a guess").await?;
        ensure!(answer.status() == 401, "{}", answer.status());
    }
    let refused: Response = call(demo.stage.token()).await?;
    ensure!(refused.status() == 429 && refused.headers().contains_key(header::RETRY_AFTER), "{refused:?}");
    let typed = demo.stage.http().post(format!("{}/sign-in?lang=en", demo.stage.address()));
    let typed = typed.header("x-forwarded-for", "203.0.113.9");
    let typed = typed.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body("token=let-me-in");
    let page = typed.send().await?;
    ensure!(page.status() == 429, "{}", page.status());
    ensure!(page.text().await?.contains("Too many wrong tokens"), "the page does not say so");
    let here: Value = demo.stage.set(&json!({})).await?;
    ensure!(here["couriers"].is_number(), "{here}");
    let anybody = demo.stage.call(Method::GET, "/", None).await?;
    ensure!(anybody.status() == 200, "{}", anybody.status());
    Ok(())
}

//! What the shop refuses: requests of other websites, and addresses of the stage.

use anyhow::Result;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use web::http::addresses;

use crate::Shop;

#[tokio::test(flavor = "multi_thread")]
async fn what_another_website_makes_a_browser_send_is_refused_at_every_door() -> Result<()> {
    let shop = Shop::open().await?;
    let api: Value = shop.get("/api/openapi.json").send().await?.json().await?;
    let calls = api["paths"].as_object().unwrap().iter().flat_map(|(path, methods)| {
        let changing = methods.as_object().unwrap().keys().filter(|method| *method != "get");
        changing.map(|method| (method.to_uppercase(), path.clone()))
    });
    let changes: Vec<_> = calls.chain([("POST".to_owned(), "/orders".to_owned())]).collect();
    assert_eq!(changes.len(), 2, "{changes:?}");
    for (method, path) in changes {
        for foreign in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")] {
            let sent = shop.http.request(Method::from_bytes(method.as_bytes())?, shop.url(&path));
            let sent = sent.header(foreign.0, foreign.1).header("content-type", "application/json").body("{}");
            assert_eq!(sent.send().await?.status(), StatusCode::FORBIDDEN, "{method} {path} with {foreign:?}");
        }
    }
    shop.website.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stage_is_not_here_and_only_a_browser_on_this_machine_is_told_where_it_is() -> Result<()> {
    let shop = Shop::open().await?;
    for (old, now) in
        [("/stage?lang=fr", "/?lang=fr"), ("/stage/stock?beer=orval", "/stock?beer=orval"), ("/console", "/console")]
    {
        let here = shop.get(old).send().await?;
        assert_eq!(here.status(), StatusCode::TEMPORARY_REDIRECT, "{old}");
        assert_eq!(here.headers()["location"], format!("{}{now}", addresses::stage()?.url()));
        let elsewhere = shop.get(old).header("x-forwarded-for", "192.0.2.7").send().await?;
        assert_eq!(elsewhere.status(), StatusCode::NOT_FOUND, "{old}");
        assert_eq!(
            shop.http.post(shop.url(old)).send().await?.status(),
            StatusCode::NOT_FOUND,
            "nothing is posted here"
        );
    }
    for gone in
        ["/sign-in", "/live/map", "/api/settings", "/api/ledger", "/api/stage/next", "/api/deliveries", "/stock"]
    {
        assert_eq!(shop.get(gone).send().await?.status(), StatusCode::NOT_FOUND, "{gone}");
        assert_eq!(shop.http.post(shop.url(gone)).send().await?.status(), StatusCode::NOT_FOUND, "{gone}");
    }
    shop.website.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_stage_may_show_the_shop_in_a_frame() -> Result<()> {
    let shop = Shop::open().await?;
    let page = shop.get("/").send().await?;
    let policy = page.headers()["content-security-policy"].to_str()?;
    let port = addresses::STAGE_PORT.number()?;
    let stage = format!("frame-ancestors http://127.0.0.1:{port} http://localhost:{port}");
    assert!(policy.ends_with(&stage), "{policy}");
    shop.website.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cookie_of_a_browser_is_named_after_the_suite_and_over_https_it_stays_there() -> Result<()> {
    let shop = Shop::open().await?;
    let suite = std::fs::read_to_string(shop.bed.folder().join("suite-id"))?;
    for (proto, is_secure) in [("http", false), ("https", true)] {
        let page = shop.get("/").header("x-forwarded-proto", proto).send().await?;
        let cookie = page.headers().get("set-cookie").unwrap().to_str()?;
        assert!(cookie.starts_with(&format!("browser-{}=", suite.trim())), "{cookie}");
        assert_eq!(cookie.contains("; Secure"), is_secure, "{cookie}");
    }
    shop.website.stop().await
}

//! An order's journey.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context as _, Result, ensure};
use bus::http_client;
use reqwest::Method;
use serde_json::{Value, json};
use suite::{Demo, Feed, Site, line, until};

const SOON: Duration = Duration::from_secs(20);

/// The customer sees the hops that matter to a customer; the stage shows all of them.
pub async fn goes_from_the_form_to_delivered_through_all_five(demo: &Demo) -> Result<()> {
    let (shop, stage) = (&demo.shop, &demo.stage);
    let form = [
        ("customer", "Zoé"),
        ("address", "Korenlei 7, Gent"),
        ("bottles-orval", "2"),
        ("bottles-duvel", "1"),
        ("order_token", "a-form-of-this-test"),
    ];
    let browser = http_client(demo.shop.address()).redirect(reqwest::redirect::Policy::none()).build()?;
    let mut pages = BTreeSet::new();
    for _ in 0..2 {
        let body =
            form.map(|(name, value)| format!("{name}={}", value.replace(' ', "+").replace(',', "%2C"))).join("&");
        let answer = browser
            .post(format!("{}/orders", shop.address()))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
            .send()
            .await?;
        ensure!(answer.status() == 303, "the form is answered {}", answer.status());
        let page = answer.headers().get("location").context("no page")?.to_str()?.to_owned();
        pages.insert(page);
    }
    ensure!(pages.len() == 1, "a form sent twice is one order, but there are {pages:?}");
    let page = pages.first().context("no page")?;
    let order_id = page.strip_prefix("/orders/").context("another page")?;
    shop.until_status(order_id, "delivered", SOON).await?;
    let services = |order: &Value| -> BTreeSet<String> {
        let journey = order["journey"].as_array().cloned().unwrap_or_default();
        journey.iter().filter_map(|step| step["service"].as_str().map(str::to_owned)).collect()
    };
    let order = until("all five services", SOON, || async {
        let order = stage.get(&format!("/api/orders/{order_id}")).await?;
        ensure!(services(&order).len() == 5, "{order}");
        Ok(order)
    })
    .await?;
    let expected = ["website", "warehouse", "stock-level", "inventory-analysis", "delivery"];
    ensure!(services(&order) == expected.map(str::to_owned).into(), "{order}");
    let told = shop.get(&format!("/api/orders/{order_id}")).await?;
    ensure!(services(&told) == ["website", "warehouse", "delivery"].map(str::to_owned).into(), "{told}");
    for order in [order, told] {
        ensure!(order["total_cents"] == 2 * 360 + 270, "{order}");
        let moments: Vec<&str> =
            order["journey"].as_array().into_iter().flatten().filter_map(|step| step["at"].as_str()).collect();
        ensure!(moments.is_sorted(), "{moments:?}");
    }
    Ok(())
}

pub async fn anyone_may_order_through_pulsar(demo: &Demo) -> Result<()> {
    let order = r#"{"customer":"Bart","address":"Meir 88, Antwerpen","lines":[{"beer":"orval","bottles":1}]}"#;
    let message = json!({"producerName": "a-stranger", "messages": [{"payload": order}]});
    let topic = format!("{}/topics/persistent/beers/shop-1/orders", demo.pulsar_http);
    let answer: Value = demo.stage.http().post(topic).json(&message).send().await?.json().await?;
    let id = answer["messagePublishResults"][0]["messageId"].as_str().context("no message id")?.to_owned();
    let mut parts = id.split(':');
    let (ledger, entry) = (parts.next().context("no ledger")?, parts.next().context("no entry")?);
    let order_id = format!("m-{ledger}-{entry}");
    until("the order to be known", SOON, || demo.shop.get_owned(format!("/api/orders/{order_id}"))).await?;
    let order = demo.shop.until_status(&order_id, "delivered", SOON).await?;
    ensure!(order["customer"] == "Bart", "{order}");
    Ok(())
}

pub async fn an_order_repeated_with_its_key_is_one_order(demo: &Demo) -> Result<()> {
    let body = json!({"customer": "Ada", "address": "Gent", "lines": [line("duvel", 1)]});
    let mut ids = BTreeSet::new();
    for key in ["one-key", "one-key", "another-key"] {
        let answer = demo
            .shop
            .http()
            .post(format!("{}/api/orders", demo.shop.address()))
            .header("Idempotency-Key", key)
            .json(&body)
            .send()
            .await?;
        ensure!(answer.status() == 202, "{}", answer.status());
        let answer: Value = answer.json().await?;
        ids.insert(answer["order_id"].as_str().context("no id")?.to_owned());
    }
    ensure!(ids.len() == 2, "{ids:?}");
    let long = demo
        .shop
        .http()
        .post(format!("{}/api/orders", demo.shop.address()))
        .header("Idempotency-Key", "x".repeat(201))
        .json(&body)
        .send()
        .await?;
    ensure!(long.status() == 422, "a key of 201 characters is answered {}", long.status());
    Ok(())
}

pub async fn the_feed_tells_each_step_at_once(demo: &Demo) -> Result<()> {
    let (shop, stage) = (&demo.shop, &demo.stage);
    tells_each_step(demo, shop, |snapshot| snapshot["beers"].is_array(), &["heartbeat"]).await.context("the shop")?;
    tells_each_step(demo, stage, |snapshot| snapshot["stock"]["beers"].is_array(), &["heartbeat", "change"])
        .await
        .context("the stage")
}

/// The feed of a site begins with a snapshot, reports each step of an order, and has events of the other names as well.
async fn tells_each_step(
    demo: &Demo,
    site: &Site,
    is_snapshot: impl Fn(&Value) -> bool,
    others: &[&str],
) -> Result<()> {
    let mut feed = Feed::open(site, "/api/live").await?;
    let first = feed.next().await?.context("no snapshot")?;
    ensure!(first.name == "snapshot" && is_snapshot(&first.data), "{first:?}");
    let order_id = demo.shop.order("Gent", &[line("orval", 1)]).await?;
    let mut statuses = Vec::new();
    let mut names = BTreeSet::new();
    let all = async {
        while !(statuses.contains(&"delivered".to_owned()) && others.iter().all(|name| names.contains(*name))) {
            let event = feed.next().await?.context("the feed ended")?;
            if event.name == "order" && event.data["order_id"] == order_id.as_str() {
                statuses.push(event.data["status"].as_str().unwrap_or_default().to_owned());
            }
            names.insert(event.name);
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(SOON, all).await.context("the feed says too little")??;
    ensure!(statuses == ["placed", "accepted", "picked_up", "delivered"], "{statuses:?}");
    let mut one = Feed::open(site, &format!("/api/live?order={order_id}")).await?;
    let snapshot = one.next().await?.context("no snapshot")?;
    ensure!(snapshot.name == "snapshot" && snapshot.data["status"] == "delivered", "{snapshot:?}");
    let unknown = site.call(Method::GET, "/api/live?order=nobody", None).await?;
    ensure!(unknown.status() == 404, "{}", unknown.status());
    Ok(())
}

/// One `grep` follows an order through all five services; its page shows every hop.
pub async fn one_order_is_named_in_the_log_of_every_service(demo: &Demo) -> Result<()> {
    let order_id = demo.shop.order("Korenlei 7, Gent", &[line("orval", 1)]).await?;
    demo.shop.until_status(&order_id, "delivered", SOON).await?;
    for service in ["website", "warehouse", "stock-level", "inventory-analysis", "delivery"] {
        let log = demo.data_dir.join("logs").join(format!("{service}.log"));
        until("the order in the log", SOON, || async {
            let said = std::fs::read_to_string(&log).with_context(|| log.display().to_string())?;
            ensure!(said.contains(&order_id), "{} does not name {order_id}", log.display());
            Ok(())
        })
        .await?;
    }
    let path = format!("/orders/{order_id}");
    // Levels and insights name no order; their hops are known a little later.
    until("a hop through each topic", SOON, || async {
        let page = demo.stage.call(Method::GET, &path, None).await?.error_for_status()?.text().await?;
        for topic in ["orders", "order-decisions", "stock-events", "stock-levels", "insights", "delivery-updates"] {
            ensure!(page.contains(&format!("→ {topic}")), "no hop through {topic} on {page}");
        }
        Ok(())
    })
    .await
}

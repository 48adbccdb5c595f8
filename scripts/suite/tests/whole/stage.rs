//! The stage: what the speaker changes while everything runs.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use suite::{Demo, line, rehearsal::Place, until};

const SOON: Duration = Duration::from_secs(20);

/// Settings are patched and validated, and the audience cannot change them.
pub async fn settings_are_changed_by_the_presenter_only(demo: &Demo) -> Result<()> {
    let stage = &demo.stage;
    let before = stage.get("/api/settings").await?;
    ensure!(before["episode"] == 1 && before["couriers"] == 4 && before["restock"] == true, "{before}");
    let patch = json!({"courier_pace_ms": 60, "crowd": {"suspicious": 0.25}});
    let nobody = stage.call(Method::PATCH, "/api/settings", Some(&patch)).await?;
    ensure!(nobody.status() == 401, "{}", nobody.status());
    let after = stage.set(&patch).await?;
    ensure!(after["courier_pace_ms"] == 60 && after["crowd"]["suspicious"] == 0.25, "{after}");
    ensure!(after["couriers"] == 4, "only what is named changes: {after}");
    for wrong in [json!({"couriers": 21}), json!({"beer": 1}), json!({"episode": 9}), json!({"paused": ["website"]})] {
        let refused = stage.set(&wrong).await.err().map(|error| error.to_string()).unwrap_or_default();
        ensure!(refused.contains("422"), "{wrong}: {refused}");
    }
    stage.set(&json!({"courier_pace_ms": 50, "crowd": null})).await?;
    Ok(())
}

/// A paused warehouse decides nothing and the order waits; resumed, it is delivered once.
pub async fn a_paused_service_leaves_its_work_waiting(demo: &Demo) -> Result<()> {
    let (shop, stage) = (&demo.shop, &demo.stage);
    stage.set(&json!({"paused": ["warehouse"]})).await?;
    let order = shop.order("Gent", &[line("orval", 1)]).await?;
    until("the order to wait", SOON, || async {
        let ledger = stage.get("/api/ledger").await?;
        ensure!(ledger["orders"]["waiting"] == 1, "{ledger}");
        Ok(())
    })
    .await?;
    let waiting = stage.get(&format!("/api/orders/{order}")).await?;
    ensure!(waiting["status"] == "placed", "{waiting}");
    stage.set(&json!({"paused": []})).await?;
    stage.until_status(&order, "delivered", SOON).await?;
    Ok(())
}

/// The rehearsal's check: an order waits and no service gets it. The broker cannot tell a pause from a fault; the
/// warehouse can, and does not report itself as stuck.
pub async fn what_stands_still_is_named_and_a_pause_is_no_fault(demo: &Demo) -> Result<()> {
    let (shop, stage, place) = (&demo.shop, &demo.stage, Place::of_demo(demo)?);
    let episode = stage.get("/api/settings").await?["episode"].as_u64().context("no episode")?;
    place.everything_flows(episode).await?;
    stage.set(&json!({"paused": ["warehouse"]})).await?;
    let order = shop.order("Gent", &[line("orval", 1)]).await?;
    stage.until_ledger(SOON, |ledger| ledger["orders"]["waiting"] == 1).await?;
    let noticed = place.everything_flows(episode).await;
    let said = noticed.err().context("nothing stands still")?.to_string();
    ensure!(said.contains("orders for warehouse"), "{said}");
    let port = std::fs::read_to_string(demo.data_dir.join("run/warehouse.port"))?;
    let answer = stage.http().get(format!("http://127.0.0.1:{}/health/ready", port.trim())).send().await?;
    ensure!(answer.status().is_success(), "a paused warehouse answers {}: {}", answer.status(), answer.text().await?);
    stage.set(&json!({"paused": []})).await?;
    stage.until_status(&order, "delivered", SOON).await?;
    place.everything_flows(episode).await
}

/// The crowd orders as fast as it is told to, and stops.
pub async fn the_crowd_orders_and_stops(demo: &Demo) -> Result<()> {
    let stage = &demo.stage;
    let placed = |ledger: &Value| ledger["orders"]["placed"].as_u64().unwrap_or(0);
    let before = placed(&stage.get("/api/ledger").await?);
    stage.set(&json!({"crowd": {"orders_per_second": 50}})).await?;
    stage.until_ledger(SOON, |ledger| placed(ledger) > before + 50).await?;
    stage.set(&json!({"crowd": {"orders_per_second": 0}})).await?;
    let rest = |ledger: &Value| ledger["orders"]["waiting"] == 0 && ledger["deliveries"]["under_way"] == 0;
    stage.until_ledger(SOON, rest).await?;
    Ok(())
}

/// A reset begins the next episode within seconds: full shelves, the same processes, and open orders have ended.
pub async fn a_reset_begins_the_next_episode(demo: &Demo) -> Result<()> {
    let (shop, stage) = (&demo.shop, &demo.stage);
    let services = ["website", "warehouse", "stock-level", "inventory-analysis", "delivery", "stage"];
    let processes = || services.map(|service| demo.process(service).unwrap_or(0));
    let before = processes();
    let stranded = shop.order("nowhere", &[line("orval", 1)]).await?;
    stage.until_status(&stranded, "stranded", SOON).await?;
    let episode = stage.get("/api/settings").await?["episode"].as_u64().context("no episode")?;
    stage.set(&json!({"couriers": 6})).await?;
    let begun = stage.direct("/api/stage/reset", Some(&json!({"keep_settings": true}))).await?;
    ensure!(begun["episode"] == episode + 1, "{begun}");
    let order = shop.order("Gent", &[line("orval", 1)]).await?;
    stage.until_status(&order, "delivered", SOON).await?;
    let stock = stage.get("/api/stock").await?;
    let orval = stock["beers"].as_array().into_iter().flatten().find(|beer| beer["beer"] == "orval");
    ensure!(orval.is_some_and(|orval| orval["level"] == 199), "{stock}");
    let settings = stage.get("/api/settings").await?;
    ensure!(settings["couriers"] == 6 && settings["episode"] == episode + 1, "{settings}");
    let ended = shop.get(&format!("/api/orders/{stranded}")).await?;
    ensure!(ended["status"] == "ended", "{ended}");
    ensure!(processes() == before, "processes were started again");
    let old = until("the old episode to be deleted", SOON, || async {
        let namespaces =
            demo.stage.http().get(format!("{}/admin/v2/namespaces/beers", demo.pulsar_http)).send().await?;
        let namespaces: Vec<String> = namespaces.json().await?;
        ensure!(!namespaces.contains(&format!("beers/shop-{episode}")), "{namespaces:?}");
        Ok(())
    });
    old.await?;
    let begun = stage.direct("/api/stage/reset", None).await?;
    ensure!(begun["episode"] == episode + 2, "{begun}");
    let settings = stage.get("/api/settings").await?;
    ensure!(settings["couriers"] == 4, "as at a first start: {settings}");
    Ok(())
}

/// While the broker is paused, changes are answered 503 and have no effect, later or on a service that starts then.
pub async fn a_change_that_was_not_confirmed_does_not_come_back(demo: &Demo) -> Result<()> {
    let stage = &demo.stage;
    stage.set(&json!({"couriers": 4})).await?;
    let before = documents(demo).await?.len();
    demo.signal("broker", "STOP").await?;
    let mut answers = Vec::new();
    for couriers in [9, 2] {
        answers.push(stage.set(&json!({"couriers": couriers})).await.err().map(|error| error.to_string()));
    }
    demo.signal("broker", "CONT").await?;
    for answer in answers {
        let said = answer.context("it was not refused")?;
        ensure!(said.contains("503") && said.contains("not confirmed"), "{said}");
    }
    let four_work = || async {
        let (settings, deliveries) = (stage.get("/api/settings").await?, stage.get("/api/deliveries").await?);
        let couriers = deliveries["couriers"].as_array().map_or(0, Vec::len);
        ensure!(settings["couriers"] == 4 && couriers == 4, "{settings}, {couriers} couriers");
        Ok(())
    };
    // It is unknown whether the abandoned change arrived, so the confirmed settings are written once more.
    until("the confirmed settings to be written again", SOON, || async {
        let written = documents(demo).await?.len();
        ensure!(written > before, "{written} documents");
        Ok(())
    })
    .await?;
    until("four couriers", SOON, four_work).await?;
    let changed = stage.set(&json!({"courier_pace_ms": 60})).await?;
    ensure!(changed["couriers"] == 4, "{changed}");
    let process = demo.process("delivery")?;
    demo.kill("delivery").await?;
    until("another delivery", SOON, || async {
        ensure!(demo.process("delivery")? != process, "still the same process");
        Ok(())
    })
    .await?;
    until("four couriers again", SOON, four_work).await?;
    let written = documents(demo).await?;
    // A message is sent after the broker has answered twice; both changes were abandoned before it answered once.
    let given_up: Vec<_> = written.iter().skip(before).filter(|document| document["couriers"] != 4).collect();
    ensure!(given_up.is_empty(), "sent although it was given up: {given_up:?}");
    let mut versions: Vec<u64> = written.iter().filter_map(|document| document["version"].as_u64()).collect();
    let all = versions.clone();
    versions.sort_unstable();
    versions.dedup();
    ensure!(versions == all, "each version once, and in order: {all:?}");
    stage.set(&json!({"courier_pace_ms": 50})).await?;
    Ok(())
}

/// All documents on the topic of the settings, compacted away or not.
async fn documents(demo: &Demo) -> Result<Vec<Value>> {
    let topic = format!("{}/admin/v2/persistent/beers/stage/settings", demo.pulsar_http);
    let http = demo.stage.http();
    let stored: Value = http.get(format!("{topic}/internalStats")).send().await?.json().await?;
    let mut documents = Vec::new();
    for place in 1..=stored["numberOfEntries"].as_u64().context("no count")? {
        let message = format!("{topic}/examinemessage?initialPosition=earliest&messagePosition={place}");
        documents.push(http.get(message).send().await?.json().await?);
    }
    Ok(documents)
}

/// A service that is told to crash dies and is restarted.
pub async fn a_service_crashes_and_comes_back(demo: &Demo) -> Result<()> {
    let (shop, stage) = (&demo.shop, &demo.stage);
    for service in ["warehouse", "website"] {
        let before = demo.process(service)?;
        stage.direct("/api/stage/crash", Some(&json!({"service": service}))).await?;
        until("another process", SOON, || async {
            ensure!(demo.process(service)? != before, "{service} is still the same process");
            Ok(())
        })
        .await?;
        let order = until("an order to be taken", SOON, || async {
            let answer = shop.order("Gent", &[line("duvel", 1)]).await?;
            Ok(answer)
        })
        .await?;
        shop.until_status(&order, "delivered", SOON).await?;
    }
    for wrong in [
        json!({}),
        json!({"service": "brewery"}),
        json!({"courier": "Nobody"}),
        json!({"courier": "Ada", "worker": "x"}),
    ] {
        let answer = stage.post_as_presenter("/api/stage/crash", Some(&wrong)).await?;
        ensure!(answer.status() == 422, "{wrong} is answered {}", answer.status());
    }
    Ok(())
}

//! The stage against a real broker, across episodes.
#![expect(clippy::unwrap_used, reason = "what cannot be here ends the test")]

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::{Result, ensure};
use bus::{Admin, episodes, http_client};
use events::{
    ids::Service,
    settings::StageSettings,
    stage::{PRESENCE_EVERY_MS, Presence, ServiceState, Staff},
    topics::{PRESENCE, SETTINGS},
};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use service::{
    now,
    testing::{Running, TestBed, eventually},
};
use stage::Address;

/// The stage of a test, as the presenter calls it.
struct Stage {
    running: Option<Running>,
    http: Client,
    base: String,
    token: String,
}

impl Stage {
    async fn start(bed: &TestBed) -> Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        std::fs::create_dir_all(bed.folder())?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let no_shop = Address::read("http://127.0.0.1:1").unwrap();
        let running = bed.start(Service::Stage, |context| stage::run_on(context, address, no_shop));
        let base = format!("http://{address}");
        let http = http_client(&base).build()?;
        eventually("the stage", || async { http.get(format!("{base}/health/live")).send().await.ok() }).await?;
        let file = bed.folder().join("presenter-token");
        let token = eventually("the token", || async { std::fs::read_to_string(&file).ok() }).await?;
        Ok(Stage { running: Some(running), http, base, token: token.trim().to_owned() })
    }

    async fn call(&self, method: Method, path: &str, body: &Value) -> Result<(StatusCode, Value)> {
        let call = self.http.request(method, format!("{}{path}", self.base)).bearer_auth(&self.token).json(body);
        let answer = call.send().await?;
        Ok((answer.status(), answer.json().await?))
    }

    async fn get(&self, path: &str) -> Result<Value> {
        Ok(self.http.get(format!("{}{path}", self.base)).send().await?.json().await?)
    }

    async fn stop(mut self) -> Result<()> {
        if let Some(running) = self.running.take() { running.stop().await } else { Ok(()) }
    }
}

/// Reports each service in the episode of the settings; one that hangs, in the first.
fn announce(bed: &Arc<TestBed>, hangs: &Arc<Mutex<Option<Service>>>) {
    let (bed, hangs, started_at) = (Arc::clone(bed), Arc::clone(hangs), now());
    tokio::spawn(async move {
        loop {
            let settings = bed.stage.settings();
            for service in Service::DEMO {
                let hangs = *hangs.lock().unwrap() == Some(service);
                let presence = Presence {
                    service,
                    episode: if hangs { 1 } else { settings.episode },
                    settings_version: settings.version,
                    state: ServiceState::Running,
                    started_at,
                    at: now(),
                    staff: Staff::default(),
                    standing_still: Vec::new(),
                    disbelieved: Vec::new(),
                };
                drop(bed.publish(PRESENCE, service.name(), &presence).await);
            }
            tokio::time::sleep(Duration::from_millis(PRESENCE_EVERY_MS)).await;
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_works_after_the_clock_was_set_back_and_deletes_nothing_before_all_have_moved() -> Result<()> {
    let bed = Arc::new(TestBed::new().await?);
    // As written by a clock that is a day ahead.
    let known = (*bed.stage.settings()).clone();
    let ahead = StageSettings { version: 2, began_at: known.began_at.plus_millis(86_400_000), ..known };
    bed.publish(SETTINGS, "settings", &ahead).await?;
    bed.stage.change(ahead);
    let stage = Stage::start(&bed).await?;
    let hangs = Arc::new(Mutex::new(Some(Service::Delivery)));
    announce(&bed, &hangs);

    let (status, begun) = stage.call(Method::POST, "/api/stage/reset", &json!({})).await?;
    ensure!(status == StatusCode::OK, "{status} {begun}");
    assert_eq!((&begun["episode"], &begun["not_moved"]), (&json!(2), &json!(["delivery"])), "{begun}");
    let admin = Admin::new(bed.bus.broker())?;
    let kept = episodes(&admin, bed.bus.scope()).await?;
    assert_eq!(kept, BTreeSet::from([1, 2]), "delivery still uses the first one");

    *hangs.lock().unwrap() = None;
    eventually("the first episode to be deleted", || async {
        let kept = episodes(&admin, bed.bus.scope()).await.ok()?;
        (kept == BTreeSet::from([2])).then_some(())
    })
    .await?;
    assert_eq!(stage.get("/api/settings").await?["episode"], 2);
    stage.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_nobody_may_obey_are_shown_and_the_console_still_works() -> Result<()> {
    let bed = TestBed::new().await?;
    let stage = Stage::start(&bed).await?;
    for forged in [r#"{"episode":4294967295}"#, "not even JSON"] {
        bed.publish_raw(SETTINGS, forged.as_bytes()).await?;
    }
    eventually("both among the unreadable messages", || async {
        let shown = stage.get("/api/deliveries").await.ok()?;
        let letters = shown["dead_letters"].as_array()?.iter().filter(|letter| letter["source"] == "settings").count();
        (letters == 2).then_some(())
    })
    .await?;
    let (status, settings) = stage.call(Method::PATCH, "/api/settings", &json!({"couriers": 5})).await?;
    assert_eq!((status, &settings["couriers"], &settings["episode"]), (StatusCode::OK, &json!(5), &json!(1)));
    let newest = service::stage::current(&bed.bus).await?;
    assert_eq!(newest.map(|settings| settings.choices.couriers), Some(5));
    stage.stop().await
}

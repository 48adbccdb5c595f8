//! Which settings a service obeys, whatever comes on their topic, against a real broker.
#![expect(clippy::unwrap_used, reason = "what cannot be here ends the test")]

use std::{path::Path, sync::Arc};

use anyhow::Result;
use bus::{Admin, Bus, Outgoing, compact};
use events::{
    ids::{EventId, Service},
    settings::{StageSettings, VERSION_MAX},
    stage::{Command, StageCommand},
    topics::{COMMANDS, SETTINGS},
};
use serde_json::{Value, json};
use service::{
    Context, now,
    stage::{self, ControlMessage, Stage},
    testing::{TestBed, eventually},
};
use tokio_util::sync::CancellationToken;

/// A service of this test bed that knows these settings and listens.
fn listener(bed: &TestBed, known: StageSettings) -> Context {
    let bus = Bus::new(bed.bus.broker().clone(), bed.bus.scope().clone());
    let context =
        Context::new(Service::Delivery, bus, Stage::set(known), Path::new("unused"), CancellationToken::new());
    tokio::spawn(stage::listen(context.clone()));
    context
}

async fn until(context: &Context, what: &str, holds: impl Fn(&StageSettings) -> bool) -> Result<Arc<StageSettings>> {
    let what = format!("{what}; {:?}", context.stage.settings());
    eventually(&what, || async { Some(context.stage.settings()).filter(|settings| holds(settings)) }).await
}

fn first(bed: &TestBed) -> StageSettings {
    (*bed.stage.settings()).clone()
}

async fn publish_value(bed: &TestBed, document: &Value) -> Result<()> {
    publish_bytes(bed, document.to_string().into_bytes()).await
}

/// As a stranger would who knows the key of the settings.
async fn publish_bytes(bed: &TestBed, payload: Vec<u8>) -> Result<()> {
    let message = Outgoing {
        topic: SETTINGS.spec,
        key: "settings".to_owned(),
        event_id: EventId::new(format!("test-{:016x}", rand::random::<u64>())),
        at: now(),
        trace: None,
        deliver_at: None,
        payload,
    };
    Ok(bed.bus.publisher().publish(&[message]).await?)
}

/// Documents nobody may obey, each with what a good one has besides.
fn forgeries(good: &StageSettings) -> Vec<Vec<u8>> {
    let good = serde_json::to_value(good).unwrap();
    let with = |field: &str, value: Value| {
        let mut document = good.clone();
        document[field] = value;
        document.to_string().into_bytes()
    };
    vec![
        with("episode", json!(u32::MAX)),
        with("episode", json!(0)),
        with("version", json!(u64::MAX)),
        with("episode_id", json!("../../../etc/passwd")),
        with("couriers", json!(4_000_000_000_u32)),
        with("courier_pace_ms", json!(-1)),
        with("paused", json!(["website"])),
        with("act", json!(200)),
        with("crowd", json!({"orders_per_second": 1_000_000})),
        with("stock_level", json!({"workers": 0})),
        b"two Orval please".to_vec(),
        Vec::new(),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_out_of_range_has_no_effect_and_the_stage_stays_controllable() -> Result<()> {
    let bed = TestBed::new().await?;
    let good = first(&bed);
    let context = listener(&bed, good.clone());
    let forgeries = forgeries(&StageSettings { version: 2, ..good.clone() });
    for forgery in &forgeries {
        publish_bytes(&bed, forgery.clone()).await?;
    }
    eventually("every forgery to be counted", || async {
        let counted = format!("unreadable_total{{topic=\"settings\"}} {}", forgeries.len());
        context.metrics.text().contains(&counted).then_some(())
    })
    .await?;
    assert_eq!(*context.stage.settings(), good, "none of them has any effect");
    let restarted = stage::current(&bed.bus).await?;
    assert_eq!(restarted.as_ref(), Some(&good), "a service that starts now finds the last good one");

    let mut next = StageSettings { version: 2, ..good };
    next.choices.couriers = 7;
    bed.publish(SETTINGS, "settings", &next).await?;
    until(&context, "the next good one", |settings| settings.choices.couriers == 7).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_good_settings_are_found_behind_what_compaction_kept() -> Result<()> {
    let bed = TestBed::new().await?;
    let mut good = first(&bed);
    for couriers in 4..8 {
        good.version += 1;
        good.choices.couriers = couriers;
        bed.publish(SETTINGS, "settings", &good).await?;
    }
    publish_value(&bed, &json!({"version": u64::MAX})).await?;
    let admin = Admin::new(bed.bus.broker())?;
    compact(&admin, bed.bus.scope(), SETTINGS.spec).await?;
    let path = SETTINGS.spec.admin_path(&bed.bus.scope().tenant, 1);
    eventually("the compaction", || async {
        let state: Value = admin.get(&format!("{path}/compaction")).await.ok()?;
        (state["status"] == "SUCCESS").then_some(())
    })
    .await?;
    assert_eq!(stage::current(&bed.bus).await?, Some(good));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_episode_that_begins_after_the_clock_was_set_back_is_believed() -> Result<()> {
    let bed = TestBed::new().await?;
    let known = first(&bed);
    let context = listener(&bed, known.clone());
    let next = StageSettings {
        version: known.version + 1,
        episode: 2,
        episode_id: "second".into(),
        began_at: known.began_at.plus_millis(-86_400_000),
        ..known
    };
    bed.publish(SETTINGS, "settings", &next).await?;
    assert_eq!(*until(&context, "the next episode", |settings| settings.episode == 2).await?, next);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_began_anew_is_believed_whatever_was_known_of_another() -> Result<()> {
    let bed = TestBed::new().await?;
    let on_the_broker = first(&bed);
    let of_another = StageSettings {
        version: 900,
        episode: 12,
        episode_id: "another".into(),
        began_at: on_the_broker.began_at.plus_millis(86_400_000),
        ..on_the_broker.clone()
    };
    let context = listener(&bed, of_another);
    let known = until(&context, "what this broker says", |settings| settings.episode == 1).await?;
    assert_eq!(*known, on_the_broker);
    // The same episode with a lower version: a broker whose data is older than what was known.
    let ahead = StageSettings { version: 900, ..on_the_broker.clone() };
    let context = listener(&bed, ahead);
    until(&context, "what this broker says", |settings| *settings == on_the_broker).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_again_after_a_reconnection_moves_nobody() -> Result<()> {
    let bed = TestBed::new().await?;
    let mut settings = first(&bed);
    for episode in 2..6 {
        settings =
            StageSettings { version: settings.version + 1, episode, episode_id: format!("e{episode}"), ..settings };
        bed.publish(SETTINGS, "settings", &settings).await?;
    }
    // Who listens from now on gets all of them once more.
    let stage = Stage::set(settings.clone());
    let mut changes = stage.follow();
    let bus = Bus::new(bed.bus.broker().clone(), bed.bus.scope().clone());
    let context = Context::new(Service::Delivery, bus, stage, Path::new("unused"), CancellationToken::new());
    let seen = tokio::spawn(async move {
        let mut episodes = Vec::new();
        while changes.changed().await.is_ok() {
            let settings = Arc::clone(&changes.borrow_and_update());
            episodes.push(settings.episode);
            if settings.choices.couriers == 9 {
                break;
            }
        }
        episodes
    });
    tokio::spawn(stage::listen(context.clone()));
    settings.version += 1;
    settings.choices.couriers = 9;
    bed.publish(SETTINGS, "settings", &settings).await?;
    assert_eq!(seen.await?, [5], "one change, and no way back");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_highest_version_is_not_the_end() -> Result<()> {
    let bed = TestBed::new().await?;
    let known = first(&bed);
    let context = listener(&bed, known.clone());
    let highest = StageSettings { version: VERSION_MAX, ..known.clone() };
    bed.publish(SETTINGS, "settings", &highest).await?;
    until(&context, "the highest version", |settings| settings.version == VERSION_MAX).await?;
    let next = StageSettings { version: 1, ..known };
    bed.publish(SETTINGS, "settings", &next).await?;
    until(&context, "the first version after it", |settings| settings.version == 1).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_obeyed_whatever_the_clock_says() -> Result<()> {
    let bed = TestBed::new().await?;
    let context = listener(&bed, first(&bed));
    let control_messages = context.stage.control_messages();
    let who = Some("Ada".to_owned());
    let issued_at = now().plus_millis(-86_400_000);
    let command = StageCommand { service: Service::Delivery, command: Command::Crash { who }, issued_at };
    let control_messages = std::cell::RefCell::new(control_messages);
    let obeyed = eventually("the message", || async {
        // Commands are not stored: one that is issued before the service listens is lost.
        bed.publish(COMMANDS, "delivery", &command).await.ok()?;
        control_messages.borrow_mut().try_recv().ok()
    });
    assert_eq!(obeyed.await?, ControlMessage::Crash { who: "Ada".to_owned() });
    Ok(())
}

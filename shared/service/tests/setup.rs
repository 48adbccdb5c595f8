//! `setup`, called as the scripts call it, against a real broker.

use std::process::{Command, Output};

use anyhow::{Result, ensure};
use bus::{Admin, Outgoing};
use events::{
    ids::EventId,
    topics::{TOPICS, TopicSpec},
};
use serde_json::Value;
use service::{
    now,
    testing::{TestBed, eventually},
};

const DEAD_PROXY: &str = "http://127.0.0.1:1";

fn setup(bed: &TestBed) -> Command {
    let mut setup = Command::new(env!("CARGO_BIN_EXE_setup"));
    setup.env("PULSAR_TENANT", &bed.bus.scope().tenant);
    setup
}

fn succeeds(setup: &mut Command) -> Result<()> {
    let Output { status, stdout, stderr } = setup.output()?;
    let said = String::from_utf8_lossy(&stdout);
    ensure!(status.success() && said == "episode 1 is set up\n", "{said}{}", String::from_utf8_lossy(&stderr));
    Ok(())
}

/// Publishes a message; all of them have the same key.
async fn publish(bed: &TestBed, topic: &'static TopicSpec) -> Result<()> {
    let message = Outgoing {
        topic,
        key: "settings".to_owned(),
        event_id: EventId::new(format!("test-{:016x}", rand::random::<u64>())),
        at: now(),
        trace: None,
        deliver_at: None,
        payload: serde_json::to_vec(&*bed.stage.settings())?,
    };
    Ok(bed.bus.publisher().publish(&[message]).await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_start_compacts_the_compacted_topics_to_their_end() -> Result<()> {
    let bed = TestBed::new().await?;
    let admin = Admin::new(bed.bus.broker())?;
    let compacted: Vec<_> = TOPICS.into_iter().filter(|topic| topic.compacted).collect();
    assert_eq!(compacted.iter().map(|topic| topic.name).collect::<Vec<_>>(), ["stock-levels", "insights", "settings"]);
    for start in 1..=2 {
        for topic in &compacted {
            publish(&bed, topic).await?;
        }
        succeeds(&mut setup(&bed))?;
        for topic in &compacted {
            let path = topic.admin_path(&bed.bus.scope().tenant, 1);
            eventually(&format!("{} compacted at start {start}", topic.name), || async {
                let stats: Value = admin.get(&format!("{path}/internalStats")).await.ok()?;
                let until = &stats["cursors"]["__compaction"]["markDeletePosition"];
                let state: Value = admin.get(&format!("{path}/compaction")).await.ok()?;
                (*until == stats["lastConfirmedEntry"] && state["status"] == "SUCCESS").then_some(())
            })
            .await?;
        }
    }
    Ok(())
}

/// The broker of these tests is on this machine.
#[tokio::test(flavor = "multi_thread")]
async fn a_broker_nearby_is_not_reached_through_the_proxy_that_the_environment_names() -> Result<()> {
    let bed = TestBed::new().await?;
    let mut setup = setup(&bed);
    for proxy in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        setup.env(proxy, DEAD_PROXY);
    }
    succeeds(setup.env("no_proxy", "").env("NO_PROXY", ""))
}

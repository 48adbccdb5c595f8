//! What services report twice a second.

use std::time::Duration;

use anyhow::Result;
use events::{
    ids::Service,
    stage::{PRESENCE_EVERY_MS, Presence, ServiceState, Staff},
    topics::PRESENCE,
};
use service::{now, testing::eventually};

use crate::Stage;

impl Stage {
    /// During `work`, reports this service as running, and the topics where it gets none of the waiting messages.
    pub(crate) async fn while_present<T>(
        &self,
        service: Service,
        standing_still: &[&str],
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let started_at = now();
        let present = async {
            loop {
                let settings = self.bed.stage.settings();
                let presence = Presence {
                    service,
                    episode: settings.episode,
                    settings_version: settings.version,
                    state: ServiceState::Running,
                    started_at,
                    at: now(),
                    staff: Staff::default(),
                    standing_still: standing_still.iter().map(|topic| (*topic).to_owned()).collect(),
                    disbelieved: Vec::new(),
                };
                self.bed.publish(PRESENCE, service.name(), &presence).await?;
                tokio::time::sleep(Duration::from_millis(PRESENCE_EVERY_MS)).await;
            }
        };
        tokio::select! {
            done = work => done,
            not_said = present => not_said,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_gets_nothing_of_what_waits_is_named_where_people_look() -> Result<()> {
    let stage = Stage::open().await?;
    let cookie = stage.session().await?;
    let said = "warehouse gets none of the messages that wait for it on orders";
    let pages = ["/", "/deliveries", "/ledger", "/console"];
    let named = async {
        for path in pages {
            eventually(path, || async {
                let page = stage.get(&format!("{path}?lang=en")).header("cookie", &cookie).send().await.ok()?;
                page.text().await.ok()?.contains(said).then_some(())
            })
            .await?;
        }
        Ok(())
    };
    stage.while_present(Service::Warehouse, &["orders"], named).await?;
    stage.close().await
}

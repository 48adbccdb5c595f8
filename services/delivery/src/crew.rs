//! The crew: as many couriers as the settings ask for, hired and dismissed while they work; one may be told to crash.

use std::{collections::BTreeMap, future::pending, time::Instant};

use bus::{BusError, ConsumerOptions};
use events::topics::DELIVERY_ORDERS;
use service::{Context, idempotent_consumer::WriterHandle, stage::ControlMessage};
use tokio::{
    sync::broadcast,
    task::{AbortHandle, Id, JoinError, JoinSet},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    courier::{Badge, Courier},
    handler::Delivery,
    roster::Roster,
};

pub(crate) struct Crew {
    context: Context,
    writer: WriterHandle<Delivery>,
    roster: Roster,
    control_messages: broadcast::Receiver<ControlMessage>,
    here: BTreeMap<&'static str, Contract>,
    at_work: JoinSet<()>,
}

/// How the crew controls a courier.
struct Contract {
    dismissal: CancellationToken,
    task: AbortHandle,
}

impl Crew {
    pub(crate) fn new(context: Context, writer: WriterHandle<Delivery>) -> Self {
        let control_messages = context.stage.control_messages();
        Crew {
            context,
            writer,
            roster: Roster::default(),
            control_messages,
            here: BTreeMap::new(),
            at_work: JoinSet::new(),
        }
    }

    /// Keeps the crew at the wanted size, until a courier fails.
    pub(crate) async fn work(mut self) -> anyhow::Result<()> {
        let mut settings = self.context.stage.follow();
        loop {
            let wanted = settings.borrow_and_update().choices.couriers;
            self.employ(usize::try_from(wanted).unwrap_or(usize::MAX))?;
            let next_back = self.roster.next_back();
            tokio::select! {
                Ok(()) = settings.changed() => {}
                // After an error more messages follow: it only says that some were missed.
                message = self.control_messages.recv() => if let Ok(ControlMessage::Crash { who }) = message { self.crash(&who) },
                Some(left) = self.at_work.join_next_with_id() => self.goodbye(left)?,
                () = until(next_back) => {}
            }
        }
    }

    /// Hires or dismisses couriers. Those hired last leave first, after delivering the parcel they have.
    fn employ(&mut self, wanted: usize) -> Result<(), BusError> {
        for name in self.roster.want(wanted) {
            if let Some(contract) = self.here.get(name) {
                contract.dismissal.cancel();
            }
        }
        for name in self.roster.hire(Instant::now()) {
            self.hire(name)?;
        }
        Ok(())
    }

    fn hire(&mut self, name: &'static str) -> Result<(), BusError> {
        let options = ConsumerOptions { name: Some(name.to_owned()), ..ConsumerOptions::default() };
        let dismissal = CancellationToken::new();
        let courier = Courier {
            badge: Badge::new(name, self.context.presence.clone()),
            stage: self.context.stage.clone(),
            pause: self.context.pause(),
            writer: self.writer.clone(),
            parcels: self.context.bus.consumer(DELIVERY_ORDERS, self.context.service, options)?,
            dismissed: dismissal.clone(),
        };
        let task = self.at_work.spawn(courier.work());
        self.here.insert(name, Contract { dismissal, task });
        info!(courier = name, "hired");
        Ok(())
    }

    /// Aborts a courier and drops its connection. The parcel is not acknowledged, so the broker gives it to
    /// another courier.
    fn crash(&mut self, who: &str) {
        let Some(name) = self.roster.crash(who, Instant::now()) else {
            info!(courier = who, "no such courier to crash");
            return;
        };
        if let Some(contract) = self.here.get(name) {
            warn!(courier = name, "crashed, as requested");
            contract.task.abort();
        }
    }

    /// A courier has left: dismissed or crashed.
    fn goodbye(&mut self, left: Result<(Id, ()), JoinError>) -> Result<(), JoinError> {
        let task = match left {
            Ok((task, ())) => task,
            Err(crashed) if crashed.is_cancelled() => crashed.id(),
            Err(failed) => return Err(failed),
        };
        if let Some(name) = self.here.iter().find(|(_, contract)| contract.task.id() == task).map(|(name, _)| *name) {
            info!(courier = name, "left");
            self.here.remove(name);
            self.roster.gone(name);
        }
        Ok(())
    }
}

/// Returns at this time; never, if there is none.
async fn until(then: Option<Instant>) {
    match then {
        Some(then) => tokio::time::sleep_until(then.into()).await,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests {
    //! Needs no broker: couriers who cannot reach the queue are employed all the same.

    use std::time::Duration;

    use events::{
        ids::Service,
        settings::{Choices, StageSettings},
    };
    use service::{stage::Stage, testing::eventually};
    use store::{
        Store,
        testing::{Folder, bus_without_broker},
    };

    use super::*;
    use crate::{
        handler::writer,
        roster::{AWAY_AFTER_CRASH, NAMES},
        round::RetryPolicy,
        store::TABLES,
    };

    async fn crew(folder: &Folder) -> (Crew, Context) {
        let bus = bus_without_broker();
        let store = Store::open(folder, "delivery", 1, None, &TABLES).await.unwrap();
        let (_, outbox) = store::Outbox::new(store.clone(), &bus);
        let context = Context::new(Service::Delivery, bus, Stage::default(), folder, CancellationToken::new());
        let retry_policy = RetryPolicy { attempts: 4, first_delay_ms: 100 };
        let (_, handle) = writer(&context, &store, &outbox, retry_policy);
        (Crew::new(context.clone(), handle), context)
    }

    fn want(context: &Context, couriers: u32) {
        let version = context.stage.settings().version + 1;
        let choices = Choices { couriers, ..Choices::default() };
        context.stage.change(StageSettings { version, choices, ..StageSettings::default() });
    }

    async fn presence_shows(context: &Context, expected: &[&str]) {
        let shown =
            || context.presence.staff(|all| all.couriers.iter().map(|state| state.courier.clone()).collect::<Vec<_>>());
        let same = eventually("the presence", || async { (shown() == expected).then_some(()) }).await;
        same.unwrap_or_else(|_| panic!("expected {expected:?}, the presence shows {:?}", shown()));
    }

    #[tokio::test]
    async fn employs_exactly_as_many_as_wanted_and_shows_them_in_order() {
        let folder = Folder::default();
        let (crew, context) = crew(&folder).await;
        want(&context, 3);
        let working = tokio::spawn(crew.work());
        presence_shows(&context, &["Ada", "Bart", "Chloé"]).await;
        for (wanted, expected) in [(20, &NAMES[..]), (0, &[]), (4, &NAMES[..4]), (999, &NAMES)] {
            want(&context, wanted);
            presence_shows(&context, expected).await;
        }
        want(&context, 2);
        presence_shows(&context, &["Ada", "Bart"]).await;

        let crashed_at = Instant::now();
        for who in ["Zoë", "Tine", "Ada"] {
            assert!(context.stage.send(ControlMessage::Crash { who: who.into() }));
        }
        presence_shows(&context, &["Bart"]).await;
        assert!(crashed_at.elapsed() < Duration::from_secs(1), "the presence shows at once who is gone");
        presence_shows(&context, &["Ada", "Bart"]).await;
        assert!(crashed_at.elapsed() >= AWAY_AFTER_CRASH);

        working.abort();
        assert!(working.await.unwrap_err().is_cancelled());
        presence_shows(&context, &[]).await;
    }
}

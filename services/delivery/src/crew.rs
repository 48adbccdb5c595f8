//! The crew: hires and dismisses couriers while they work.

use std::{collections::BTreeMap, future::pending, time::Duration};

use bus::{BusError, Dealt};
use events::topics::DELIVERY_ORDERS;
use service::Context;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::{
    courier::{Badge, Courier},
    desk::DeskHandle,
};

/// The names of the couriers there can be, in the order in which they are hired.
const NAMES: [&str; 20] = [
    "Ada", "Bart", "Chloé", "Dries", "Emma", "Florian", "Griet", "Hugo", "Inès", "Jef", "Kaat", "Lucas", "Marie",
    "Noor", "Olivier", "Pieter", "Quentin", "Roos", "Simon", "Tine",
];

/// Most couriers there can be: everyone has a name.
pub(crate) const COURIERS_MAX: usize = NAMES.len();

/// All couriers.
pub(crate) struct Crew {
    context: Context,
    desk: DeskHandle,
    pace: Duration,
    wanted: usize,
    /// Who is here, each with the word that dismisses them; whoever was told stays until the parcel in hand is brought.
    here: BTreeMap<&'static str, CancellationToken>,
    at_work: JoinSet<&'static str>,
}

impl Crew {
    pub(crate) fn new(context: Context, desk: DeskHandle, pace: Duration) -> Self {
        Crew { context, desk, pace, wanted: 0, here: BTreeMap::new(), at_work: JoinSet::new() }
    }

    /// Hires or dismisses until there are so many. Those hired last go first, and bring what they have in hand.
    pub(crate) fn employ(&mut self, wanted: usize) -> Result<(), BusError> {
        self.wanted = wanted;
        let surplus = self.employed().saturating_sub(wanted);
        for dismissal in self.here.values().rev().filter(|told| !told.is_cancelled()).take(surplus) {
            dismissal.cancel();
        }
        self.fill()
    }

    /// Sees to it that there are as many as wanted, until a courier fails.
    pub(crate) async fn work(mut self) -> anyhow::Result<()> {
        loop {
            match self.at_work.join_next().await {
                Some(left) => self.goodbye(left?)?,
                None => pending().await,
            }
        }
    }

    /// Someone has left: their name is free for the next.
    fn goodbye(&mut self, name: &'static str) -> Result<(), BusError> {
        info!(courier = name, "has left");
        self.here.remove(name);
        self.fill()
    }

    fn employed(&self) -> usize {
        self.here.values().filter(|told| !told.is_cancelled()).count()
    }

    fn fill(&mut self) -> Result<(), BusError> {
        while self.employed() < self.wanted {
            // Whoever is still bringing a last parcel keeps the name; the place is filled when they have left.
            let Some(name) = NAMES.into_iter().find(|name| !self.here.contains_key(name)) else { break };
            self.hire(name)?;
        }
        Ok(())
    }

    fn hire(&mut self, name: &'static str) -> Result<(), BusError> {
        let dealt = Dealt { name: Some(name.to_owned()), own_connection: true, ..Dealt::default() };
        let dismissed = CancellationToken::new();
        let courier = Courier {
            badge: Badge::new(name, self.context.board.clone()),
            pace: self.pace,
            desk: self.desk.clone(),
            parcels: self.context.bus.consumer(DELIVERY_ORDERS, self.context.service, dealt)?,
            dismissed: dismissed.clone(),
        };
        self.here.insert(name, dismissed);
        self.at_work.spawn(courier.work());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    //! Needs no broker: couriers who cannot reach the queue are employed all the same.

    use std::{path::PathBuf, time::Duration};

    use bus::{Broker, Bus, Place};
    use events::ids::Service;
    use service::{stage::Stage, testing::eventually};
    use store::Store;

    use super::*;
    use crate::{desk::Desk, round::Patience, store::TABLES};

    struct Folder(PathBuf);

    impl Drop for Folder {
        fn drop(&mut self) {
            drop(std::fs::remove_dir_all(&self.0));
        }
    }

    async fn crew(folder: &Folder) -> (Crew, Context) {
        let nowhere =
            Broker { url: "pulsar://127.0.0.1:1".into(), admin_url: "http://127.0.0.1:1".into(), token: None };
        let bus = Bus::new(nowhere, Place { tenant: "none".into(), episode: 1 });
        let store = Store::open(&folder.0, "delivery", 1, None, &TABLES).await.unwrap();
        let (_, outbox) = store::Outbox::new(store.clone(), &bus);
        let context = Context::new(Service::Delivery, bus, Stage::default(), &folder.0, CancellationToken::new());
        let patience = Patience { attempts: 4, first_delay_ms: 100 };
        let (_, desk) = Desk::new(context.clone(), store, outbox, patience);
        (Crew::new(context.clone(), desk, Duration::ZERO), context)
    }

    fn on_the_board(context: &Context) -> Vec<String> {
        context.board.couriers(|couriers| couriers.iter().map(|state| state.courier.clone()).collect())
    }

    #[tokio::test]
    async fn employs_exactly_as_many_as_wanted_and_shows_them_in_order() {
        let folder = Folder(std::env::temp_dir().join(format!("beers-crew-{}", std::process::id())));
        let (mut crew, context) = crew(&folder).await;
        crew.employ(3).unwrap();
        assert_eq!(on_the_board(&context), ["Ada", "Bart", "Chloé"]);
        crew.employ(COURIERS_MAX).unwrap();
        assert_eq!(on_the_board(&context), NAMES);
        crew.employ(2).unwrap();
        crew.employ(4).unwrap();
        let working = tokio::spawn(crew.work());
        let four = eventually("four couriers", || async {
            let names = on_the_board(&context);
            (names.len() == 4).then_some(names)
        });
        assert_eq!(four.await.unwrap(), ["Ada", "Bart", "Chloé", "Dries"]);
        working.abort();
        assert!(working.await.unwrap_err().is_cancelled());
        let nobody = eventually("an empty board", || async { on_the_board(&context).is_empty().then_some(()) });
        nobody.await.unwrap();
    }
}

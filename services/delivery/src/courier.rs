//! A courier carries one parcel at a time from the queue to the customer.

use std::time::Duration;

use bus::Consumer;
use events::{
    delivery::DeliveryOrder,
    ids::Moment,
    received::Received,
    stage::{Carrying, CourierState, Staff},
    topics::DELIVERY_ORDERS,
};
use service::{
    idempotent_consumer::WriterHandle,
    now,
    presence::PresenceState,
    stage::{Pause, Stage},
};
use tokio_util::sync::CancellationToken;

use crate::handler::{Answer, Delivery, Work};

pub(crate) struct Courier {
    pub(crate) badge: Badge,
    /// Where the current pace is read.
    pub(crate) stage: Stage,
    pub(crate) pause: Pause,
    pub(crate) writer: WriterHandle<Delivery>,
    pub(crate) parcels: Consumer<DeliveryOrder>,
    /// Cancelled to dismiss the courier.
    pub(crate) dismissed: CancellationToken,
}

impl Courier {
    /// Delivers parcels until dismissed. Takes none while delivery is paused, but still delivers the one it has.
    ///
    /// If the task is dropped, the parcel is not acknowledged and another courier gets it.
    pub(crate) async fn work(mut self) {
        loop {
            let works = !self.pause.is_on();
            let received = tokio::select! {
                // The token comes first: a courier that is dismissed takes no more parcels.
                biased;
                () = self.dismissed.cancelled() => return,
                () = self.pause.changed() => continue,
                received = self.parcels.receive(1), if works => received,
            };
            for parcel in received {
                let position = parcel.position;
                // A commit is enough: what follows from it is in the outbox and is published even after a crash.
                let delivered = self.handle(parcel).await;
                self.parcels.acknowledge(&[position]).await;
                self.badge.empty_handed(delivered);
            }
        }
    }

    /// `true` if this courier has just delivered it.
    async fn handle(&self, parcel: Received<DeliveryOrder>) -> bool {
        let courier = self.badge.name;
        let pace = Duration::from_millis(self.stage.settings().choices.courier_pace_ms.into());
        let mut picked_up_at = Some(now());
        if !pace.is_zero()
            && let Ok(task) = &parcel.message
        {
            let picked_up = parcel.clone().map(|task| Work::PickUp { courier, task });
            if self.report(picked_up).await != Some(Answer::BringIt) {
                return false;
            }
            picked_up_at = None;
            self.badge.carries(task, now(), pace);
            tokio::time::sleep(pace).await;
        }
        let tried = parcel.map(|task| Work::Try { courier, task, picked_up_at });
        self.report(tried).await == Some(Answer::Delivered)
    }

    async fn report(&self, report: Received<Work>) -> Option<Answer> {
        self.writer.submit(DELIVERY_ORDERS.spec, vec![report]).await.pop().flatten()
    }
}

/// A courier's entry in the presence; removed when the courier ends, however it ends.
pub(crate) struct Badge {
    name: &'static str,
    presence: PresenceState,
}

impl Badge {
    pub(crate) fn new(name: &'static str, presence: PresenceState) -> Self {
        presence.staff(|Staff { couriers, .. }| {
            let place = couriers.partition_point(|other| other.courier.as_str() < name);
            couriers.insert(place, CourierState { courier: name.to_owned(), carrying: None, delivered: 0 });
        });
        Badge { name, presence }
    }

    fn carries(&self, task: &DeliveryOrder, since: Moment, pace: Duration) {
        let until = since.plus_millis(i64::try_from(pace.as_millis()).unwrap_or(i64::MAX));
        let DeliveryOrder { order_id, round, attempt, .. } = task;
        let carrying = Carrying { order_id: order_id.clone(), round: *round, attempt: *attempt, since, until };
        self.change(|state| state.carrying = Some(carrying));
    }

    fn empty_handed(&self, delivered: bool) {
        self.change(|state| {
            state.carrying = None;
            state.delivered += u64::from(delivered);
        });
    }

    fn change(&self, change: impl FnOnce(&mut CourierState)) {
        self.presence.staff(|Staff { couriers, .. }| {
            if let Some(state) = couriers.iter_mut().find(|state| state.courier == self.name) {
                change(state);
            }
        });
    }
}

impl Drop for Badge {
    fn drop(&mut self) {
        self.presence.staff(|staff| staff.couriers.retain(|state| state.courier != self.name));
    }
}

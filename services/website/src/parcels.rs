//! Where the parcels of accepted orders are: in the queue, waiting to be tried again, in someone's hands, stranded.

use std::collections::{BTreeMap, HashMap, VecDeque};

use events::{
    delivery::FailureReason,
    ids::{Moment, OrderId},
    stage::CourierState,
};

use crate::{
    order::Progress,
    views::{DeadLetterView, Lane, Parcel, Retry, Status},
};

/// Parcels of the queue that are named on a page.
pub const QUEUED_SHOWN_MAX: usize = 30;
/// Retries that are named on a page.
pub const RETRIES_SHOWN_MAX: usize = 50;
/// Dead letters that are shown on a page.
pub const DEAD_LETTERS_SHOWN_MAX: usize = 100;
/// Over this long the rate of deliveries is counted, in microseconds.
const RATE_OVER: i64 = 10_000_000;

/// What is known of one parcel.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    place: Place,
    since: Moment,
    customer: String,
    address: String,
    attempt: u32,
    failure: FailureReason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Queue,
    Later(Moment),
    InHand,
    Stranded,
}

/// All parcels that are not at their end.
#[derive(Debug, Clone, Default)]
pub struct Parcels {
    known: HashMap<OrderId, Known>,
    queue: BTreeMap<(Moment, OrderId), ()>,
    later: BTreeMap<(Moment, OrderId), ()>,
    stranded: BTreeMap<(Moment, OrderId), ()>,
    delivered_by: HashMap<String, u64>,
    delivered: u64,
    delivered_at: VecDeque<Moment>,
}

impl Parcels {
    /// An order has got this far.
    pub fn moved(&mut self, order_id: &OrderId, customer: &str, address: &str, progress: &Progress, at: Moment) {
        self.forget(order_id);
        let place = match (progress.status, progress.retry_at) {
            (Status::Accepted, _) | (Status::Retrying, None) => Place::Queue,
            (Status::Retrying, Some(at)) => Place::Later(at),
            (Status::PickedUp, _) => Place::InHand,
            (Status::Stranded, _) => Place::Stranded,
            _ => return,
        };
        match place {
            Place::Queue => self.queue.insert((at, order_id.clone()), ()),
            Place::Later(due) => self.later.insert((due, order_id.clone()), ()),
            Place::Stranded => self.stranded.insert((at, order_id.clone()), ()),
            Place::InHand => None,
        };
        let known = Known {
            place,
            since: at,
            customer: customer.to_owned(),
            address: address.to_owned(),
            attempt: progress.attempt,
            failure: progress.failure.unwrap_or(FailureReason::AddressNotFound),
        };
        self.known.insert(order_id.clone(), known);
    }

    /// Who waits for a parcel and where is known only now: its order was read after what became of it.
    pub fn described(&mut self, order_id: &OrderId, customer: &str, address: &str) {
        if let Some(known) = self.known.get_mut(order_id) {
            known.customer = customer.to_owned();
            known.address = address.to_owned();
        }
    }

    /// A courier delivered a parcel.
    pub fn delivered(&mut self, courier: &str, at: Moment) {
        self.count_delivered(courier, 1);
        self.delivered_at.push_back(at);
        while self.delivered_at.front().is_some_and(|first| at.micros_since(*first) > RATE_OVER) {
            self.delivered_at.pop_front();
        }
    }

    /// So many were delivered before this process began.
    pub fn count_delivered(&mut self, courier: &str, count: u64) {
        self.delivered += count;
        *self.delivered_by.entry(courier.to_owned()).or_default() += count;
    }

    /// Orders delivered in this episode, and in the last ten seconds.
    pub fn delivered_counts(&self, now: Moment) -> (u64, u64) {
        let recent = self.delivered_at.iter().rev().take_while(|at| now.micros_since(**at) <= RATE_OVER).count();
        (self.delivered, u64::try_from(recent).unwrap_or(u64::MAX))
    }

    /// How many wait for a courier, and the first of them. One that was to be tried again and is due waits as well.
    pub fn queue(&self, now: Moment) -> (u64, Vec<OrderId>) {
        let due = || self.later.keys().take_while(|(due, _)| *due <= now);
        let count = self.queue.len() + due().count();
        let first = self.queue.keys().chain(due()).take(QUEUED_SHOWN_MAX).map(|(_, id)| id.clone()).collect();
        (u64::try_from(count).unwrap_or(u64::MAX), first)
    }

    /// How many wait to be tried again, and the soonest of them.
    pub fn retries(&self, now: Moment) -> (u64, Vec<Retry>) {
        let waiting = || self.later.keys().filter(|(due, _)| *due > now);
        let retry = |(due, id): &(Moment, OrderId)| {
            let known = self.known.get(id)?;
            Some(Retry {
                order_id: id.clone(),
                address: known.address.clone(),
                attempt: known.attempt,
                reason: known.failure,
                retry_at: *due,
            })
        };
        let first = waiting().take(RETRIES_SHOWN_MAX).filter_map(retry).collect();
        (u64::try_from(waiting().count()).unwrap_or(u64::MAX), first)
    }

    /// Whether any parcel waits for its time, so that what is shown changes without news.
    pub fn any_waits(&self) -> bool {
        !self.later.is_empty()
    }

    /// The stranded ones, newest first, and how many there are.
    pub fn stranded(&self) -> (u64, Vec<DeadLetterView>) {
        let dead_letter = |(at, id): &(Moment, OrderId)| {
            let known = self.known.get(id)?;
            Some(DeadLetterView::Stranded {
                order_id: id.clone(),
                customer: known.customer.clone(),
                address: known.address.clone(),
                reason: known.failure,
                attempts: known.attempt,
                at: *at,
            })
        };
        let newest = self.stranded.keys().rev().take(DEAD_LETTERS_SHOWN_MAX).filter_map(dead_letter).collect();
        (u64::try_from(self.stranded.len()).unwrap_or(u64::MAX), newest)
    }

    /// The one that was stranded last.
    pub fn newest_stranded(&self) -> Option<OrderId> {
        self.stranded.last_key_value().map(|((_, order_id), ())| order_id.clone())
    }

    /// Whether this order lies among the dead letters.
    pub fn is_stranded(&self, order_id: &OrderId) -> bool {
        self.known.get(order_id).is_some_and(|known| known.place == Place::Stranded)
    }

    /// A courier's lane, as delivery describes them.
    pub fn lane(&self, state: &CourierState) -> Lane {
        let parcel = |carrying: &events::stage::Carrying| Parcel {
            order_id: carrying.order_id.clone(),
            address: self.known.get(&carrying.order_id).map(|known| known.address.clone()).unwrap_or_default(),
            attempt: carrying.attempt,
            since: carrying.since,
            until: carrying.until,
        };
        Lane {
            courier: state.courier.clone(),
            carrying: state.carrying.as_ref().map(parcel),
            delivered: self.delivered_by.get(&state.courier).copied().unwrap_or(0),
        }
    }

    fn forget(&mut self, order_id: &OrderId) {
        let Some(known) = self.known.remove(order_id) else { return };
        match known.place {
            Place::Queue => self.queue.remove(&(known.since, order_id.clone())),
            Place::Later(due) => self.later.remove(&(due, order_id.clone())),
            Place::Stranded => self.stranded.remove(&(known.since, order_id.clone())),
            Place::InHand => None,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Moment {
        Moment::from_micros(second * 1_000_000)
    }

    #[test]
    fn a_parcel_is_in_one_place_at_a_time() {
        let mut parcels = Parcels::default();
        let id: OrderId = "a".parse().unwrap();
        let mut progress = Progress { status: Status::Accepted, ..Progress::placed() };
        parcels.moved(&id, "Ada", "Gent", &progress, at(1));
        assert_eq!(parcels.queue(at(1)).0, 1);
        progress.status = Status::PickedUp;
        parcels.moved(&id, "Ada", "Gent", &progress, at(2));
        assert_eq!(parcels.queue(at(2)).0, 0);
        progress.status = Status::Retrying;
        progress.retry_at = Some(at(5));
        parcels.moved(&id, "Ada", "Gent", &progress, at(3));
        assert_eq!((parcels.retries(at(4)).0, parcels.queue(at(4)).0), (1, 0));
        assert_eq!((parcels.retries(at(5)).0, parcels.queue(at(5)).0), (0, 1), "due, so in the queue");
        progress = Progress { status: Status::Stranded, retry_at: None, ..progress };
        parcels.moved(&id, "Ada", "Gent", &progress, at(6));
        assert!(parcels.is_stranded(&id));
        assert_eq!((parcels.queue(at(7)).0, parcels.stranded().0), (0, 1));
        progress.status = Status::Delivered;
        parcels.moved(&id, "Ada", "Gent", &progress, at(8));
        assert!(parcels.known.is_empty() && parcels.stranded.is_empty());
    }

    #[test]
    fn the_rate_forgets_what_is_older_than_ten_seconds() {
        let mut parcels = Parcels::default();
        parcels.delivered("Ada", at(1));
        parcels.delivered("Bart", at(8));
        assert_eq!(parcels.delivered_counts(at(9)), (2, 2));
        assert_eq!(parcels.delivered_counts(at(15)), (2, 1));
    }
}

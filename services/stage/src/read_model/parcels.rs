//! Where the parcels of accepted orders are: in the queue, waiting for another attempt, with a courier, stranded.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    time::{Duration, Instant},
};

use events::{
    delivery::FailureReason,
    ids::{Moment, OrderId},
    stage::{Carrying, CourierState},
};
use service::Now;
use web::order::{
    progress::Progress,
    view::{Status, What},
};

use crate::read_model::{
    deliveries::{DeadLetterView, Lane, Parcel, Retry, Tried},
    orders::Order,
    throughput::is_of_now,
};

/// Queued parcels that a page lists.
pub const QUEUED_SHOWN_MAX: usize = 30;
/// Retries that a page lists.
pub const RETRIES_SHOWN_MAX: usize = 50;
/// Dead letters that a page shows.
pub const DEAD_LETTERS_SHOWN_MAX: usize = 100;
/// Attempts and redrives kept of one parcel: the newest. A round has four attempts.
const TRIED_MAX: usize = 24;
/// The longest time from an update about a pickup to the report on delivery's board, in milliseconds.
const BOARD_AFTER_MS: i64 = 100;
/// The time over which the rate of deliveries is counted.
const RATE_OVER: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    place: Place,
    since: Moment,
    customer: String,
    address: String,
    attempt: u32,
    failure: FailureReason,
    courier: Option<String>,
    taken_over_from: Option<String>,
    /// Empty for most: only trouble is remembered.
    tried: Vec<Tried>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Queue,
    Later(Moment),
    InHand,
    Stranded,
}

/// All parcels whose order is not finished.
#[derive(Debug, Clone, Default)]
pub struct Parcels {
    known: HashMap<OrderId, Known>,
    queue: BTreeMap<(Moment, OrderId), ()>,
    later: BTreeMap<(Moment, OrderId), ()>,
    stranded: BTreeMap<(Moment, OrderId), ()>,
    /// The last parcel that each courier picked up and still has.
    in_hands: HashMap<String, OrderId>,
    delivered_by: HashMap<String, u64>,
    delivered: u64,
    /// When the deliveries of the rate were read.
    delivered_at: VecDeque<Instant>,
}

impl Parcels {
    /// Applies the progress of an order.
    pub fn moved(&mut self, order_id: &OrderId, customer: &str, address: &str, progress: &Progress, at: Moment) {
        let before = self.forget(order_id);
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
            Place::InHand => {
                let courier = progress.courier.clone().unwrap_or_default();
                self.in_hands.insert(courier, order_id.clone());
                None
            }
        };
        let known = Known {
            place,
            since: at,
            customer: customer.to_owned(),
            address: address.to_owned(),
            attempt: progress.attempt,
            failure: progress.failure.unwrap_or(FailureReason::AddressNotFound),
            courier: progress.courier.clone(),
            taken_over_from: before.as_ref().and_then(|before| taken_over_from(before, place, progress)),
            tried: before.map(|before| before.tried).unwrap_or_default(),
        };
        self.known.insert(order_id.clone(), known);
    }

    /// Remembers what became of a parcel, if it belongs to the history of its trouble.
    pub fn tried(&mut self, order_id: &OrderId, at: Moment, what: &What) {
        if !matches!(what, What::AttemptFailed { .. } | What::Stranded { .. } | What::Redriven { .. }) {
            return;
        }
        if let Some(known) = self.known.get_mut(order_id) {
            if known.tried.len() >= TRIED_MAX {
                known.tried.remove(0);
            }
            known.tried.push(Tried { at, what: what.clone() });
        }
    }

    /// Counts a delivery that is read now.
    pub fn delivered(&mut self, courier: &str, at: Moment, now: Now) {
        self.count_delivered(courier, 1);
        if is_of_now(at, now, RATE_OVER) {
            self.delivered_at.push_back(now.steady);
        }
        while self.delivered_at.front().is_some_and(|first| now.steady.saturating_duration_since(*first) > RATE_OVER) {
            self.delivered_at.pop_front();
        }
    }

    /// Counts deliveries from before this process.
    pub fn count_delivered(&mut self, courier: &str, count: u64) {
        self.delivered += count;
        *self.delivered_by.entry(courier.to_owned()).or_default() += count;
    }

    /// Deliveries in this episode, and in the last ten seconds.
    pub fn delivered_counts(&self, now: Now) -> (u64, u64) {
        let is_recent = |read: &&Instant| now.steady.saturating_duration_since(**read) <= RATE_OVER;
        let recent = self.delivered_at.iter().rev().take_while(is_recent).count();
        (self.delivered, u64::try_from(recent).unwrap_or(u64::MAX))
    }

    /// Deliveries of each courier.
    pub const fn delivered_by(&self) -> &HashMap<String, u64> {
        &self.delivered_by
    }

    /// Restores an order from the checkpoint.
    pub fn restore(&mut self, order_id: &OrderId, order: &Order) {
        let Order { customer, address, progress, changed_at, .. } = order;
        if let Some(before) = order.taken_over_from() {
            let courier = Some(before.to_owned());
            self.moved(order_id, customer, address, &Progress { courier, ..progress.clone() }, *changed_at);
        }
        self.moved(order_id, customer, address, progress, *changed_at);
        order.hops.iter().for_each(|hop| self.tried(order_id, hop.at, &hop.what));
    }

    /// Forgets an order.
    pub fn left(&mut self, order_id: &OrderId) {
        self.forget(order_id);
    }

    /// The number of parcels that wait for a courier, and the first of them. Retries that are due are included.
    pub fn queue(&self, now: Moment) -> (u64, Vec<OrderId>) {
        let due = || self.later.keys().take_while(|(due, _)| *due <= now);
        let count = self.queue.len() + due().count();
        let first = self.queue.keys().chain(due()).take(QUEUED_SHOWN_MAX).map(|(_, id)| id.clone()).collect();
        (u64::try_from(count).unwrap_or(u64::MAX), first)
    }

    /// The number of parcels that wait for another attempt, and the soonest of them.
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

    /// Whether any parcel waits for its time, so that the page changes without news.
    pub fn any_waits(&self) -> bool {
        !self.later.is_empty()
    }

    /// The stranded parcels, newest first, and their number.
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
                history: known.tried.clone(),
            })
        };
        let newest = self.stranded.keys().rev().take(DEAD_LETTERS_SHOWN_MAX).filter_map(dead_letter).collect();
        (u64::try_from(self.stranded.len()).unwrap_or(u64::MAX), newest)
    }

    pub fn newest_stranded(&self) -> Option<OrderId> {
        self.stranded.last_key_value().map(|((_, order_id), ())| order_id.clone())
    }

    #[cfg(test)]
    pub fn is_stranded(&self, order_id: &OrderId) -> bool {
        self.known.get(order_id).is_some_and(|known| known.place == Place::Stranded)
    }

    /// A courier's lane.
    ///
    /// Delivery reports twice a second what its couriers carry; its updates tell at once what they picked up and handed
    /// over. The newer one counts. `pace_ms` gives the end of a delivery that is not reported yet.
    pub fn lane(&self, state: &CourierState, said_at: Moment, pace_ms: u32) -> Lane {
        let carrying = match self.picked_up(&state.courier) {
            Some((order_id, known)) if known.since.plus_millis(BOARD_AFTER_MS) > said_at => {
                let told = state.carrying.as_ref().filter(|carrying| carrying.order_id == *order_id);
                let until = told.map_or(known.since.plus_millis(pace_ms.into()), |carrying| carrying.until);
                Some(known.parcel(order_id, &state.courier, (known.attempt, known.since, until)))
            }
            _ => state.carrying.as_ref().and_then(|carrying| {
                let known = self.known.get(&carrying.order_id).filter(|known| !known.has_ended(carrying.attempt))?;
                let Carrying { order_id, attempt, since, until, .. } = carrying;
                Some(known.parcel(order_id, &state.courier, (*attempt, *since, *until)))
            }),
        };
        let delivered = self.delivered_by.get(&state.courier).copied().unwrap_or(0);
        Lane { courier: state.courier.clone(), carrying, delivered }
    }

    fn picked_up(&self, courier: &str) -> Option<(&OrderId, &Known)> {
        let order_id = self.in_hands.get(courier)?;
        Some((order_id, self.known.get(order_id)?))
    }

    fn forget(&mut self, order_id: &OrderId) -> Option<Known> {
        let known = self.known.remove(order_id)?;
        match known.place {
            Place::Queue => self.queue.remove(&(known.since, order_id.clone())),
            Place::Later(due) => self.later.remove(&(due, order_id.clone())),
            Place::Stranded => self.stranded.remove(&(known.since, order_id.clone())),
            Place::InHand => {
                let courier = known.courier.as_deref().unwrap_or_default();
                if self.in_hands.get(courier) == Some(order_id) {
                    self.in_hands.remove(courier);
                }
                None
            }
        };
        Some(known)
    }
}

impl Known {
    /// Whether an update ended this attempt.
    fn has_ended(&self, attempt: u32) -> bool {
        matches!(self.place, Place::Later(_) | Place::Stranded) && self.attempt >= attempt
    }

    /// The parcel with this courier.
    fn parcel(&self, order_id: &OrderId, courier: &str, (attempt, since, until): (u32, Moment, Moment)) -> Parcel {
        // Delivery's report may come before or after the update.
        let is_theirs = self.courier.as_deref() == Some(courier);
        Parcel {
            order_id: order_id.clone(),
            address: self.address.clone(),
            attempt,
            since,
            until,
            taken_over_from: self.taken_over_from.clone().filter(|_| is_theirs),
        }
    }
}

/// Another courier picked it up in the same attempt, so the one before has crashed.
fn taken_over_from(before: &Known, place: Place, progress: &Progress) -> Option<String> {
    let same_attempt = before.place == Place::InHand && place == Place::InHand && before.attempt == progress.attempt;
    if !same_attempt {
        return None;
    }
    if before.courier == progress.courier { before.taken_over_from.clone() } else { before.courier.clone() }
}

#[cfg(test)]
mod tests;

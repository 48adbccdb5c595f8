//! Detects subscriptions that stand still, from what all consumers of a subscription know together.
//!
//! A subscription stands still when the broker has messages for it, no consumer of this process holds one, all of these
//! consumers wait, and none gets anything. The client does not notice: a connection can work while a subscription
//! on it is lost.
//!
//! It also stands still when subscribing has failed for some seconds.
//!
//! Only a waiting consumer checks. So nothing stands still while a service is paused, while it works on a message, or
//! where there is no consumer.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

/// How often a waiting consumer checks whether messages wait for it.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long the broker may take to answer a check; without an answer nothing is known.
pub(crate) const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// After this many checks in a row with the same result the subscription stands still.
const LOOKS: u32 = 3;
/// A consumer that was not polled for this long was busy or paused: earlier checks no longer count.
const BUSY_AFTER: Duration = Duration::from_secs(1);
/// A consumer that could not subscribe for this long is cut off.
pub(crate) const CUT_OFF_AFTER: Duration = Duration::from_secs(10);
/// Longest pause between two checks while rebuilding the consumer does not help.
const LONGEST_PAUSE: Duration = Duration::from_secs(32);

/// The subscriptions this process reads.
#[derive(Default)]
pub(crate) struct Flows {
    of: Mutex<HashMap<Name, Weak<Flow>>>,
}

/// A subscription, and the address of its topic.
type Name = (String, &'static str);

impl Flows {
    /// The flow of this subscription, which all its consumers share.
    pub(crate) fn join(&self, address: String, topic: &'static str, subscription: &'static str) -> Arc<Flow> {
        let mut flows = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        flows.retain(|_, flow| flow.strong_count() > 0);
        let known = flows.entry((address, subscription)).or_default();
        known.upgrade().unwrap_or_else(|| {
            let flow = Arc::new(Flow { topic, ..Flow::default() });
            *known = Arc::downgrade(&flow);
            flow
        })
    }

    /// The topics of the subscriptions that stand still.
    pub(crate) fn standing_still(&self) -> Vec<&'static str> {
        let flows = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        let still = flows.values().filter_map(Weak::upgrade).filter(|flow| flow.stands_still());
        still.map(|flow| flow.topic).collect::<BTreeSet<_>>().into_iter().collect()
    }
}

/// What the consumers of one subscription know together.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    topic: &'static str,
    received: AtomicU64,
    in_hand: AtomicUsize,
    gets_nothing: AtomicBool,
    cut_off: AtomicBool,
}

impl Flow {
    fn stands_still(&self) -> bool {
        self.gets_nothing.load(Ordering::Relaxed) || self.cut_off.load(Ordering::Relaxed)
    }

    /// Records whether subscribing has failed for too long.
    pub(crate) fn cut_off(&self, cut_off: bool) {
        self.cut_off.store(cut_off, Ordering::Relaxed);
    }

    fn moves(&self) {
        self.gets_nothing.store(false, Ordering::Relaxed);
    }
}

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// This many messages wait for the subscription.
    Waiting(u64),
    /// The broker does not know this consumer.
    Unknown,
    /// The broker did not answer.
    NoAnswer,
}

/// One consumer's part in the flow.
pub(crate) struct Watch {
    flow: Arc<Flow>,
    /// Messages that this consumer returned and that are not acknowledged.
    in_hand: usize,
    /// When the consumer was last polled.
    waited_until: Instant,
    next_look: Instant,
    pause: Duration,
    /// Checks in a row that found messages waiting, and how many had been received at that time.
    looks: u32,
    received_then: u64,
}

impl Watch {
    pub(crate) fn new(flow: Arc<Flow>, now: Instant) -> Self {
        Watch {
            flow,
            in_hand: 0,
            waited_until: now,
            next_look: now + LOOK_EVERY,
            pause: LOOK_EVERY,
            looks: 0,
            received_then: 0,
        }
    }

    /// The consumer is polled again. Returns when the next check is due.
    pub(crate) fn waits(&mut self, now: Instant) -> Instant {
        if now.duration_since(self.waited_until) > BUSY_AFTER {
            self.looks = 0;
            self.next_look = self.next_look.max(now + LOOK_EVERY);
        }
        self.waited_until = now;
        self.next_look
    }

    /// The consumer is still being polled, or was until now.
    pub(crate) fn waited(&mut self, now: Instant) {
        self.waited_until = now;
    }

    /// Whether a check makes sense: messages that a consumer holds explain why others wait.
    pub(crate) fn is_idle(&mut self, now: Instant) -> bool {
        self.next_look = now + self.pause;
        let idle = self.flow.in_hand.load(Ordering::Relaxed) == 0;
        if !idle {
            self.looks = 0;
        }
        idle
    }

    /// Messages were returned to the caller.
    pub(crate) fn received(&mut self, count: usize) {
        self.hold(self.in_hand + count);
        self.flow.received.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.looks = 0;
        self.pause = LOOK_EVERY;
        self.flow.moves();
    }

    pub(crate) fn acknowledged(&mut self, count: usize) {
        self.hold(self.in_hand.saturating_sub(count));
    }

    /// All messages are done, or will be redelivered.
    pub(crate) fn empty_handed(&mut self) {
        self.hold(0);
    }

    fn hold(&mut self, count: usize) {
        if count > self.in_hand {
            self.flow.in_hand.fetch_add(count - self.in_hand, Ordering::Relaxed);
        } else {
            self.flow.in_hand.fetch_sub(self.in_hand - count, Ordering::Relaxed);
        }
        self.in_hand = count;
    }

    /// Records the result of a check. Returns whether the consumer must be rebuilt.
    pub(crate) fn looked(&mut self, found: Found) -> bool {
        match found {
            Found::NoAnswer => false,
            Found::Waiting(0) => {
                (self.looks, self.pause) = (0, LOOK_EVERY);
                self.flow.moves();
                false
            }
            Found::Waiting(_) | Found::Unknown => self.looked_in_vain(),
        }
    }

    fn looked_in_vain(&mut self) -> bool {
        let received = self.flow.received.load(Ordering::Relaxed);
        if self.looks == 0 || received != self.received_then {
            (self.looks, self.received_then) = (0, received);
        }
        self.looks += 1;
        if self.looks < LOOKS {
            return false;
        }
        self.looks = 0;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        self.flow.gets_nothing.store(true, Ordering::Relaxed);
        true
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.hold(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(flows: &Flows) -> Watch {
        Watch::new(flows.join("persistent://beers/shop-1/orders".to_owned(), "orders", "warehouse"), Instant::now())
    }

    #[test]
    fn what_waits_at_three_looks_stands_still_until_something_comes() {
        let flows = Flows::default();
        let mut watch = watch(&flows);
        assert!(!watch.looked(Found::Waiting(800)) && !watch.looked(Found::Waiting(801)));
        assert!(flows.standing_still().is_empty());
        assert!(watch.looked(Found::Waiting(802)));
        assert_eq!(flows.standing_still(), ["orders"]);
        assert!(!watch.looked(Found::Waiting(803)), "a consumer that was made anew has its time");
        watch.received(1);
        assert!(flows.standing_still().is_empty());
    }

    #[test]
    fn a_broker_that_does_not_answer_or_has_nothing_is_no_standstill() {
        let flows = Flows::default();
        let mut watch = watch(&flows);
        let found = [Found::Waiting(1), Found::Waiting(1), Found::NoAnswer, Found::NoAnswer, Found::Waiting(0)];
        assert!(!found.into_iter().any(|found| watch.looked(found)));
        assert!(!watch.looked(Found::Waiting(1)) && !watch.looked(Found::Unknown), "it counts from the beginning");
        assert!(watch.looked(Found::Unknown), "a consumer the broker does not know gets nothing");
    }

    #[test]
    fn what_another_consumer_of_the_subscription_gets_or_holds_counts() {
        let flows = Flows::default();
        let (mut standby, mut active) = (watch(&flows), watch(&flows));
        assert!(!standby.looked(Found::Waiting(9)) && !standby.looked(Found::Waiting(9)));
        active.received(2);
        assert!(!standby.is_idle(Instant::now()), "the other one has two in hand");
        active.acknowledged(1);
        assert!(!standby.is_idle(Instant::now()));
        active.acknowledged(1);
        assert!(standby.is_idle(Instant::now()));
        for _ in 0..2 {
            assert!(!standby.looked(Found::Waiting(9)));
        }
        active.received(1);
        active.acknowledged(1);
        assert!(!standby.looked(Found::Waiting(9)), "something came since the last look");
        active.received(1);
        drop(active);
        assert!(standby.is_idle(Instant::now()), "what a consumer held that is gone comes again");
    }

    #[test]
    fn what_was_seen_before_a_pause_is_forgotten() {
        let flows = Flows::default();
        let mut watch = watch(&flows);
        assert!(!watch.looked(Found::Waiting(9)) && !watch.looked(Found::Waiting(9)));
        let later = Instant::now() + Duration::from_secs(60);
        assert_eq!(watch.waits(later), later + LOOK_EVERY, "it looks again only after it had time to get something");
        assert!(!watch.looked(Found::Waiting(9)) && !watch.looked(Found::Waiting(9)));
    }

    #[test]
    fn it_is_tried_less_often_while_it_does_not_help() {
        let flows = Flows::default();
        let mut watch = watch(&flows);
        let mut pauses = Vec::new();
        for _ in 0..6 {
            while !watch.looked(Found::Waiting(9)) {}
            let now = Instant::now();
            assert!(watch.is_idle(now));
            pauses.push((watch.waits(now) - now).as_secs());
        }
        assert_eq!(pauses, [4, 8, 16, 32, 32, 32]);
    }
}

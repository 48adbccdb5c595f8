//! The script: eight acts in the order of the talk.

use std::collections::BTreeSet;

use events::{
    ids::Service,
    past::PastQuestion,
    settings::{Choices, Crowd, Fold, Folding, Share, StageSettings},
    topics::SubscriptionType,
};

use crate::pure::acts::act::{
    Act,
    Effect::{self, Ask, Burst, Crash, Order, OrderNowhere, Rebuild, Redrive, ReturnToStock, Say, Set},
    Step, Target,
};

pub fn acts() -> &'static [Act] {
    &SCRIPT
}

impl Act {
    pub fn of_number(number: u8) -> Option<&'static Act> {
        acts().iter().find(|act| act.number == number)
    }

    /// The current act, if one has begun.
    pub fn now(settings: &StageSettings) -> Option<&'static Act> {
        settings.choices.act.and_then(Act::of_number)
    }
}

/// The current page for the room; the map before the first act.
pub fn page_now(settings: &StageSettings) -> &'static str {
    Act::now(settings).map_or("/", |act| act.page_at(settings.choices.step))
}

const fn step(title: &'static str, words: &'static str, effect: Effect) -> Step {
    Step { title, words, effect }
}

/// `suspicious` is the percentage that act 7 finds; it was there all evening.
fn crowd(orders_per_second: u32, suspicious: u32) -> Crowd {
    Crowd { orders_per_second, suspicious: percent(suspicious), undeliverable: percent(0) }
}

fn percent(n: u32) -> Share {
    Share::try_from(f64::from(n) / 100.0).unwrap_or_default()
}

/// Enough couriers for a crowd, so that they are not the topic: twenty parcels a second.
fn many_couriers(choices: &mut Choices) {
    choices.couriers = 10;
    choices.courier_pace_ms = 500;
}

/// Three slow workers: each event takes between 5 and 60 ms.
fn three_workers(subscription: SubscriptionType, fold: Fold) -> Folding {
    Folding { subscription, workers: 3, fold, work_ms: [5, 60] }
}

static SCRIPT: [Act; 8] =
    [FIRST_ORDER, DECOUPLING, QUEUE, WHEN_IT_GOES_WRONG, STREAM, REPLAY, ANOTHER_SUBSCRIPTION, NOTHING_LOST];

const FIRST_ORDER: Act = Act {
    number: 1,
    title: "act.first",
    shows: "act.first_shows",
    page: "/",
    begin: |_| {},
    steps: &[
        step("act.first_shop", "act.first_shop_say", Effect::Open("/welcome")),
        step("act.first_room", "act.first_room_say", Effect::Open("/")),
        step("act.first_order", "act.first_order_say", Order),
        step("act.first_hops", "act.first_hops_say", Effect::Open("/orders/newest")),
        step("act.first_phones", "act.first_phones_say", Say),
    ],
};

const DECOUPLING: Act = Act {
    number: 2,
    title: "act.apart",
    shows: "act.apart_shows",
    page: "/",
    begin: |choices| {
        choices.crowd = crowd(3, 2);
        many_couriers(choices);
    },
    steps: &[
        step("act.apart_flow", "act.apart_flow_say", Say),
        step("act.apart_pause", "act.apart_pause_say", Set(|choices| choices.paused = just(Service::Warehouse))),
        step("act.apart_order", "act.apart_order_say", Order),
        step("act.apart_crowd", "act.apart_crowd_say", Set(|choices| choices.crowd.orders_per_second = 20)),
        step(
            "act.apart_resume",
            "act.apart_resume_say",
            Set(|choices| {
                choices.paused.clear();
                choices.crowd.orders_per_second = 3;
            }),
        ),
        step("act.apart_sums", "act.apart_sums_say", Effect::Open("/ledger")),
    ],
};

fn just(service: Service) -> BTreeSet<Service> {
    BTreeSet::from([service])
}

const QUEUE: Act = Act {
    number: 3,
    title: "act.queue",
    shows: "act.queue_shows",
    page: "/deliveries",
    begin: |choices| {
        choices.couriers = 1;
        choices.courier_pace_ms = 1_000;
        choices.crowd = crowd(3, 2);
    },
    steps: &[
        step("act.queue_one", "act.queue_one_say", Say),
        step("act.queue_hire", "act.queue_hire_say", Set(|choices| choices.couriers = 3)),
        step(
            "act.queue_slow",
            "act.queue_slow_say",
            Set(|choices| {
                choices.courier_pace_ms = 3_000;
                choices.crowd.orders_per_second = 1;
            }),
        ),
        step("act.queue_crash", "act.queue_crash_say", Crash(Target::Courier)),
        step(
            "act.queue_drain",
            "act.queue_drain_say",
            Set(|choices| {
                choices.couriers = 8;
                choices.courier_pace_ms = 1_000;
            }),
        ),
        step("act.queue_gone", "act.queue_gone_say", Say),
    ],
};

const WHEN_IT_GOES_WRONG: Act = Act {
    number: 4,
    title: "act.wrong",
    shows: "act.wrong_shows",
    page: "/deliveries",
    begin: |choices| {
        choices.couriers = 4;
        choices.courier_pace_ms = 1_000;
        choices.crowd = crowd(2, 0);
    },
    steps: &[
        step("act.wrong_nowhere", "act.wrong_nowhere_say", OrderNowhere),
        step("act.wrong_retries", "act.wrong_retries_say", Say),
        step("act.wrong_many", "act.wrong_many_say", Set(|choices| choices.crowd.undeliverable = percent(20))),
        step("act.wrong_dead", "act.wrong_dead_say", Set(|choices| choices.crowd.undeliverable = percent(0))),
        step("act.wrong_redrive", "act.wrong_redrive_say", Redrive),
        step("act.wrong_return", "act.wrong_return_say", ReturnToStock),
    ],
};

const STREAM: Act = Act {
    number: 5,
    title: "act.stream",
    shows: "act.stream_shows",
    page: "/stock",
    begin: |choices| choices.stock_level = three_workers(SubscriptionType::Failover, Fold::Naive),
    steps: &[
        step("act.stream_log", "act.stream_log_say", Say),
        step("act.stream_failover", "act.stream_failover_say", Burst),
        step("act.stream_crash", "act.stream_crash_say", Crash(Target::Worker)),
        step("act.stream_other", "act.stream_other_say", Burst),
        step(
            "act.stream_to_shared",
            "act.stream_to_shared_say",
            Set(|choices| choices.stock_level = three_workers(SubscriptionType::Shared, Fold::Naive)),
        ),
        step("act.stream_shared", "act.stream_shared_say", Burst),
        step("act.stream_finger", "act.stream_finger_say", Say),
        step(
            "act.stream_to_keys",
            "act.stream_to_keys_say",
            Set(|choices| choices.stock_level = three_workers(SubscriptionType::KeyShared, Fold::Naive)),
        ),
        step("act.stream_keys", "act.stream_keys_say", Burst),
        step(
            "act.stream_to_versioned",
            "act.stream_to_versioned_say",
            Set(|choices| choices.stock_level = three_workers(SubscriptionType::Shared, Fold::Versioned)),
        ),
        step("act.stream_versioned", "act.stream_versioned_say", Burst),
        step("act.stream_table", "act.stream_table_say", Say),
    ],
};

const REPLAY: Act = Act {
    number: 6,
    title: "act.replay",
    shows: "act.replay_shows",
    page: "/past",
    begin: |choices| {
        choices.crowd = crowd(5, 5);
        many_couriers(choices);
    },
    steps: &[
        step("act.replay_kept", "act.replay_kept_say", Say),
        step("act.replay_rebuild", "act.replay_rebuild_say", Rebuild),
        step("act.replay_travel", "act.replay_travel_say", Effect::Open("/past")),
        step("act.replay_together", "act.replay_together_say", Ask(PastQuestion::OrderedTogether)),
        step("act.replay_refused", "act.replay_refused_say", Ask(PastQuestion::CostOfRefusals)),
        step("act.replay_second", "act.replay_second_say", Ask(PastQuestion::SameSecond)),
    ],
};

const ANOTHER_SUBSCRIPTION: Act = Act {
    number: 7,
    title: "act.reader",
    shows: "act.reader_shows",
    page: "/fraud",
    begin: |choices| {
        choices.crowd = crowd(10, 5);
        many_couriers(choices);
    },
    steps: &[
        step("act.reader_nobody", "act.reader_nobody_say", Say),
        step("act.reader_attach", "act.reader_attach_say", Set(|choices| choices.fraud_watch = true)),
        step("act.reader_found", "act.reader_found_say", Say),
        step("act.reader_detach", "act.reader_detach_say", Set(|choices| choices.fraud_watch = false)),
    ],
};

const NOTHING_LOST: Act = Act {
    number: 8,
    title: "act.lost",
    shows: "act.lost_shows",
    page: "/ledger",
    begin: |choices| {
        choices.crowd = crowd(30, 0);
        choices.couriers = 20;
        choices.courier_pace_ms = 500;
    },
    steps: &[
        step("act.lost_crowd", "act.lost_crowd_say", Say),
        step("act.lost_warehouse", "act.lost_warehouse_say", Crash(Target::Service(Service::Warehouse))),
        step("act.lost_wobble", "act.lost_wobble_say", Say),
        step("act.lost_delivery", "act.lost_delivery_say", Crash(Target::Service(Service::Delivery))),
        step("act.lost_broker", "act.lost_broker_say", Crash(Target::Broker)),
        step("act.lost_home", "act.lost_home_say", Set(|choices| choices.crowd = crowd(0, 0))),
        step("act.lost_end", "act.lost_end_say", Say),
    ],
};

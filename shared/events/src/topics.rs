//! Every topic of the suite, each with the type of its messages and its specification.
//!
//! Producers and consumers are created only from these, set-up creates namespaces, topics, policies and subscriptions
//! from [`TOPICS`], and a test compares the table in `docs/architecture.md` with them.

mod spec;

use crate::{
    decisions::OrderDecision,
    delivery::{DeadLetter, DeliveryOrder, DeliveryRequest, DeliveryUpdate},
    ids::Service::{self, Delivery, InventoryAnalysis, Stage, StockLevel as StockLevelService, Warehouse, Website},
    insights::Insight,
    orders::PlaceOrder,
    settings::StageSettings,
    stage::{Presence, StageAnswer, StageCommand, StageQuery},
    stock::{StockEvent, StockLevel},
    unreadable::Unreadable,
};
pub use spec::{Lifetime, Namespace, Subscription, SubscriptionType, Topic, TopicSpec};

const fn failover(reader: Service) -> Subscription {
    Subscription { name: reader.name(), reader, lifetime: Lifetime::Permanent(SubscriptionType::Failover) }
}

const fn each_process(reader: Service) -> Subscription {
    Subscription { name: reader.name(), reader, lifetime: Lifetime::PerProcess }
}

/// Looks for fraud in all orders of the episode, while the settings want it.
pub const FRAUD_WATCH: Subscription = Subscription {
    name: "fraud-watch",
    reader: InventoryAnalysis,
    lifetime: Lifetime::OnDemand(SubscriptionType::Failover),
};

/// Tells customers that their beer is on its way: one subscription for all phones, not one per phone.
pub const NOTIFICATION: Subscription = Subscription { name: "notification", ..failover(Website) };

/// One more subscriber on everything that happens in the shop; nobody waits for it.
pub const STAGE: Subscription = failover(Stage);

const ALL_SERVICES_LISTEN: &[Subscription] = &[
    each_process(Website),
    each_process(Warehouse),
    each_process(StockLevelService),
    each_process(InventoryAnalysis),
    each_process(Delivery),
    each_process(Stage),
];

/// Orders as they are placed, by the website or anyone.
pub static ORDERS: Topic<PlaceOrder> = Topic::new(&TopicSpec {
    name: "orders",
    open: true,
    messages: "`PlaceOrder` (command)",
    producers: &[Website],
    subscriptions: &[failover(Warehouse), failover(InventoryAnalysis), failover(Website), STAGE, FRAUD_WATCH],
    ..TopicSpec::USUAL
});

/// What the warehouse decided.
pub static ORDER_DECISIONS: Topic<OrderDecision> = Topic::new(&TopicSpec {
    name: "order-decisions",
    messages: "`Accepted`, `Refused`",
    producers: &[Warehouse],
    subscriptions: &[failover(Website), failover(InventoryAnalysis), STAGE],
    ..TopicSpec::USUAL
});

/// The couriers' work queue.
pub static DELIVERY_ORDERS: Topic<DeliveryOrder> = Topic::new(&TopicSpec {
    name: "delivery-orders",
    messages: "`DeliveryOrder` (task: order, round, attempt)",
    producers: &[Warehouse, Delivery],
    subscriptions: &[Subscription {
        name: "couriers",
        reader: Delivery,
        lifetime: Lifetime::Permanent(SubscriptionType::Shared),
    }],
    ..TopicSpec::USUAL
});

pub static DEAD_LETTERS: Topic<DeadLetter> = Topic::new(&TopicSpec {
    name: "delivery-orders-dlq",
    messages: "`DeadLetter` (order, reason, attempts, payload)",
    producers: &[Delivery],
    subscriptions: &[failover(Delivery)],
    ..TopicSpec::USUAL
});

/// Requests of the presenter to delivery.
pub static DELIVERY_REQUESTS: Topic<DeliveryRequest> = Topic::new(&TopicSpec {
    name: "delivery-requests",
    messages: "`Redrive`, `ReturnToStock` (commands)",
    producers: &[Stage],
    subscriptions: &[failover(Delivery)],
    ..TopicSpec::USUAL
});

/// What happens to parcels.
pub static DELIVERY_UPDATES: Topic<DeliveryUpdate> = Topic::new(&TopicSpec {
    name: "delivery-updates",
    messages: "`PickedUp`, `Delivered`, `AttemptFailed`, `Stranded`, `Redriven`, `Returned`",
    producers: &[Delivery],
    subscriptions: &[failover(Website), failover(Warehouse), failover(InventoryAnalysis), STAGE, NOTIFICATION],
    ..TopicSpec::USUAL
});

/// What could not be decoded.
pub static UNREADABLE: Topic<Unreadable> = Topic::new(&TopicSpec {
    name: "unreadable",
    messages: "`Unreadable` (topic, message id, reason, first bytes)",
    key: "topic",
    producers: &Service::ALL,
    subscriptions: &[STAGE],
    ..TopicSpec::USUAL
});

pub static STOCK_EVENTS: Topic<StockEvent> = Topic::new(&TopicSpec {
    name: "stock-events",
    namespace: Namespace::Stock,
    messages: "`Counted`, `Received`, `Reserved`, `Released`",
    key: "beer",
    producers: &[Warehouse],
    subscriptions: &[failover(StockLevelService), failover(InventoryAnalysis), STAGE],
    one_writer: true,
    ..TopicSpec::USUAL
});

/// The levels folded from the log.
pub static STOCK_LEVELS: Topic<StockLevel> = Topic::new(&TopicSpec {
    name: "stock-levels",
    namespace: Namespace::Stock,
    messages: "`StockLevel`",
    key: "beer",
    producers: &[StockLevelService],
    subscriptions: &[failover(Website), STAGE],
    compacted: true,
    ..TopicSpec::USUAL
});

/// What the analysis found.
pub static INSIGHTS: Topic<Insight> = Topic::new(&TopicSpec {
    name: "insights",
    namespace: Namespace::Stock,
    messages: "`Insight`",
    key: "kind",
    producers: &[InventoryAnalysis],
    subscriptions: &[STAGE],
    compacted: true,
    ..TopicSpec::USUAL
});

/// The one document of settings.
pub static SETTINGS: Topic<StageSettings> = Topic::new(&TopicSpec {
    name: "settings",
    namespace: Namespace::Stage,
    messages: "`StageSettings`",
    key: "-",
    producers: &[Stage],
    subscriptions: ALL_SERVICES_LISTEN,
    compacted: true,
    one_writer: true,
    ..TopicSpec::USUAL
});

pub static COMMANDS: Topic<StageCommand> = Topic::new(&TopicSpec {
    name: "commands",
    namespace: Namespace::Stage,
    messages: "`Crash`, `Rebuild`",
    key: "service",
    producers: &[Stage],
    subscriptions: ALL_SERVICES_LISTEN,
    stored: false,
    ..TopicSpec::USUAL
});

pub static QUERIES: Topic<StageQuery> = Topic::new(&TopicSpec {
    name: "queries",
    namespace: Namespace::Stage,
    messages: "`FoldAfresh`, `AsOf`, `Past` (questions)",
    key: "service",
    producers: &[Stage],
    subscriptions: ALL_SERVICES_LISTEN,
    stored: false,
    ..TopicSpec::USUAL
});

pub static ANSWERS: Topic<StageAnswer> = Topic::new(&TopicSpec {
    name: "answers",
    namespace: Namespace::Stage,
    messages: "`StageAnswer` (by correlation id)",
    key: "service",
    producers: &Service::DEMO,
    subscriptions: &[each_process(Stage)],
    stored: false,
    ..TopicSpec::USUAL
});

pub static PRESENCE: Topic<Presence> = Topic::new(&TopicSpec {
    name: "presence",
    namespace: Namespace::Stage,
    messages: "`Presence`, every 500 ms",
    key: "service",
    producers: &Service::ALL,
    subscriptions: &[each_process(Stage)],
    stored: false,
    ..TopicSpec::USUAL
});

/// All topics. A test counts them, since a topic that is missing here would not be set up.
pub static TOPICS: [&TopicSpec; 15] = [
    ORDERS.spec,
    ORDER_DECISIONS.spec,
    DELIVERY_ORDERS.spec,
    DEAD_LETTERS.spec,
    DELIVERY_REQUESTS.spec,
    DELIVERY_UPDATES.spec,
    UNREADABLE.spec,
    STOCK_EVENTS.spec,
    STOCK_LEVELS.spec,
    INSIGHTS.spec,
    SETTINGS.spec,
    COMMANDS.spec,
    QUERIES.spec,
    ANSWERS.spec,
    PRESENCE.spec,
];

/// The topic with this name, for code that has only a name, such as an outbox read back from its database.
pub fn find(name: &str) -> Option<&'static TopicSpec> {
    TOPICS.into_iter().find(|topic| topic.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_topic_has_its_own_name_a_producer_and_a_reader() {
        let names: HashSet<_> = TOPICS.iter().map(|topic| topic.name).collect();
        assert_eq!(names.len(), TOPICS.len());
        for topic in TOPICS {
            assert!(!topic.producers.is_empty(), "{} has no producer", topic.name);
            assert!(!topic.subscriptions.is_empty(), "{} has no reader", topic.name);
            assert_eq!(find(topic.name), Some(topic));
        }
    }

    #[test]
    fn no_topic_is_left_out() {
        let specified = include_str!("topics.rs").matches(concat!("Topic::new(", "&TopicSpec {")).count();
        assert_eq!(TOPICS.len(), specified);
    }

    #[test]
    fn the_queue_is_shared_and_the_log_has_one_writer() {
        assert_eq!(
            DELIVERY_ORDERS.spec.subscription_of(Delivery, None).map(|s| s.lifetime),
            Some(Lifetime::Permanent(SubscriptionType::Shared))
        );
        assert!(STOCK_EVENTS.spec.one_writer);
        assert!(SETTINGS.spec.one_writer, "a document that was given up on must not come after the next one");
        assert_eq!(STOCK_EVENTS.spec.producers, [Warehouse]);
    }

    #[test]
    fn addresses_name_tenant_and_episode() {
        assert_eq!(ORDERS.spec.address("beers", 3), "persistent://beers/shop-3/orders");
        assert_eq!(PRESENCE.spec.address("beers", 3), "non-persistent://beers/stage/presence");
    }
}

//! The one table of topics: the whole topology of the suite.
//!
//! Producers and consumers are made from its entries only, the set-up of namespaces, topics, policies and
//! subscriptions is generated from it, and `docs/architecture.md` shows it as [`markdown`] renders it.

use std::marker::PhantomData;

use crate::{
    decisions::OrderDecision,
    delivery::{DeadLetter, DeliveryOrder, DeliveryRequest, DeliveryUpdate},
    ids::Service::{self, Delivery, InventoryAnalysis, StockLevel as StockLevelService, Warehouse, Website},
    insights::Insight,
    orders::PlaceOrder,
    settings::StageSettings,
    stage::{Presence, StageAnswer, StageCommand, StageQuery},
    stock::{StockEvent, StockLevel},
    unreadable::Unreadable,
};

/// The three namespaces. The first two are made afresh for each episode (`shop-3`, `stock-3`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Space {
    /// Queues and what surrounds them; kept as long as the episode, not deduplicated.
    Shop,
    /// The log and what is folded from it; kept as long as the episode, deduplicated.
    Stock,
    /// Outside of the episodes.
    Stage,
}

impl Space {
    /// All of them.
    pub const ALL: [Space; 3] = [Space::Shop, Space::Stock, Space::Stage];

    /// Its name without the episode.
    pub const fn name(self) -> &'static str {
        match self {
            Space::Shop => "shop",
            Space::Stock => "stock",
            Space::Stage => "stage",
        }
    }

    /// The namespace in an episode.
    pub fn namespace(self, episode: u32) -> String {
        match self {
            Space::Stage => self.name().to_owned(),
            Space::Shop | Space::Stock => format!("{}-{episode}", self.name()),
        }
    }
}

/// How a subscription deals its messages out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dealing {
    /// To one consumer, in order; another waits to take over.
    Failover,
    /// To whoever is free.
    Shared,
    /// To several, all messages of a key to the same one, in order.
    KeyShared,
    /// A subscription of its own for each process that listens, gone with it.
    Everyone,
}

impl Dealing {
    const fn name(self) -> &'static str {
        match self {
            Dealing::Failover => "Failover",
            Dealing::Shared => "Shared",
            Dealing::KeyShared => "Key_Shared",
            Dealing::Everyone => "each process",
        }
    }
}

/// A subscription: its name, whose it is, how it deals out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Subscription {
    /// Its name on the broker.
    pub name: &'static str,
    /// Who reads it.
    pub reader: Service,
    /// How it deals out.
    pub dealing: Dealing,
    /// Made when it is attached and deleted when it is detached, instead of being there from the beginning.
    pub on_demand: bool,
}

/// One row of the table.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// The topic's name.
    pub name: &'static str,
    /// The namespace it is in.
    pub space: Space,
    /// The messages on it.
    pub messages: &'static str,
    /// What a message's key is.
    pub key: &'static str,
    /// Who writes to it; on `orders` also any outside client.
    pub producers: &'static [Service],
    /// Who reads it.
    pub subscriptions: &'static [Subscription],
    /// Whether messages are stored; if not, whoever is not there misses them.
    pub stored: bool,
    /// Whether only the newest message of a key counts.
    pub compacted: bool,
    /// Whether there is one producer at a time, fencing the one before off.
    pub one_writer: bool,
}

impl Entry {
    /// The full name of the topic, for this tenant and episode.
    pub fn address(&self, tenant: &str, episode: u32) -> String {
        let scheme = if self.stored { "persistent" } else { "non-persistent" };
        format!("{scheme}://{tenant}/{}/{}", self.space.namespace(episode), self.name)
    }

    /// The subscription of this reader, if the table gives it one; of several the one with this name.
    pub fn subscription_of(&self, reader: Service, name: Option<&str>) -> Option<&'static Subscription> {
        let is_meant = |subscription: &&Subscription| name.is_none_or(|name| name == subscription.name);
        self.subscriptions.iter().filter(|subscription| subscription.reader == reader).find(is_meant)
    }
}

/// A row of the table together with the type of its messages.
#[derive(Debug)]
pub struct Topic<M> {
    /// The row.
    pub entry: &'static Entry,
    message: PhantomData<fn() -> M>,
}

impl<M> Clone for Topic<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Topic<M> {}

impl<M> Topic<M> {
    const fn new(entry: &'static Entry) -> Self {
        Topic { entry, message: PhantomData }
    }
}

const fn failover(reader: Service) -> Subscription {
    Subscription { name: reader.name(), reader, dealing: Dealing::Failover, on_demand: false }
}

const fn everyone(reader: Service) -> Subscription {
    Subscription { name: reader.name(), reader, dealing: Dealing::Everyone, on_demand: false }
}

/// Looks for fraud among the orders, from their beginning, for as long as the speaker wants it.
pub const FRAUD_WATCH: Subscription =
    Subscription { name: "fraud-watch", reader: InventoryAnalysis, dealing: Dealing::Failover, on_demand: true };

/// Tells customers that their beer is on its way: one subscription, not one a phone.
pub const NOTIFICATION: Subscription =
    Subscription { name: "notification", reader: Website, dealing: Dealing::Failover, on_demand: false };

const ROW: Entry = Entry {
    name: "",
    space: Space::Shop,
    messages: "",
    key: "order",
    producers: &[],
    subscriptions: &[],
    stored: true,
    compacted: false,
    one_writer: false,
};

const ALL_SERVICES_LISTEN: &[Subscription] = &[
    everyone(Website),
    everyone(Warehouse),
    everyone(StockLevelService),
    everyone(InventoryAnalysis),
    everyone(Delivery),
];

/// The table.
pub static TABLE: [Entry; 15] = [
    Entry {
        name: "orders",
        messages: "`PlaceOrder` (command)",
        producers: &[Website],
        subscriptions: &[failover(Warehouse), failover(InventoryAnalysis), failover(Website), FRAUD_WATCH],
        ..ROW
    },
    Entry {
        name: "order-decisions",
        messages: "`Accepted`, `Refused`",
        producers: &[Warehouse],
        subscriptions: &[failover(Website), failover(InventoryAnalysis)],
        ..ROW
    },
    Entry {
        name: "delivery-orders",
        messages: "`DeliveryOrder` (task: order, round, attempt)",
        producers: &[Warehouse, Delivery],
        subscriptions: &[Subscription {
            name: "couriers",
            reader: Delivery,
            dealing: Dealing::Shared,
            on_demand: false,
        }],
        ..ROW
    },
    Entry {
        name: "delivery-orders-dlq",
        messages: "`DeadLetter` (order, reason, attempts, payload)",
        producers: &[Delivery],
        subscriptions: &[failover(Delivery)],
        ..ROW
    },
    Entry {
        name: "delivery-requests",
        messages: "`Redrive`, `ReturnToStock` (commands)",
        producers: &[Website],
        subscriptions: &[failover(Delivery)],
        ..ROW
    },
    Entry {
        name: "delivery-updates",
        messages: "`PickedUp`, `Delivered`, `AttemptFailed`, `Stranded`, `Redriven`, `Returned`",
        producers: &[Delivery],
        subscriptions: &[failover(Website), failover(Warehouse), failover(InventoryAnalysis), NOTIFICATION],
        ..ROW
    },
    Entry {
        name: "unreadable",
        messages: "`Unreadable` (topic, message id, reason, first bytes)",
        key: "topic",
        producers: &Service::ALL,
        subscriptions: &[failover(Website)],
        ..ROW
    },
    Entry {
        name: "stock-events",
        space: Space::Stock,
        messages: "`Counted`, `Received`, `Reserved`, `Released`",
        key: "beer",
        producers: &[Warehouse],
        subscriptions: &[failover(StockLevelService), failover(InventoryAnalysis), failover(Website)],
        one_writer: true,
        ..ROW
    },
    Entry {
        name: "stock-levels",
        space: Space::Stock,
        messages: "`StockLevel`",
        key: "beer",
        producers: &[StockLevelService],
        subscriptions: &[failover(Website)],
        compacted: true,
        ..ROW
    },
    Entry {
        name: "insights",
        space: Space::Stock,
        messages: "`Insight`",
        key: "kind",
        producers: &[InventoryAnalysis],
        subscriptions: &[failover(Website)],
        compacted: true,
        ..ROW
    },
    Entry {
        name: "settings",
        space: Space::Stage,
        messages: "`StageSettings`",
        key: "-",
        producers: &[Website],
        subscriptions: ALL_SERVICES_LISTEN,
        compacted: true,
        one_writer: true,
        ..ROW
    },
    Entry {
        name: "commands",
        space: Space::Stage,
        messages: "`Crash`, `Rebuild`",
        key: "service",
        producers: &[Website],
        subscriptions: ALL_SERVICES_LISTEN,
        stored: false,
        ..ROW
    },
    Entry {
        name: "queries",
        space: Space::Stage,
        messages: "`FoldAfresh`, `AsOf`, `Past` (questions)",
        key: "service",
        producers: &[Website],
        subscriptions: ALL_SERVICES_LISTEN,
        stored: false,
        ..ROW
    },
    Entry {
        name: "answers",
        space: Space::Stage,
        messages: "`StageAnswer` (by correlation id)",
        key: "service",
        producers: &Service::ALL,
        subscriptions: &[everyone(Website)],
        stored: false,
        ..ROW
    },
    Entry {
        name: "presence",
        space: Space::Stage,
        messages: "`Presence`, every 500 ms",
        key: "service",
        producers: &Service::ALL,
        subscriptions: &[everyone(Website)],
        stored: false,
        ..ROW
    },
];

/// The row with this name.
///
/// # Panics
/// While compiling, if there is none: every use is a constant.
const fn row(name: &str) -> &'static Entry {
    let mut index = 0;
    while index < TABLE_REF.len() {
        if same(TABLE_REF[index].name, name) {
            return &TABLE_REF[index];
        }
        index += 1;
    }
    panic!("no such topic in the table")
}

static TABLE_REF: &[Entry; 15] = &TABLE;

const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut index = 0;
    while index < a.len() {
        if a[index] != b[index] {
            return false;
        }
        index += 1;
    }
    true
}

/// Orders as they are placed, by the website or anyone.
pub static ORDERS: Topic<PlaceOrder> = Topic::new(row("orders"));
/// What the warehouse decided.
pub static ORDER_DECISIONS: Topic<OrderDecision> = Topic::new(row("order-decisions"));
/// The couriers' work queue.
pub static DELIVERY_ORDERS: Topic<DeliveryOrder> = Topic::new(row("delivery-orders"));
/// Parcels nobody could deliver.
pub static DEAD_LETTERS: Topic<DeadLetter> = Topic::new(row("delivery-orders-dlq"));
/// What a person asks of delivery.
pub static DELIVERY_REQUESTS: Topic<DeliveryRequest> = Topic::new(row("delivery-requests"));
/// What becomes of parcels.
pub static DELIVERY_UPDATES: Topic<DeliveryUpdate> = Topic::new(row("delivery-updates"));
/// What could not be decoded.
pub static UNREADABLE: Topic<Unreadable> = Topic::new(row("unreadable"));
/// The log.
pub static STOCK_EVENTS: Topic<StockEvent> = Topic::new(row("stock-events"));
/// The levels folded from the log.
pub static STOCK_LEVELS: Topic<StockLevel> = Topic::new(row("stock-levels"));
/// What the analysis found.
pub static INSIGHTS: Topic<Insight> = Topic::new(row("insights"));
/// The one document of settings.
pub static SETTINGS: Topic<StageSettings> = Topic::new(row("settings"));
/// Commands to services.
pub static COMMANDS: Topic<StageCommand> = Topic::new(row("commands"));
/// Questions to services.
pub static QUERIES: Topic<StageQuery> = Topic::new(row("queries"));
/// Their answers.
pub static ANSWERS: Topic<StageAnswer> = Topic::new(row("answers"));
/// Who is there.
pub static PRESENCE: Topic<Presence> = Topic::new(row("presence"));

/// The row with this name, for code that has only a name, such as an outbox read back from its database.
pub fn find(name: &str) -> Option<&'static Entry> {
    TABLE.iter().find(|entry| entry.name == name)
}

/// The table as Markdown, for the documents.
pub fn markdown() -> String {
    let mut text =
        String::from("| topic | message | key | producer | subscription: type | kept |\n|---|---|---|---|---|---|\n");
    for entry in &TABLE {
        let producers: Vec<_> = entry.producers.iter().map(|service| service.name()).collect();
        let producers =
            if producers.len() == Service::ALL.len() { "every service".to_owned() } else { producers.join(", ") };
        let producers = if entry.name == "orders" { format!("{producers}, anyone") } else { producers };
        let mut subscriptions: Vec<_> = entry
            .subscriptions
            .iter()
            .map(|subscription| {
                let attached = if subscription.on_demand { ", on demand" } else { "" };
                format!("{}: {}{attached}", subscription.name, subscription.dealing.name())
            })
            .collect();
        if subscriptions.len() == Service::ALL.len() {
            subscriptions = vec!["every service".to_owned()];
        }
        let kept = match (entry.stored, entry.compacted) {
            (false, _) => "not at all",
            (true, true) => "compacted",
            (true, false) => "as long as the episode",
        };
        text.push_str(&format!(
            "| {}/{} | {} | {} | {} | {} | {} |\n",
            entry.space.name(),
            entry.name,
            entry.messages,
            entry.key,
            producers,
            subscriptions.join(", "),
            kept
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_topic_has_its_own_name_a_producer_and_a_reader() {
        let names: HashSet<_> = TABLE.iter().map(|entry| entry.name).collect();
        assert_eq!(names.len(), TABLE.len());
        for entry in &TABLE {
            assert!(!entry.producers.is_empty(), "{} has no producer", entry.name);
            assert!(!entry.subscriptions.is_empty(), "{} has no reader", entry.name);
            assert_eq!(find(entry.name), Some(entry));
        }
    }

    #[test]
    fn the_queue_is_shared_and_the_log_has_one_writer() {
        assert_eq!(DELIVERY_ORDERS.entry.subscription_of(Delivery, None).map(|s| s.dealing), Some(Dealing::Shared));
        assert!(STOCK_EVENTS.entry.one_writer);
        assert!(SETTINGS.entry.one_writer, "a document that was given up on must not come after the next one");
        assert_eq!(STOCK_EVENTS.entry.producers, [Warehouse]);
    }

    #[test]
    fn addresses_name_tenant_and_episode() {
        assert_eq!(ORDERS.entry.address("beers", 3), "persistent://beers/shop-3/orders");
        assert_eq!(PRESENCE.entry.address("beers", 3), "non-persistent://beers/stage/presence");
    }
}

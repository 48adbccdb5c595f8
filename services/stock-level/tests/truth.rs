//! What stock-level believes of the log, against a real broker, before and after a restart.

use anyhow::Result;
use events::{
    ids::{BeerId, Service},
    limits::NUMBER_MAX,
    quantities::{Bottles, Sequence},
    received::Received,
    settings::{Fold, Folding},
    stock::{StockChange, StockEvent, StockLevel},
    topics::{STOCK_EVENTS, STOCK_LEVELS, SubscriptionType},
    unreadable::ReasonCode,
};
use service::testing::TestBed;

fn event(change: StockChange, sequence: u64, bottles: u32, level: u32) -> StockEvent {
    StockEvent {
        change,
        beer: BeerId::new("orval"),
        sequence: Sequence(sequence),
        bottles: Bottles(bottles),
        level: Bottles(level),
        order_id: None,
    }
}

fn reserved(sequence: u64, level: u32) -> StockEvent {
    event(StockChange::Reserved, sequence, 1, level)
}

fn last_level(received: &[Received<StockLevel>]) -> Option<(u32, u64)> {
    let mut levels = received.iter().filter_map(|received| received.message.as_ref().ok());
    levels.rfind(|level| level.beer.as_str() == "orval").map(|level| (level.level.0, level.sequence.0))
}

/// What a second writer leaves in the log has no effect, with workers who read in order and with those who do not.
async fn only_what_follows_is_believed(subscription: SubscriptionType, fold: Fold) -> Result<()> {
    let bed = TestBed::new().await?;
    bed.choose(|choices| choices.stock_level = Folding { subscription, workers: 1, fold, work_ms: [0, 0] });
    let service = bed.start(Service::StockLevel, stock_level::run);
    let water = StockEvent { beer: BeerId::new("water"), ..event(StockChange::Counted, 1, 200, 200) };
    let log = [
        event(StockChange::Counted, 1, 200, 200),
        reserved(2, 199),
        // A level that is not the sum, more bottles than there are, a second event with the same number and another
        // level, events that are far too early, an unknown beer.
        reserved(3, 7),
        event(StockChange::Reserved, 3, 4_000_000_000, 0),
        event(StockChange::Released, 2, 1, 201),
        reserved(5_000, 1),
        reserved(NUMBER_MAX, 1),
        water,
        reserved(3, 198),
    ];
    for event in &log {
        bed.publish(STOCK_EVENTS, event.beer.as_str(), event).await?;
    }
    let untrue = [
        (STOCK_EVENTS.spec, ReasonCode::NotTheSum, 2),
        (STOCK_EVENTS.spec, ReasonCode::DoesNotFollow, 3),
        (STOCK_EVENTS.spec, ReasonCode::UnknownBeer, 1),
    ];
    bed.until_disbelieved(Service::StockLevel, &untrue).await?;
    bed.read_until(STOCK_LEVELS, |all| last_level(all) == Some((198, 3))).await?;
    service.stop().await?;

    let service = bed.start(Service::StockLevel, stock_level::run);
    for event in [reserved(4, 7), reserved(9_000, 1), reserved(4, 197), reserved(5, 196)] {
        bed.publish(STOCK_EVENTS, "orval", &event).await?;
    }
    let untrue = [
        (STOCK_EVENTS.spec, ReasonCode::NotTheSum, 3),
        (STOCK_EVENTS.spec, ReasonCode::DoesNotFollow, 4),
        (STOCK_EVENTS.spec, ReasonCode::UnknownBeer, 1),
    ];
    bed.until_disbelieved(Service::StockLevel, &untrue).await?;
    let levels = bed.read_until(STOCK_LEVELS, |all| last_level(all) == Some((196, 5))).await?;
    let of = |received: &Received<StockLevel>| received.message.as_ref().map(|level| level.beer.to_string()).ok();
    assert!(levels.iter().filter_map(of).all(|beer| beer == "orval"), "nothing is said of a beer nobody sells");
    service.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn failover() -> Result<()> {
    only_what_follows_is_believed(SubscriptionType::Failover, Fold::Versioned).await
}

#[tokio::test(flavor = "multi_thread")]
async fn shared_and_naive() -> Result<()> {
    only_what_follows_is_believed(SubscriptionType::Shared, Fold::Naive).await
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_second_writer_the_levels_are_right_again() -> Result<()> {
    let bed = TestBed::new().await?;
    let service = bed.start(Service::StockLevel, stock_level::run);
    // 3 is consistent, so it cannot be told from the warehouse's own, which continues after 2.
    let second_writer = event(StockChange::Reserved, 3, 100, 99);
    let log = [event(StockChange::Counted, 1, 200, 200), reserved(2, 199), second_writer];
    for event in log.iter().chain(&[reserved(3, 198), reserved(4, 197), reserved(5, 196)]) {
        bed.publish(STOCK_EVENTS, "orval", event).await?;
    }
    bed.read_until(STOCK_LEVELS, |all| last_level(all) == Some((196, 5))).await?;
    bed.until_disbelieved(Service::StockLevel, &[(STOCK_EVENTS.spec, ReasonCode::DoesNotFollow, 1)]).await?;
    service.stop().await
}

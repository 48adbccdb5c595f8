//! What happens to parcels.

use std::collections::HashSet;

use anyhow::Result;
use events::{
    delivery::{DeliveryOrder, DeliveryRequest, DeliveryUpdate, FailureReason},
    ids::{Moment, Service},
    stage::Staff,
    topics::{DEAD_LETTERS, DELIVERY_ORDERS, DELIVERY_REQUESTS, DELIVERY_UPDATES, UNREADABLE},
};
use service::testing::{TestBed, eventually};

use crate::{
    FOUND, ask, crew, deliveries, ends_with, moments, parcel, queue, readable, start, start_retrying_after,
    start_with_presence, story,
};

/// How often a queue checks for due messages; it delivers those that become due before the next check.
const EARLY_BY_MS: i64 = 100;

#[tokio::test(flavor = "multi_thread")]
async fn each_parcel_is_delivered_once_and_every_courier_works() -> Result<()> {
    let bed = TestBed::new().await?;
    let delivery = start(&bed, 3, 20);
    for n in 0..60 {
        queue(&bed, &parcel(&format!("a{n}"), FOUND)).await?;
    }
    let updates = bed.read_until(DELIVERY_UPDATES, |all| all.len() >= 120).await?;
    let delivered = deliveries(&updates);
    assert_eq!((updates.len(), delivered.len()), (120, 60));
    assert_eq!(delivered.iter().map(|(order, ..)| order).collect::<HashSet<_>>().len(), 60);
    let worked: HashSet<_> = delivered.iter().map(|(_, _, courier)| *courier).collect();
    assert_eq!(worked, HashSet::from(["Ada", "Bart", "Chloé"]));
    assert_eq!(story(&updates, "a7"), ["picked up 1.1", "delivered 1.1"]);
    delivery.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_nobody_finds_is_tried_again_later_and_later_and_holds_nobody_up() -> Result<()> {
    let bed = TestBed::new().await?;
    queue(&bed, &parcel("lost", "Nowhere Lane 3")).await?;
    for n in 0..10 {
        queue(&bed, &parcel(&format!("a{n}"), FOUND)).await?;
    }
    let delivery = start_retrying_after(&bed, 1, 0, 200);
    let updates = bed.read_until(DELIVERY_UPDATES, |all| ends_with(all, "lost", "stranded")).await?;
    let expected = [
        "picked up 1.1",
        "failed 1.1",
        "picked up 1.2",
        "failed 1.2",
        "picked up 1.3",
        "failed 1.3",
        "picked up 1.4",
        "stranded 1.4",
    ];
    assert_eq!(story(&updates, "lost"), expected);
    assert_eq!(deliveries(&updates).len(), 10, "all others before it is stranded, by the only courier");

    let failed: Vec<(Moment, Moment)> = moments(&updates, |update| match update {
        DeliveryUpdate::AttemptFailed { retry_at, .. } => Some(*retry_at),
        _ => None,
    });
    let delays: Vec<_> = failed.iter().map(|(at, retry_at)| retry_at.micros_since(*at) / 1000).collect();
    assert_eq!(delays, [200, 400, 800]);
    let tried_again: Vec<_> = moments(&updates, |update| match update {
        DeliveryUpdate::PickedUp { attempt, .. } if *attempt > 1 => Some(*attempt),
        _ => None,
    });
    for ((picked_up, attempt), (_, retry_at)) in tried_again.iter().zip(&failed) {
        assert!(picked_up.plus_millis(EARLY_BY_MS) >= *retry_at, "attempt {attempt} came too early");
    }

    let letters = bed.read_until(DEAD_LETTERS, |all| !all.is_empty()).await?;
    let letter = letters[0].message.as_ref().unwrap();
    assert_eq!((letter.order_id.as_str(), letter.attempts), ("lost", 4));
    assert_eq!((letter.reason, letter.payload.attempt), (FailureReason::AddressNotFound, 4));
    delivery.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranded_order_is_delivered_in_its_second_round() -> Result<()> {
    let bed = TestBed::new().await?;
    let delivery = start(&bed, 2, 0);
    queue(&bed, &parcel("lost", "Rue introuvable 3")).await?;
    bed.read_until(DELIVERY_UPDATES, |all| ends_with(all, "lost", "stranded")).await?;
    let order_id = parcel("lost", FOUND).order_id;
    for address in ["", "Korenmarkt 2, Gent", "Meir 3, Antwerpen"] {
        let address = Some(address.to_owned());
        ask(&bed, DeliveryRequest::Redrive { order_id: order_id.clone(), address }).await?;
    }
    bed.read_until(DELIVERY_UPDATES, |all| ends_with(all, "lost", "delivered")).await?;
    // Too late. The parcel after it shows that it changed nothing.
    ask(&bed, DeliveryRequest::ReturnToStock { order_id }).await?;
    queue(&bed, &parcel("other", "nergens")).await?;
    bed.read_until(DELIVERY_UPDATES, |all| ends_with(all, "other", "stranded")).await?;
    ask(&bed, DeliveryRequest::ReturnToStock { order_id: parcel("other", FOUND).order_id }).await?;
    let updates = bed.read_until(DELIVERY_UPDATES, |all| ends_with(all, "other", "returned")).await?;
    let story = story(&updates, "lost");
    assert_eq!(story[8..], ["redriven 2 to Korenmarkt 2, Gent", "picked up 2.1", "delivered 2.1"]);
    delivery.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranded_order_goes_back_to_stock_once() -> Result<()> {
    let bed = TestBed::new().await?;
    let delivery = start(&bed, 2, 0);
    for id in ["lost", "other"] {
        queue(&bed, &parcel(id, "nowhere")).await?;
    }
    let both = |all: &[_]| ["lost", "other"].iter().all(|id| ends_with(all, id, "stranded"));
    bed.read_until(DELIVERY_UPDATES, both).await?;
    for id in ["unknown", "lost", "lost", "other"] {
        ask(&bed, DeliveryRequest::ReturnToStock { order_id: id.parse()? }).await?;
    }
    let updates = bed.read_until(DELIVERY_UPDATES, |all| ends_with(all, "other", "returned")).await?;
    let returned: Vec<_> =
        readable(&updates).filter(|update| matches!(update, DeliveryUpdate::Returned { .. })).collect();
    let lines = parcel("lost", FOUND).lines;
    let expected =
        ["lost", "other"].map(|id| DeliveryUpdate::Returned { order_id: id.parse().unwrap(), lines: lines.clone() });
    assert_eq!(returned, expected.iter().collect::<Vec<_>>());
    delivery.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_can_read_is_put_aside_and_holds_nobody_up() -> Result<()> {
    let bed = TestBed::new().await?;
    let delivery = start(&bed, 1, 0);
    bed.publish_raw(DELIVERY_ORDERS, b"a parcel").await?;
    bed.publish_raw(DELIVERY_REQUESTS, b"please").await?;
    bed.publish_raw(DEAD_LETTERS, b"R.I.P.").await?;
    queue(&bed, &parcel("a", FOUND)).await?;
    bed.read_until(DELIVERY_UPDATES, |all| ends_with(all, "a", "delivered")).await?;
    let unreadable = bed.read_until(UNREADABLE, |all| all.len() >= 3).await?;
    let topics: HashSet<_> =
        unreadable.iter().map(|received| received.message.as_ref().unwrap().topic.as_str()).collect();
    assert_eq!(topics, HashSet::from(["delivery-orders", "delivery-requests", "delivery-orders-dlq"]));
    delivery.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_that_comes_twice_is_delivered_once() -> Result<()> {
    let bed = TestBed::new().await?;
    for n in 0..10 {
        let genuine = parcel(&format!("a{n}"), FOUND);
        let forged = DeliveryOrder { round: 2, ..genuine.clone() };
        for parcel in [&genuine, &genuine, &forged] {
            queue(&bed, parcel).await?;
        }
    }
    let delivery = start(&bed, 3, 10);
    // The queue is delivered in order: when the last one has come, so have all others, except those that are held.
    for n in 0..3 {
        queue(&bed, &parcel(&format!("last{n}"), "nowhere")).await?;
    }
    let all_last = |all: &[_]| (0..3).all(|n| ends_with(all, &format!("last{n}"), "stranded"));
    let updates = bed.read_until(DELIVERY_UPDATES, all_last).await?;
    let delivered = deliveries(&updates);
    assert_eq!(delivered.len(), 10);
    assert_eq!(delivered.iter().map(|(order, ..)| order).collect::<HashSet<_>>().len(), 10);
    delivery.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_delivery_loses_nothing_and_delivers_nothing_twice() -> Result<()> {
    let bed = TestBed::new().await?;
    for n in 0..40 {
        queue(&bed, &parcel(&format!("a{n}"), FOUND)).await?;
    }
    for delivered_before in [5, 20] {
        let delivery = start(&bed, 3, 20);
        bed.read_until(DELIVERY_UPDATES, |all| deliveries(all).len() >= delivered_before).await?;
        delivery.kill().await;
    }
    let delivery = start(&bed, 3, 5);
    let updates = bed.read_until(DELIVERY_UPDATES, |all| deliveries(all).len() >= 40).await?;
    let delivered = deliveries(&updates);
    assert_eq!(delivered.len(), 40);
    assert_eq!(delivered.iter().map(|(order, ..)| order).collect::<HashSet<_>>().len(), 40);
    delivery.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_board_shows_who_carries_what() -> Result<()> {
    let bed = TestBed::new().await?;
    crew(&bed, 2, 200);
    let (delivery, presence) = start_with_presence(&bed);
    queue(&bed, &parcel("a", FOUND)).await?;
    let carrying = eventually("a courier with the parcel", || async {
        presence.staff(|staff| staff.couriers.iter().find_map(|courier| courier.carrying.clone()))
    });
    let carrying = carrying.await?;
    assert_eq!((carrying.order_id.as_str(), carrying.round, carrying.attempt), ("a", 1, 1));
    assert_eq!(carrying.until.micros_since(carrying.since), 200_000);
    eventually("empty hands", || async {
        let done = presence.staff(|Staff { couriers, .. }| {
            couriers.len() == 2
                && couriers.iter().all(|courier| courier.carrying.is_none())
                && couriers.iter().map(|courier| courier.delivered).sum::<u64>() == 1
        });
        done.then_some(())
    })
    .await?;
    delivery.stop().await?;
    eventually("an empty presence", || async { presence.staff(|staff| staff.couriers.is_empty().then_some(())) }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn waits_while_another_program_holds_its_database() -> Result<()> {
    let bed = TestBed::new().await?;
    let delivery = start(&bed, 2, 10);
    queue(&bed, &parcel("a", FOUND)).await?;
    bed.read_until(DELIVERY_UPDATES, |all| !deliveries(all).is_empty()).await?;
    let lock = bed.hold_database(Service::Delivery).await?;
    queue(&bed, &parcel("b", FOUND)).await?;
    delivery.waits_for_its_database().await?;
    drop(lock);
    bed.read_until(DELIVERY_UPDATES, |all| deliveries(all).len() == 2).await?;
    delivery.stop().await
}

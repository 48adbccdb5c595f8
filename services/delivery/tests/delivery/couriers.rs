//! Couriers hired, dismissed, paused and crashed while they work.

use std::time::{Duration, Instant};

use anyhow::Result;
use events::{
    delivery::{DeliveryRequest, DeliveryUpdate},
    ids::{Moment, Service},
    received::Received,
    stage::Staff,
    topics::{DELIVERY_UPDATES, UNREADABLE},
};
use service::{
    now,
    presence::PresenceState,
    stage::ControlMessage,
    testing::{TestBed, eventually},
};

use crate::{FOUND, ask, crew, deliveries, ends_with, moments, parcel, queue, start, start_with_presence, story};

/// Hiring takes effect within this time.
const HIRED_WITHIN_MS: i64 = 1_000;
/// Another courier has the parcel of a crashed one within this time.
const TAKEN_OVER_WITHIN_MS: i64 = 2_000;
/// How long a crashed courier is away.
const AWAY_MS: i64 = 4_000;

async fn queue_many(bed: &TestBed, ids: std::ops::Range<u32>) -> Result<()> {
    for id in ids {
        queue(bed, &parcel(&format!("a{id}"), FOUND)).await?;
    }
    Ok(())
}

fn millis_between(from: Moment, to: Moment) -> i64 {
    to.micros_since(from) / 1000
}

/// Who picked up which parcel, and when.
fn pick_ups(received: &[Received<DeliveryUpdate>]) -> Vec<(Moment, (String, String))> {
    moments(received, |update| match update {
        DeliveryUpdate::PickedUp { order_id, courier, .. } => Some((courier.clone(), order_id.to_string())),
        _ => None,
    })
}

/// Who carries which parcel, once this many are carried.
async fn carried(presence: &PresenceState, parcels: usize) -> Result<Vec<(String, String)>> {
    eventually("couriers with parcels", || async {
        let carried: Vec<_> = presence.staff(|Staff { couriers, .. }| {
            let carrying = couriers.iter().filter_map(|state| Some((state, state.carrying.as_ref()?)));
            carrying.map(|(state, carrying)| (state.courier.clone(), carrying.order_id.to_string())).collect()
        });
        (carried.len() == parcels).then_some(carried)
    })
    .await
}

async fn presence_shows(presence: &PresenceState, expected: &[&str]) -> Result<()> {
    let names = || presence.staff(|staff| staff.couriers.iter().map(|state| state.courier.clone()).collect::<Vec<_>>());
    eventually("these couriers in the presence", || async { (names() == expected).then_some(()) }).await
}

/// Waits long enough for couriers to take a parcel if they were going to: a message delivered to another consumer would
/// have reached them as well.
async fn a_while(bed: &TestBed) -> Result<()> {
    for n in 1..=20 {
        bed.publish_raw(UNREADABLE, b"tick").await?;
        bed.read_until(UNREADABLE, |all| all.len() >= n).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn hired_couriers_work_within_a_second_and_the_dismissed_bring_what_they_have() -> Result<()> {
    let bed = TestBed::new().await?;
    crew(&bed, 0, 1_000);
    let (delivery, presence) = start_with_presence(&bed);
    queue_many(&bed, 0..6).await?;
    a_while(&bed).await?;
    presence_shows(&presence, &[]).await?;

    let hired = now();
    crew(&bed, 3, 1_000);
    presence_shows(&presence, &["Ada", "Bart", "Chloé"]).await?;
    carried(&presence, 3).await?;
    crew(&bed, 0, 20);
    presence_shows(&presence, &[]).await?;
    let updates = bed.read_until(DELIVERY_UPDATES, |all| deliveries(all).len() >= 3).await?;
    a_while(&bed).await?;
    let first = pick_ups(&updates);
    let took: Vec<_> = first.iter().map(|(at, _)| millis_between(hired, *at)).collect();
    println!("hired couriers picked parcels up after {took:?} ms");
    assert_eq!((first.len(), deliveries(&updates).len()), (3, 3), "one each, and it was brought");
    assert!(took.iter().all(|took| *took < HIRED_WITHIN_MS), "{took:?}");

    let hired_again = now();
    crew(&bed, 1, 20);
    let updates = bed.read_until(DELIVERY_UPDATES, |all| deliveries(all).len() >= 6).await?;
    let (dismissed, again) = (pick_ups(&updates).split_off(3), deliveries(&updates).split_off(3));
    assert!(dismissed.iter().all(|(at, _)| *at > hired_again), "nobody was there in between");
    assert!(again.iter().all(|(_, _, courier)| *courier == "Ada"), "{again:?}");
    assert_eq!(pick_ups(&updates).len(), 6);
    delivery.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn another_pace_holds_for_the_next_parcel() -> Result<()> {
    let bed = TestBed::new().await?;
    let delivery = start(&bed, 1, 600);
    let mut paces = Vec::new();
    for (id, next_pace_ms) in [("slow", 0), ("immediate", 300), ("slower", 0)] {
        queue(&bed, &parcel(id, FOUND)).await?;
        let updates = bed.read_until(DELIVERY_UPDATES, |all| ends_with(all, id, "delivered")).await?;
        let of_it = moments(&updates, |update| (update.order_id().as_str() == id).then_some(()));
        paces.push(millis_between(of_it[0].0, of_it[1].0));
        crew(&bed, 1, next_pace_ms);
    }
    println!("with a pace of 600, 0 and 300 ms it took {paces:?} ms");
    for (took, range) in paces.iter().zip([600..900, 0..250, 300..600]) {
        assert!(range.contains(took), "{paces:?}");
    }
    delivery.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn paused_couriers_bring_what_they_have_and_take_no_more() -> Result<()> {
    let bed = TestBed::new().await?;
    crew(&bed, 2, 500);
    let (delivery, presence) = start_with_presence(&bed);
    queue(&bed, &parcel("lost", "nowhere")).await?;
    let stranded = |all: &[_]| ends_with(all, "lost", "stranded");
    bed.read_until(DELIVERY_UPDATES, stranded).await?;
    queue_many(&bed, 0..6).await?;
    carried(&presence, 2).await?;

    let pause = |on: bool| {
        bed.choose(|choices| {
            choices.courier_pace_ms = 20;
            choices.paused = on.then_some(Service::Delivery).into_iter().collect();
        });
    };
    pause(true);
    eventually("the presence to say it", || async { presence.is_paused().then_some(()) }).await?;
    let before = bed.read_until(DELIVERY_UPDATES, |all| deliveries(all).len() >= 2).await?;
    ask(&bed, DeliveryRequest::ReturnToStock { order_id: parcel("lost", FOUND).order_id }).await?;
    a_while(&bed).await?;
    let meanwhile = bed.read_until(DELIVERY_UPDATES, |all| all.len() >= before.len()).await?;
    assert_eq!((meanwhile.len(), deliveries(&meanwhile).len()), (before.len(), 2), "nothing was done while paused");
    presence_shows(&presence, &["Ada", "Bart"]).await?;

    pause(false);
    let all_done = |all: &[_]| deliveries(all).len() >= 6 && ends_with(all, "lost", "returned");
    let updates = bed.read_until(DELIVERY_UPDATES, all_done).await?;
    assert_eq!(deliveries(&updates).len(), 6);
    assert!(!presence.is_paused());
    delivery.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_parcel_of_a_courier_who_crashes_is_taken_over_and_delivered_once() -> Result<()> {
    let bed = TestBed::new().await?;
    crew(&bed, 2, 800);
    let (delivery, presence) = start_with_presence(&bed);
    // The other is busy in the first round and free in the second.
    for (round, parcels) in [("busy", 2), ("free", 1)] {
        for n in 0..parcels {
            queue(&bed, &parcel(&format!("{round}{n}"), FOUND)).await?;
        }
        let (who, order) = carried(&presence, parcels).await?.swap_remove(0);
        let crashed = (now(), Instant::now());
        assert!(bed.send(ControlMessage::Crash { who: who.clone() }));
        let other = if who == "Ada" { "Bart" } else { "Ada" };
        presence_shows(&presence, &[other]).await?;
        let gone_after = crashed.1.elapsed();
        let done = |all: &[_]| deliveries(all).iter().filter(|(id, ..)| id.starts_with(round)).count() == parcels;
        let updates = bed.read_until(DELIVERY_UPDATES, done).await?;
        let again = pick_ups(&updates).into_iter().find(|(at, (_, id))| *at > crashed.0 && *id == order);
        let (at, (by, _)) = again.expect("picked up again");
        let took = millis_between(crashed.0, at);
        println!("{who} crashed, the other was {round}: gone after {gone_after:?}, taken over by {by} after {took} ms");
        assert!(gone_after < Duration::from_secs(1));
        assert!(took < TAKEN_OVER_WITHIN_MS);
        assert_eq!((by.as_str(), story(&updates, &order)), (other, taken_over()));
        presence_shows(&presence, &["Ada", "Bart"]).await?;
        let away_for = crashed.1.elapsed();
        println!("{who} was back after {away_for:?}");
        assert!(away_for >= Duration::from_secs(4) && away_for < Duration::from_secs(6));
    }
    delivery.stop().await
}

fn taken_over() -> Vec<String> {
    ["picked up 1.1", "picked up 1.1", "delivered 1.1"].map(String::from).to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_waits_until_the_only_courier_is_back() -> Result<()> {
    let bed = TestBed::new().await?;
    crew(&bed, 1, 500);
    let (delivery, presence) = start_with_presence(&bed);
    queue(&bed, &parcel("a", FOUND)).await?;
    carried(&presence, 1).await?;
    let crashed = now();
    // A name that nobody has changes nothing.
    for who in ["Zoë", "Bart", "Ada"] {
        assert!(bed.send(ControlMessage::Crash { who: who.into() }));
    }
    let updates = bed.read_until(DELIVERY_UPDATES, |all| ends_with(all, "a", "delivered")).await?;
    assert_eq!(story(&updates, "a"), taken_over());
    let waited = millis_between(crashed, pick_ups(&updates)[1].0);
    println!("the parcel of the only courier was picked up again after {waited} ms");
    assert!((AWAY_MS..AWAY_MS + HIRED_WITHIN_MS).contains(&waited), "{waited}");
    delivery.stop().await
}

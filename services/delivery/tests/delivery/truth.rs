//! What delivery believes of the topics it reads, before and after a restart.

use anyhow::Result;
use events::{
    delivery::{DeadLetter, DeliveryOrder, DeliveryRequest, FailureReason},
    ids::Service,
    topics::{DEAD_LETTERS, DELIVERY_ORDERS, DELIVERY_REQUESTS, DELIVERY_UPDATES, UNREADABLE},
    unreadable::ReasonCode,
};
use service::testing::TestBed;

use crate::{FOUND, ask, ends_with, parcel, queue, start, start_retrying_after, story};

fn letter(task: DeliveryOrder) -> DeadLetter {
    let (order_id, attempts) = (task.order_id.clone(), task.attempt);
    DeadLetter { order_id, reason: FailureReason::AddressNotFound, attempts, payload: task }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_untrue_has_no_effect_and_is_counted() -> Result<()> {
    let bed = TestBed::new().await?;
    let delivery = start(&bed, 1, 0);
    queue(&bed, &parcel("done", FOUND)).await?;
    for lost in ["lost", "back"] {
        queue(&bed, &parcel(lost, "nowhere")).await?;
    }
    let give_up = |id: &str| DeliveryRequest::ReturnToStock { order_id: id.parse().unwrap() };
    bed.read_until(DELIVERY_UPDATES, |all| ["lost", "back"].iter().all(|id| ends_with(all, id, "stranded"))).await?;
    ask(&bed, give_up("back")).await?;
    let before = bed.read_until(DELIVERY_UPDATES, |all| ends_with(all, "back", "returned")).await?;

    let orders = DELIVERY_ORDERS.spec;
    let untrue_tasks = [
        DeliveryOrder { round: 2, ..parcel("done", FOUND) },
        DeliveryOrder { attempt: 2, ..parcel("done", FOUND) },
        DeliveryOrder { round: 2, ..parcel("back", FOUND) },
        DeliveryOrder { round: 2, ..parcel("lost", FOUND) },
        DeliveryOrder { round: u32::MAX, attempt: u32::MAX, ..parcel("unknown", FOUND) },
        DeliveryOrder { attempt: 0, ..parcel("unknown", FOUND) },
    ];
    let untrue_letters = [
        letter(parcel("unknown", "nowhere")),
        letter(parcel("done", FOUND)),
        letter(DeliveryOrder { attempt: 4, ..parcel("lost", "Elsewhere 1") }),
        DeadLetter { order_id: "lost".parse()?, ..letter(parcel("done", FOUND)) },
    ];
    for task in &untrue_tasks {
        queue(&bed, task).await?;
    }
    for letter in &untrue_letters {
        bed.publish(DEAD_LETTERS, letter.order_id.as_str(), letter).await?;
    }
    ask(&bed, give_up("unknown")).await?;
    // Known, but not stranded: a request that comes too late is not untrue.
    ask(&bed, give_up("done")).await?;
    ask(&bed, DeliveryRequest::Redrive { order_id: "lost".parse()?, address: Some("a\nb".into()) }).await?;
    let (letters, requests) = (DEAD_LETTERS.spec, DELIVERY_REQUESTS.spec);
    let mut untrue = vec![
        (orders, ReasonCode::SecondOutcome, 3),
        (orders, ReasonCode::DoesNotFollow, 3),
        (letters, ReasonCode::UnknownOrder, 1),
        (letters, ReasonCode::SecondOutcome, 1),
        (letters, ReasonCode::NotStranded, 1),
        (letters, ReasonCode::DoesNotFollow, 1),
        (requests, ReasonCode::UnknownOrder, 1),
    ];
    bed.until_disbelieved(Service::Delivery, &untrue).await?;
    let unreadable = bed.read_until(UNREADABLE, |all| !all.is_empty()).await?;
    let wrong = unreadable[0].message.as_ref().unwrap();
    assert_eq!((wrong.topic.as_str(), wrong.code), (requests.name, ReasonCode::OutOfRange));
    let after = bed.read_until(DELIVERY_UPDATES, |_| true).await?;
    assert_eq!(after.len(), before.len(), "nothing was said of it");
    delivery.stop().await?;

    // After a restart the database still knows; and an order with only untrue messages is delivered when it comes.
    let delivery = start(&bed, 1, 0);
    queue(&bed, &untrue_tasks[0]).await?;
    bed.publish(DEAD_LETTERS, "nobody", &letter(parcel("nobody", "nowhere"))).await?;
    queue(&bed, &parcel("unknown", FOUND)).await?;
    untrue[0].2 += 1;
    untrue[2].2 += 1;
    bed.until_disbelieved(Service::Delivery, &untrue).await?;
    let updates = bed.read_until(DELIVERY_UPDATES, |all| ends_with(all, "unknown", "delivered")).await?;
    assert_eq!(story(&updates, "unknown"), ["picked up 1.1", "delivered 1.1"]);
    assert_eq!(story(&updates, "done"), ["picked up 1.1", "delivered 1.1"]);
    delivery.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_to_another_address_is_not_delivered() -> Result<()> {
    let bed = TestBed::new().await?;
    let delivery = start_retrying_after(&bed, 1, 0, 400);
    queue(&bed, &parcel("lost", "nowhere")).await?;
    bed.read_until(DELIVERY_UPDATES, |all| ends_with(all, "lost", "failed 1.1")).await?;
    queue(&bed, &DeliveryOrder { attempt: 4, ..parcel("lost", FOUND) }).await?;
    queue(&bed, &DeliveryOrder { attempt: 2, ..parcel("lost", FOUND) }).await?;
    let updates = bed.read_until(DELIVERY_UPDATES, |all| ends_with(all, "lost", "stranded")).await?;
    assert!(!story(&updates, "lost").iter().any(|what| what.starts_with("delivered")));
    delivery.stop().await
}

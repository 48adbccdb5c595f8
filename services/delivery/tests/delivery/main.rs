//! Delivery against a real broker.

use std::collections::HashSet;

use anyhow::Result;
use delivery::{Config, round::RetryPolicy};
use events::{
    delivery::{DeliveryOrder, DeliveryRequest, DeliveryUpdate},
    ids::{BeerId, Moment, Service},
    orders::Line,
    quantities::Bottles,
    received::Received,
    topics::{DELIVERY_ORDERS, DELIVERY_REQUESTS},
};
use service::{
    presence::PresenceState,
    testing::{Running, TestBed},
};

mod couriers;
mod parcels;
mod truth;

const FOUND: &str = "Grote Markt 1, Brussel";

#[expect(clippy::unwrap_used, reason = "the tests' own order ids")]
fn parcel(id: &str, address: &str) -> DeliveryOrder {
    DeliveryOrder {
        order_id: id.parse().unwrap(),
        round: 1,
        attempt: 1,
        customer: "Ada".into(),
        address: address.into(),
        lines: vec![Line { beer: BeerId::new("orval"), bottles: Bottles(2) }],
    }
}

/// Sets couriers and pace, and starts delivery.
fn start(bed: &TestBed, couriers: u32, pace_ms: u32) -> Running {
    start_retrying_after(bed, couriers, pace_ms, 100)
}

fn start_retrying_after(bed: &TestBed, couriers: u32, pace_ms: u32, first_delay_ms: u32) -> Running {
    crew(bed, couriers, pace_ms);
    bed.start(Service::Delivery, |context| delivery::run_with(context, retry_policy(first_delay_ms)))
}

/// Starts delivery with the current settings; returns its presence as well.
fn start_with_presence(bed: &TestBed) -> (Running, PresenceState) {
    let mut presence = PresenceState::default();
    let delivery = bed.start(Service::Delivery, |context| {
        presence = context.presence.clone();
        delivery::run_with(context, retry_policy(100))
    });
    (delivery, presence)
}

fn crew(bed: &TestBed, couriers: u32, pace_ms: u32) {
    bed.choose(|choices| {
        choices.couriers = couriers;
        choices.courier_pace_ms = pace_ms;
    });
}

fn retry_policy(first_delay_ms: u32) -> Config {
    Config { retry_policy: RetryPolicy { attempts: 4, first_delay_ms } }
}

async fn queue(bed: &TestBed, parcel: &DeliveryOrder) -> Result<()> {
    bed.publish(DELIVERY_ORDERS, parcel.order_id.as_str(), parcel).await
}

async fn ask(bed: &TestBed, request: DeliveryRequest) -> Result<()> {
    bed.publish(DELIVERY_REQUESTS, request.order_id().as_str(), &request).await
}

fn readable(received: &[Received<DeliveryUpdate>]) -> impl Iterator<Item = &DeliveryUpdate> {
    received.iter().filter_map(|received| received.message.as_ref().ok())
}

/// Order, round and courier of every delivery; a message that was published twice counts once.
fn deliveries(received: &[Received<DeliveryUpdate>]) -> Vec<(&str, u32, &str)> {
    let mut seen = HashSet::new();
    let first = received.iter().filter(|received| seen.insert(&received.event_id));
    first
        .filter_map(|received| match received.message.as_ref().ok()? {
            DeliveryUpdate::Delivered { order_id, round, courier, .. } => {
                Some((order_id.as_str(), *round, courier.as_str()))
            }
            _ => None,
        })
        .collect()
}

/// What happened to one order, in short.
fn story(received: &[Received<DeliveryUpdate>], order: &str) -> Vec<String> {
    let of_order = readable(received).filter(|update| update.order_id().as_str() == order);
    of_order
        .map(|update| match update {
            DeliveryUpdate::PickedUp { round, attempt, .. } => format!("picked up {round}.{attempt}"),
            DeliveryUpdate::Delivered { round, attempt, .. } => format!("delivered {round}.{attempt}"),
            DeliveryUpdate::AttemptFailed { round, attempt, .. } => format!("failed {round}.{attempt}"),
            DeliveryUpdate::Stranded { round, attempts, .. } => format!("stranded {round}.{attempts}"),
            DeliveryUpdate::Redriven { round, address, .. } => format!("redriven {round} to {address}"),
            DeliveryUpdate::Returned { lines, .. } => format!("returned {} lines", lines.len()),
        })
        .collect()
}

/// The updates that `which` selects, with their times.
fn moments<T>(received: &[Received<DeliveryUpdate>], which: impl Fn(&DeliveryUpdate) -> Option<T>) -> Vec<(Moment, T)> {
    received.iter().filter_map(|received| Some((received.at, which(received.message.as_ref().ok()?)?))).collect()
}

fn ends_with(received: &[Received<DeliveryUpdate>], order: &str, beginning: &str) -> bool {
    story(received, order).last().is_some_and(|last| last.starts_with(beginning))
}

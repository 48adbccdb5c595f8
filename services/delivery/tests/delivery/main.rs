//! Delivery against a real broker.

use std::collections::HashSet;

use anyhow::Result;
use delivery::{Config, round::Patience};
use events::{
    delivery::{DeliveryOrder, DeliveryRequest, DeliveryUpdate},
    ids::{BeerId, Moment, Service},
    orders::Line,
    quantities::Bottles,
    received::Received,
    topics::{DELIVERY_ORDERS, DELIVERY_REQUESTS},
};
use service::{
    presence::Board,
    testing::{Ground, Running},
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
fn start(ground: &Ground, couriers: u32, pace_ms: u32) -> Running {
    start_patient(ground, couriers, pace_ms, 100)
}

fn start_patient(ground: &Ground, couriers: u32, pace_ms: u32, first_delay_ms: u32) -> Running {
    crew(ground, couriers, pace_ms);
    ground.start(Service::Delivery, |context| delivery::run_with(context, patience(first_delay_ms)))
}

/// Starts delivery with the settings as they are; with it comes its board.
fn start_with_board(ground: &Ground) -> (Running, Board) {
    let mut board = Board::default();
    let delivery = ground.start(Service::Delivery, |context| {
        board = context.board.clone();
        delivery::run_with(context, patience(100))
    });
    (delivery, board)
}

/// What the speaker chooses.
fn crew(ground: &Ground, couriers: u32, pace_ms: u32) {
    ground.choose(|choices| {
        choices.couriers = couriers;
        choices.courier_pace_ms = pace_ms;
    });
}

fn patience(first_delay_ms: u32) -> Config {
    Config { patience: Patience { attempts: 4, first_delay_ms } }
}

async fn queue(ground: &Ground, parcel: &DeliveryOrder) -> Result<()> {
    ground.publish(DELIVERY_ORDERS, parcel.order_id.as_str(), parcel).await
}

async fn ask(ground: &Ground, request: DeliveryRequest) -> Result<()> {
    ground.publish(DELIVERY_REQUESTS, request.order_id().as_str(), &request).await
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

/// When those updates happened that `which` picks, and what it picked from them.
fn moments<T>(received: &[Received<DeliveryUpdate>], which: impl Fn(&DeliveryUpdate) -> Option<T>) -> Vec<(Moment, T)> {
    received.iter().filter_map(|received| Some((received.at, which(received.message.as_ref().ok()?)?))).collect()
}

fn ends_with(received: &[Received<DeliveryUpdate>], order: &str, beginning: &str) -> bool {
    story(received, order).last().is_some_and(|last| last.starts_with(beginning))
}

//! Throwaway.
#![allow(clippy::unwrap_used, clippy::allow_attributes, clippy::allow_attributes_without_reason)]
use bus::{Dealt, Outgoing};
use events::{delivery::*, ids::*, topics::*};
use service::{now, testing::Ground};
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn speed() {
    let n: usize = std::env::var("N").unwrap_or("3000".into()).parse().unwrap();
    let couriers: usize = std::env::var("C").unwrap_or("8".into()).parse().unwrap();
    let rate: Option<u64> = std::env::var("RATE").ok().and_then(|r| r.parse().ok());
    let ground = Ground::new().await.unwrap();
    let mut publisher = ground.bus.publisher();
    let make = |i: usize| {
        let order = DeliveryOrder {
            order_id: format!("o{i}").parse().unwrap(),
            round: 1,
            attempt: 1,
            customer: "Ada".into(),
            address: "Grote Markt 1, Brussel".into(),
            lines: vec![events::orders::Line { beer: BeerId::new("orval"), bottles: events::quantities::Bottles(2) }],
        };
        Outgoing::new(DELIVERY_ORDERS, format!("o{i}"), EventId::new(format!("x-{i}")), now(), &order).unwrap()
    };
    let config = delivery::Config {
        couriers,
        pace: Duration::ZERO,
        patience: delivery::round::Patience { attempts: 4, first_delay_ms: 1000 },
    };
    if rate.is_none() {
        let all: Vec<_> = (0..n).map(make).collect();
        publisher.publish(&all).await.unwrap();
    }
    let other = bus::Bus::new(ground.bus.broker().clone(), ground.bus.place().clone());
    let mut updates = other.consumer(DELIVERY_UPDATES, Service::Website, Dealt::default()).unwrap();
    let start = Instant::now();
    let running = ground.start(Service::Delivery, |c| delivery::run_with(c, config));
    let mut sender = None;
    if let Some(rate) = rate {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let messages = n;
        sender = Some(tokio::spawn(async move {
            let mut tick = tokio::time::interval(Duration::from_micros(1_000_000 / rate));
            for i in 0..messages {
                tick.tick().await;
                publisher.publish(&[make(i)]).await.unwrap();
            }
        }));
    }
    let (mut done, mut first, mut lat) = (0, None, Vec::new());
    while done < n {
        let batch = updates.receive(1000).await;
        let t = now();
        for r in &batch {
            if let Ok(DeliveryUpdate::Delivered { .. }) = &r.message {
                done += 1;
                first.get_or_insert_with(Instant::now);
            }
            if let Ok(DeliveryUpdate::PickedUp { .. }) = &r.message {
                lat.push(t.micros_since(r.at));
            }
        }
        let p: Vec<_> = batch.iter().map(|r| r.position).collect();
        updates.acknowledge(&p).await;
    }
    let s = first.unwrap().elapsed().as_secs_f64();
    lat.sort();
    println!(
        "{n} in {s:.2}s = {:.0}/s; pickup->seen p50 {} us p99 {} us; total {:.2}",
        n as f64 / s,
        lat[lat.len() / 2],
        lat[lat.len() * 99 / 100],
        start.elapsed().as_secs_f64()
    );
    if let Some(s) = sender {
        s.await.unwrap();
    }
    running.stop().await.unwrap();
}

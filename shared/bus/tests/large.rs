//! Large and compressed messages, as any client may send them: they are read within limits or are unreadable, and block nothing.

mod bed;
mod sending;

use std::time::Duration;

use anyhow::{Result, ensure};
use bed::fresh;
use bus::{Bus, Consumer, ConsumerOptions};
use events::{
    delivery::DeliveryOrder,
    ids::Service,
    orders::PlaceOrder,
    received::{Position, Received},
    topics::{DELIVERY_ORDERS, ORDERS, TopicSpec},
};
use pulsar::{
    ProducerOptions, Pulsar, TokioExecutor,
    compression::{Compression, CompressionLz4, CompressionSnappy, CompressionZlib, CompressionZstd},
    producer,
};
use sending::send;
use serde::de::DeserializeOwned;

/// Longest wait for something that must happen.
const LIMIT: Duration = Duration::from_secs(60);
/// The size of a bomb when it is unpacked.
const BOMB: usize = 16 * 1024 * 1024;
/// Most memory that reading may take on top of what writing took.
const MEMORY_MAX_KIB: u64 = 64 * 1024;
const ORDER: &str = r#"{"customer":"Ada","address":"Gent","lines":[{"beer":"orval","bottles":2}]}"#;

/// A client that is not ours: it compresses, and packs this many messages into an entry.
async fn stranger(
    bus: &Bus,
    topic: &TopicSpec,
    compression: Option<Compression>,
    batch: Option<u32>,
) -> Result<producer::Producer<TokioExecutor>> {
    let client: Pulsar<_> = Pulsar::builder(bus.broker().url.clone(), TokioExecutor).build().await?;
    let options = ProducerOptions { compression, batch_size: batch, ..ProducerOptions::default() };
    Ok(client.producer().with_topic(topic.address(&bus.scope().tenant, 1)).with_options(options).build().await?)
}

async fn read<M: DeserializeOwned>(consumer: &mut Consumer<M>, count: usize) -> Result<Vec<Received<M>>> {
    let mut all: Vec<Received<M>> = Vec::new();
    let reading = async {
        while all.len() < count {
            let batch = consumer.receive(count - all.len()).await;
            let positions: Vec<Position> = batch.iter().map(|received| received.position).collect();
            all.extend(batch);
            consumer.acknowledge(&positions).await;
        }
    };
    let in_time = tokio::time::timeout(LIMIT, reading).await;
    ensure!(in_time.is_ok(), "only {} of {count} came", all.len());
    Ok(all)
}

/// The peak memory of this process, if the system tells.
fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.split_whitespace().next()?.parse().ok()
}

fn reasons<M>(all: &[Received<M>]) -> Vec<&str> {
    all.iter().filter_map(|received| received.message.as_ref().err()).map(|why| why.reason.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_packs_an_order_it_is_read() -> Result<()> {
    let (bus, _) = fresh().await?;
    let packings = [
        None,
        Some(Compression::Lz4(CompressionLz4::default())),
        Some(Compression::Zlib(CompressionZlib::default())),
        Some(Compression::Zstd(CompressionZstd::default())),
        Some(Compression::Snappy(CompressionSnappy::default())),
    ];
    let orders = vec![ORDER.as_bytes().to_vec(); 3];
    for batch in [None, Some(3)] {
        for packing in packings.clone() {
            send(&mut stranger(&bus, ORDERS.spec, packing, batch).await?, &orders).await?;
        }
    }
    let mut consumer = bus.consumer::<PlaceOrder>(ORDERS, Service::Warehouse, ConsumerOptions::default())?;
    let all = read(&mut consumer, 2 * packings.len() * orders.len()).await?;
    assert_eq!(reasons(&all), Vec::<&str>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_becomes_too_large_is_unreadable_and_takes_no_memory() -> Result<()> {
    let (bus, _) = fresh().await?;
    let zeros = vec![vec![0_u8; BOMB]];
    let bombs = 20;
    for packing in [
        Compression::Zlib(CompressionZlib::default()),
        Compression::Zstd(CompressionZstd::default()),
        Compression::Lz4(CompressionLz4::default()),
        Compression::Snappy(CompressionSnappy::default()),
    ] {
        let mut producer = stranger(&bus, ORDERS.spec, Some(packing), None).await?;
        for _ in 0..bombs / 4 {
            send(&mut producer, &zeros).await?;
        }
    }
    let large = 100;
    let mut producer = stranger(&bus, ORDERS.spec, None, None).await?;
    for _ in 0..large {
        send(&mut producer, &[vec![b'x'; 1024 * 1024]]).await?;
    }
    send(&mut producer, &[ORDER.as_bytes().to_vec()]).await?;
    drop(zeros);
    let before = peak_kib();
    // A broker sends this many to each reader ahead.
    let mut readers = Vec::new();
    for reader in [Service::Warehouse, Service::InventoryAnalysis, Service::Website] {
        readers.push(bus.consumer::<PlaceOrder>(ORDERS, reader, ConsumerOptions::default())?);
    }
    for mut consumer in readers {
        let all = read(&mut consumer, bombs + large + 1).await?;
        let reasons = reasons(&all);
        assert_eq!(reasons.len(), bombs + large, "{reasons:?}");
        assert!(reasons.iter().all(|reason| reason.contains("more than 65536")), "{reasons:?}");
        assert!(all.last().is_some_and(|last| last.message.is_ok()), "and then comes what is readable");
    }
    if let (Some(before), Some(after)) = (before, peak_kib()) {
        let took = after - before;
        assert!(took <= MEMORY_MAX_KIB, "reading took {took} KiB on top of {before}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_courier_gets_past_what_cannot_be_unpacked() -> Result<()> {
    let (bus, admin) = fresh().await?;
    let packing = Some(Compression::Zstd(CompressionZstd::default()));
    send(&mut stranger(&bus, DELIVERY_ORDERS.spec, packing.clone(), None).await?, &[vec![0; BOMB]]).await?;
    let many = vec![b"[]".to_vec(); 1_001];
    send(&mut stranger(&bus, DELIVERY_ORDERS.spec, packing, Some(1_001)).await?, &many).await?;
    send(&mut stranger(&bus, DELIVERY_ORDERS.spec, None, None).await?, &[b"{}".to_vec()]).await?;
    let ada = ConsumerOptions { name: Some("Ada".to_owned()), ..ConsumerOptions::default() };
    let mut consumer = bus.consumer::<DeliveryOrder>(DELIVERY_ORDERS, Service::Delivery, ada)?;
    let all = read(&mut consumer, 3).await?;
    let reasons = reasons(&all);
    let has = |part: &str| reasons.iter().any(|reason| reason.contains(part));
    assert!(
        has("more than 65536 bytes unpacked") && has("1001 messages in one entry") && has("missing field"),
        "{reasons:?}"
    );
    let path = DELIVERY_ORDERS.spec.admin_path(&bus.scope().tenant, 1);
    let deadline = tokio::time::Instant::now() + LIMIT;
    loop {
        let stats: serde_json::Value = admin.get(&format!("{path}/stats")).await?;
        let couriers = &stats["subscriptions"]["couriers"];
        if couriers["msgBacklog"] == 0 && couriers["unackedMessages"] == 0 {
            return Ok(());
        }
        ensure!(tokio::time::Instant::now() < deadline, "{couriers}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

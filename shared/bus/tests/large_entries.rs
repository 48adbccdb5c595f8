//! Large entries, on every topic that is stored: one message, many in one entry, compressed ones. They are read from the
//! bookie: the broker closes the topic before, and forgets what it has of it in memory.

mod bed;
mod sending;

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bed::fresh;
use bus::Admin;
use events::topics::{TOPICS, TopicSpec};
use futures_util::{StreamExt as _, future::try_join_all};
use pulsar::{
    Consumer, ConsumerOptions, Producer, ProducerOptions, Pulsar, SubType, TokioExecutor,
    compression::{Compression, CompressionLz4},
    consumer::InitialPosition,
    unpacking::{KEPT, MESSAGE_MAX},
};
use sending::send;

/// How long writing or reading one topic may take.
const LIMIT: Duration = Duration::from_secs(60);
/// Single messages: below and above what one network buffer of the bookie holds, and far above.
const SIZES: [usize; 5] = [16_000, 17_000, 33_000, 65_000, 1_000_000];
/// A batch: this many messages of this size in one entry.
const BATCH: u32 = 40;
const BATCHED_SIZE: usize = 1_000;

fn bytes(size: usize) -> Vec<u8> {
    (0..size).map(|_| rand::random::<u8>()).collect()
}

async fn write(
    pulsar: &Pulsar<TokioExecutor>,
    topic: &str,
    options: ProducerOptions,
    payloads: &[Vec<u8>],
) -> Result<()> {
    let mut producer: Producer<TokioExecutor> =
        pulsar.producer().with_topic(topic).with_options(options).build().await?;
    send(&mut producer, payloads).await?;
    Ok(producer.close().await?)
}

async fn read(pulsar: &Pulsar<TokioExecutor>, topic: &str, count: usize) -> Result<Vec<Vec<u8>>> {
    let options = ConsumerOptions::default().durable(false).with_initial_position(InitialPosition::Earliest);
    let mut consumer: Consumer<Vec<u8>, TokioExecutor> = pulsar
        .consumer()
        .with_topic(topic)
        .with_subscription("large-entries")
        .with_subscription_type(SubType::Exclusive)
        .with_options(options)
        .build()
        .await?;
    let mut payloads = Vec::new();
    while payloads.len() < count {
        payloads.push(consumer.next().await.context("no more comes")??.payload.data);
    }
    Ok(payloads)
}

async fn come_back(pulsar: &Pulsar<TokioExecutor>, admin: &Admin, tenant: &str, topic: &TopicSpec) -> Result<()> {
    let (address, path) = (topic.address(tenant, 1), topic.admin_path(tenant, 1));
    let single: Vec<_> = SIZES.into_iter().map(bytes).collect();
    let batch: Vec<_> = (0..BATCH).map(|_| bytes(BATCHED_SIZE)).collect();
    let batched = || ProducerOptions { batch_size: Some(BATCH), ..ProducerOptions::default() };
    let lz4 = || Some(Compression::Lz4(CompressionLz4::default()));
    write(pulsar, &address, ProducerOptions::default(), &single).await?;
    write(pulsar, &address, ProducerOptions { compression: lz4(), ..ProducerOptions::default() }, &single).await?;
    write(pulsar, &address, batched(), &batch).await?;
    write(pulsar, &address, ProducerOptions { compression: lz4(), ..batched() }, &batch).await?;
    let written = [&single[..], &single, &batch, &batch].concat();
    admin.put(&format!("{path}/unload"), None).await?;
    let came = tokio::time::timeout(LIMIT, read(pulsar, &address, written.len())).await;
    let came = came.with_context(|| format!("{address} does not give back what it took"))??;
    ensure!(written.iter().zip(&came).all(|(written, came)| is_as_written(written, came)), "{address} changed it");
    Ok(())
}

/// Of a message beyond the limit our client returns the beginning, compressed as it came.
fn is_as_written(written: &[u8], came: &[u8]) -> bool {
    if written.len() <= MESSAGE_MAX { came == written } else { came.len() == KEPT }
}

#[tokio::test(flavor = "multi_thread")]
async fn large_entries_come_back_from_the_bookie_on_every_topic() -> Result<()> {
    let (bus, admin) = fresh().await?;
    let pulsar = Pulsar::builder(&bus.broker().url, TokioExecutor).build().await?;
    let stored = TOPICS.into_iter().filter(|topic| topic.stored);
    try_join_all(stored.map(|topic| come_back(&pulsar, &admin, &bus.scope().tenant, topic))).await?;
    Ok(())
}

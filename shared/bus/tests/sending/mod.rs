//! Sends as a foreign client does.

use anyhow::Result;
use pulsar::{TokioExecutor, producer};

/// Sends all of it, then waits for the receipts.
pub async fn send(producer: &mut producer::Producer<TokioExecutor>, payloads: &[Vec<u8>]) -> Result<()> {
    let mut receipts = Vec::new();
    for payload in payloads {
        let message = producer::Message { payload: payload.clone(), ..producer::Message::default() };
        receipts.push(producer.send_non_blocking(message).await?);
    }
    for receipt in receipts {
        receipt.await?;
    }
    Ok(())
}
